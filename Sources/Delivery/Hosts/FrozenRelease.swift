import Fleet
import FoundationEssentials

/// What the latest deployment that worked on a server was frozen as. Read and written under the server's lock only.
struct FrozenRelease {
  private struct Seen: Codable, Equatable {
    var epoch: Int
    var deployment: Int
    var digest: String
  }

  let layout: HostLayout

  /// Remembers a deployment's digest when it comes first, and refuses another one under the same number later.
  ///
  /// - Throws: ``DeliveryFailure`` (`checksum`) that names both digests.
  func admit(_ digest: ReleaseDigest?, of deployment: String, under token: FenceToken) throws {
    guard let digest else { return }
    let now = Seen(epoch: token.epoch, deployment: token.deployment, digest: digest.atHost)
    if let bytes = try Disk.read(layout.frozen),
      let seen = try? JSONDecoder().decode(Seen.self, from: Data(bytes)),
      seen.epoch == now.epoch, seen.deployment == now.deployment
    {
      guard seen.digest == now.digest else {
        throw InstallOrder.changed("the release", deployment, frozen: seen.digest, given: now.digest)
      }
      return
    }
    try Disk.replace(layout.frozen, with: Array(try JSONEncoder().encode(now)))
  }
}
