#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Addresses of the loopback network (127.0.0.0/8) that no one uses, and one port that is free on all of them.
///
/// The port lies below those that the system gives to clients, so none of the many connections that come and
/// go can take it while an app is restarted.
struct LoopbackBlock: Sendable {
  struct NoneFree: Error, CustomStringConvertible {
    var description: String { "no free port was found on the loopback network (127.0.0.0/8) in 50 tries" }
  }

  let network: String
  let port: Int

  /// The host number of the address where requests arrive.
  static let entrance = 200

  func address(_ number: Int) -> String { "\(network).\(number)" }

  static func free(addresses: Int) throws -> LoopbackBlock {
    for _ in 0..<50 {
      let block = LoopbackBlock(
        network: "127.\(Int.random(in: 16...250)).\(Int.random(in: 0...255))",
        port: .random(in: 12_000...30_000))
      if (Array(1...addresses) + [entrance]).allSatisfy({ isFree(block.address($0), block.port) }) {
        return block
      }
    }
    throw NoneFree()
  }

  private static func isFree(_ address: String, _ port: Int) -> Bool {
    #if canImport(Glibc)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    let file = socket(AF_INET, kind, 0)
    guard file >= 0 else { return false }
    defer { close(file) }
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = in_port_t(port).bigEndian
    guard inet_pton(AF_INET, address, &name.sin_addr) == 1 else { return false }
    return withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    } == 0
  }
}
