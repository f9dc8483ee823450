internal import CHiredis
internal import NIOCore

/// Writes commands as Redis reads them, by hiredis' formatter.
enum CommandFormatter {
  /// Appends one command to `buffer`.
  static func append(_ command: RedisCommand, to buffer: inout ByteBuffer) {
    withFormatted(command) { _ = buffer.writeBytes($0) }
  }

  /// Formats one command and lends its bytes.
  ///
  /// hiredis takes pointers to the words, so they are first laid side by side: on the stack, where they
  /// are short.
  static func withFormatted<Result>(
    _ command: RedisCommand, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    let count = command.arguments.count + 1
    let size = command.arguments.reduce(command.name.utf8.count) { $0 + $1.capacity }
    // One byte more, so that an empty word has an address as well.
    return withUnsafeTemporaryAllocation(byteCount: size + 1, alignment: 1) { bytes in
      withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { pointers in
        withUnsafeTemporaryAllocation(of: Int.self, capacity: count) { lengths in
          var words = WordList(bytes: bytes, pointers: pointers, lengths: lengths)
          words.add(command.name)
          for argument in command.arguments {
            switch argument {
            case .string(let text): words.add(text)
            case .bytes(let bytes): bytes.withUnsafeBytes { words.add($0) }
            case .integer(let number): words.add(String(number))
            }
          }
          var text: sds?
          let length = redisFormatSdsCommandArgv(
            &text, Int32(count), pointers.baseAddress, lengths.baseAddress)
          guard length >= 0, let text else { fatalError("hiredis could not allocate a command") }
          defer { redisFreeSdsCommand(text) }
          return body(UnsafeRawBufferPointer(start: text, count: Int(length)))
        }
      }
    }
  }
}

extension RedisArgument {
  /// At least as many bytes as it has on the wire.
  fileprivate var capacity: Int {
    switch self {
    case .string(let text): text.utf8.count
    case .bytes(let bytes): bytes.count
    case .integer: 20
    }
  }
}

/// Words side by side in memory of somebody else's, with a pointer and a length for each.
private struct WordList {
  let bytes: UnsafeMutableRawBufferPointer
  let pointers: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>
  let lengths: UnsafeMutableBufferPointer<Int>
  var used = 0
  var count = 0

  mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  mutating func add(_ word: UnsafeRawBufferPointer) {
    let place = UnsafeMutableRawBufferPointer(rebasing: bytes[used...])
    place.copyMemory(from: word)
    pointers[count] = UnsafePointer(place.baseAddress?.assumingMemoryBound(to: CChar.self))
    lengths[count] = word.count
    used += word.count
    count += 1
  }
}
