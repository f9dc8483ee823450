/// Where to listen: a port, and the address of this machine whose callers may come.
///
/// Written `PORT` (callers on this machine only), `HOST:PORT` or `[IPv6]:PORT`; port 0 takes one that is free.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
  public let host: String
  public let port: Int

  /// - Throws: ``InvalidListenAddress``
  public init(_ text: String) throws(InvalidListenAddress) {
    var host = "127.0.0.1"
    var port = text[...]
    if let colon = text.lastIndex(of: ":") {
      port = text[text.index(after: colon)...]
      var name = text[..<colon]
      if name.first == "[", name.last == "]" {
        name = name.dropFirst().dropLast()
      } else if name.contains(":") {
        throw InvalidListenAddress(text: text)
      }
      host = String(name)
    }
    guard !host.isEmpty, host.utf8.allSatisfy(Self.allows), (1...5).contains(port.utf8.count),
      port.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains), let number = Int(port),
      number <= 65_535
    else { throw InvalidListenAddress(text: text) }
    self.host = host
    self.port = number
  }

  init(host: String, port: Int) { (self.host, self.port) = (host, port) }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  private static func allows(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"),
      UInt8(ascii: "%"):
      true
    default: false
    }
  }
}

/// An address that can't be listened on, and what one looks like.
public struct InvalidListenAddress: Error, Sendable, CustomStringConvertible {
  public let text: String
  public var description: String {
    "\"\(text.prefix(60))\" is no address to listen on: use PORT, HOST:PORT or [IPv6]:PORT, port 0 to 65535"
  }
}
