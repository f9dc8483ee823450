import Fleet
import FoundationEssentials

/// The highest token that a server has seen. Read and written under the server's lock only.
struct HostFence {
  let layout: HostLayout

  /// Records a token at least as high as the one recorded.
  ///
  /// - Throws: ``DeliveryFailure`` (`fenced`) for a lower one.
  func admit(_ token: FenceToken, server: String) throws {
    if let bytes = try Disk.read(layout.fence) {
      guard let seen = try? JSONDecoder().decode(FenceToken.self, from: Data(bytes)) else {
        throw DeliveryFailure(
          .unreachable,
          "\(layout.fence) on \(server) can't be read; make sure that nothing works on it, then remove that file"
        )
      }
      guard seen != token else { return }
      guard seen < token else {
        throw DeliveryFailure(
          .fenced, "newer work (\(seen)) has been on \(server); this (\(token)) comes late and did nothing")
      }
    }
    try Disk.replace(layout.fence, with: Array(try JSONEncoder().encode(token)))
  }
}
