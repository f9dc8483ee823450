import Fleet
import FoundationEssentials

/// The highest token that a server has seen. Read and written under the server's lock only.
struct HostFence {
  let layout: HostLayout

  /// Records a token at least as high as the one recorded.
  ///
  /// - Throws: ``DeliveryFailure`` (`fenced`) for a lower one.
  func admit(_ token: FenceToken, server: String) throws {
    guard try check(token, server: server) != token else { return }
    try Disk.replace(layout.fence, with: Array(try JSONEncoder().encode(token)))
  }

  /// The token that is recorded, which is no higher than this one; nil where none is. It is replaced in one step,
  /// so it may be read without the lock.
  ///
  /// - Throws: ``DeliveryFailure`` (`fenced`) where it is higher.
  @discardableResult
  func check(_ token: FenceToken, server: String) throws -> FenceToken? {
    guard let bytes = try Disk.read(layout.fence) else { return nil }
    guard let seen = try? JSONDecoder().decode(FenceToken.self, from: Data(bytes)) else {
      throw DeliveryFailure(
        .unreachable,
        "\(layout.fence) on \(server) can't be read; make sure that nothing works on it, then remove that file"
      )
    }
    guard seen <= token else {
      throw DeliveryFailure(
        .fenced, "newer work (\(seen)) has been on \(server); this (\(token)) comes late and did nothing")
    }
    return seen
  }
}
