/// One argument of a command. It travels as bytes with a length, so any content is safe in it.
public enum RedisArgument: Sendable, Hashable {
  case string(String)
  case integer(Int)
  case bytes([UInt8])
}

extension RedisArgument {
  public init(_ string: String) { self = .string(string) }
  public init(_ integer: Int) { self = .integer(integer) }
  public init(_ integer: Int64) { self = .integer(Int(integer)) }
  public init(_ bytes: [UInt8]) { self = .bytes(bytes) }
}

extension RedisArgument: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  public init(stringLiteral value: String) { self = .string(value) }
}

extension RedisArgument: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Int) { self = .integer(value) }
}

/// A command and its arguments: `RedisCommand("SET", "greeting", "hello", "EX", 60)`.
///
/// It prints as its name and the number of its arguments, never their content, so that a log line
/// doesn't give away what is kept in Redis.
public struct RedisCommand: Sendable, Hashable {
  /// The command's name, such as `GET`.
  public var name: String
  /// What follows the name.
  public var arguments: [RedisArgument]
  /// The script whose source is sent in case the server doesn't know it by its digest.
  var script: RedisScript?

  /// - Parameters:
  ///   - name: one word. A subcommand is an argument: `RedisCommand("CONFIG", "GET", "maxmemory")`.
  ///   - arguments: what follows it, in order.
  public init(_ name: String, _ arguments: [RedisArgument]) {
    self.name = name
    self.arguments = arguments
  }

  public init(_ name: String, _ arguments: RedisArgument...) {
    self.init(name, arguments)
  }
}

extension RedisCommand: CustomStringConvertible {
  public var description: String {
    "\(name) (\(arguments.count) argument\(arguments.count == 1 ? "" : "s"))"
  }
}
