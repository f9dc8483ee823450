internal import Crypto

/// A Lua script that runs inside Redis. It is called by its digest; only a server that doesn't know it
/// yet is sent the source, which also makes it known there.
public struct RedisScript: Sendable, Hashable {
  /// What the script is called in errors and logs; Redis never sees it.
  public let name: String
  /// The Lua source.
  public let source: String
  /// The SHA-1 of the source in 40 hexadecimal digits: the name Redis knows it by.
  public let sha1: String

  /// - Parameters:
  ///   - name: for errors and logs.
  ///   - source: Lua as `EVAL` takes it.
  public init(name: String, source: String) {
    self.name = name
    self.source = source
    self.sha1 = hexadecimal(Insecure.SHA1.hash(data: Array(source.utf8)))
  }

  /// The command that calls the script, for ``RedisClient/send(_:)`` and ``RedisClient/pipeline(_:)``.
  ///
  /// - Parameters:
  ///   - keys: what the script reads as `KEYS`.
  ///   - arguments: what it reads as `ARGV`.
  public func call(keys: [String] = [], arguments: [RedisArgument] = []) -> RedisCommand {
    var words: [RedisArgument] = []
    words.reserveCapacity(2 + keys.count + arguments.count)
    words.append(.string(sha1))
    words.append(.integer(keys.count))
    for key in keys { words.append(.string(key)) }
    words += arguments
    var command = RedisCommand("EVALSHA", words)
    command.script = self
    return command
  }
}

extension RedisCommand {
  /// The same call with the script's source in place of its digest; `nil` if this is no script's call.
  var withSource: RedisCommand? {
    guard let script, !arguments.isEmpty else { return nil }
    var words = arguments
    words[0] = .string(script.source)
    return RedisCommand("EVAL", words)
  }
}

private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
  return String(decoding: text, as: UTF8.self)
}
