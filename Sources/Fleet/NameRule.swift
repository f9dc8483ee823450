/// What a name may look like. Names become keys, paths and load-balancer commands, so what is not on this list
/// is refused where it enters.
public enum NameRule: Sendable {
  /// Groups, apps, sites, backends and host scripts.
  case name
  /// Host names of servers.
  case host
  /// Versions of packages; `+` is allowed, as semantic versioning has it.
  case version
  /// What a server listens on: an IPv4 or IPv6 address or a host name.
  case address

  /// Longest text allowed, in characters.
  public var longest: Int {
    switch self {
    case .name: 64
    case .host, .address: 253
    case .version: 128
    }
  }

  /// The sentence an error ends with.
  public var allowed: String {
    switch self {
    case .name: "up to 64 letters, digits, '.', '-' and '_', the first a letter or a digit"
    case .host: "up to 253 letters, digits, '.', '-' and '_', the first a letter or a digit"
    case .version: "up to 128 letters, digits, '.', '-', '_' and '+', the first a letter or a digit"
    case .address: "an IP address or a host name"
    }
  }

  public func accepts(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard let first = bytes.first, bytes.count <= longest else { return false }
    let firstIsFine = first.isLetterOrDigit || (self == .address && first == UInt8(ascii: ":"))
    return firstIsFine && bytes.allSatisfy { $0.isLetterOrDigit || extras.contains($0) }
  }

  private var extras: [UInt8] {
    switch self {
    case .name, .host: Array(".-_".utf8)
    case .version: Array(".-_+".utf8)
    case .address: Array(".-_:".utf8)
    }
  }
}

extension UInt8 {
  fileprivate var isLetterOrDigit: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
