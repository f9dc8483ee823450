/// A name that becomes part of a Redis key: checked once, where it enters.
///
/// 1 to 200 characters out of `A–Z a–z 0–9 . _ - / @ + =`. So no name can reach another's key, end a
/// field early, or carry a line break into a log. `Kind` keeps a limit's name from being passed as a chain's.
public struct Identifier<Kind>: Hashable, Sendable, Codable, CustomStringConvertible {
  public let rawValue: String
  public var description: String { rawValue }

  /// - Throws: ``InvalidIdentifier`` for an empty or too long name, or one with another character.
  public init(_ rawValue: String) throws(InvalidIdentifier) {
    guard (1...200).contains(rawValue.utf8.count), rawValue.utf8.allSatisfy(Self.allows) else {
      throw InvalidIdentifier(rawValue: rawValue)
    }
    self.rawValue = rawValue
  }

  /// For names that Redis gave back: they were checked on their way in.
  init(trusted rawValue: String) { self.rawValue = rawValue }

  public init(from decoder: any Decoder) throws {
    try self.init(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }

  static func allows(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "@"),
      UInt8(ascii: "+"), UInt8(ascii: "="):
      true
    default: false
    }
  }
}

public typealias ChainID = Identifier<Chain>
public typealias GroupID = Identifier<ChainGroup>
public typealias LimitID = Identifier<Limit>
public typealias RecordID = Identifier<Record>

/// A name that was refused, and what a name may be.
public struct InvalidIdentifier: Error, Sendable, CustomStringConvertible {
  public let rawValue: String
  public var description: String {
    let shown = String(rawValue.prefix(60))
    return "\"\(shown)\" can't be a name: 1 to 200 characters of A-Z a-z 0-9 . _ - / @ + = are allowed"
  }
}
