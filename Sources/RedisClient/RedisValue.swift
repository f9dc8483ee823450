/// What Redis answered to one command.
///
/// Strings that Redis sends with a length are `bulk`, as bytes: Redis keeps bytes, not text. Ask for
/// ``string`` where text is meant.
public enum RedisValue: Sendable, Hashable {
  /// Nothing: a key that does not exist, a blocking command whose time is over.
  case null
  case integer(Int)
  /// A short status such as `OK`.
  case simple(String)
  case bulk([UInt8])
  case array([RedisValue])
  /// An error reply that stands among other replies: in a pipeline, or inside an array. A command sent
  /// alone throws it instead.
  case error(RedisReplyError)
}

extension RedisValue {
  /// The value as text: a status, or bulk bytes that are valid UTF-8; an integer in decimal digits.
  /// `nil` for everything else.
  public var string: String? {
    switch self {
    case .simple(let text): text
    case .bulk(let bytes): String(validating: bytes, as: UTF8.self)
    case .integer(let number): String(number)
    case .null, .array, .error: nil
    }
  }

  /// The value as a number: an integer reply, or text that is one decimal integer.
  public var int: Int? {
    switch self {
    case .integer(let number): number
    case .simple(let text): Int(text)
    case .bulk(let bytes): decimal(bytes)
    case .null, .array, .error: nil
    }
  }

  /// The value as bytes: of a bulk reply or a status.
  public var bytes: [UInt8]? {
    switch self {
    case .bulk(let bytes): bytes
    case .simple(let text): Array(text.utf8)
    case .null, .integer, .array, .error: nil
    }
  }

  /// The elements of an array reply.
  public var array: [RedisValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The error reply, where the value is one.
  public var error: RedisReplyError? {
    if case .error(let error) = self { error } else { nil }
  }

  /// Whether Redis answered that there is nothing.
  public var isNull: Bool { self == .null }

  /// A hash as `HGETALL` sends it: names and values in turn. `nil` if the value is no such array.
  public var pairs: [String: RedisValue]? {
    guard case .array(let elements) = self, elements.count.isMultiple(of: 2) else { return nil }
    var pairs: [String: RedisValue] = [:]
    pairs.reserveCapacity(elements.count / 2)
    for index in stride(from: 0, to: elements.count, by: 2) {
      guard let name = elements[index].string else { return nil }
      pairs[name] = elements[index + 1]
    }
    return pairs
  }
}

/// An error that Redis itself replied, such as `WRONGTYPE Operation against a key …`.
public struct RedisReplyError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The first word, which names the kind: `ERR`, `NOSCRIPT`, `OOM`, `LOADING`, `READONLY` …
  public var kind: String
  /// The whole line as Redis sent it, the kind included.
  public var message: String

  /// - Parameter message: the line as Redis sends it, without the leading `-`.
  public init(_ message: String) {
    self.message = message
    self.kind = String(message.prefix { $0 != " " })
  }

  public var description: String { message }
}

/// Reads a decimal integer, without making a String of it first. `nil` if it is none, or too large.
private func decimal(_ bytes: [UInt8]) -> Int? {
  let negative = bytes.first == UInt8(ascii: "-")
  let digits = negative ? bytes.dropFirst() : bytes[...]
  guard !digits.isEmpty else { return nil }
  var number = 0
  for digit in digits {
    guard digit >= 0x30, digit <= 0x39 else { return nil }
    let (tens, overflowed) = number.multipliedReportingOverflow(by: 10)
    let unit = Int(digit - 0x30)
    let (next, over) = negative ? tens.subtractingReportingOverflow(unit) : tens.addingReportingOverflow(unit)
    guard !overflowed, !over else { return nil }
    number = next
  }
  return number
}
