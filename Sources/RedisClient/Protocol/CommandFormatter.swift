internal import CHiredis
internal import NIOCore

/// Writes commands as Redis reads them, by hiredis' formatter.
///
/// hiredis takes pointers to the words, so all words of a command are first laid side by side in one
/// buffer, which is kept from command to command.
struct CommandFormatter {
  private var words: [UInt8] = []
  private var lengths: [Int] = []

  /// Appends one command to `buffer`.
  mutating func append(_ command: RedisCommand, to buffer: inout ByteBuffer) {
    withFormatted(command) { _ = buffer.writeBytes($0) }
  }

  /// Formats one command and lends its bytes.
  mutating func withFormatted<Result>(
    _ command: RedisCommand, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    words.removeAll(keepingCapacity: words.capacity <= 1 << 20)
    lengths.removeAll(keepingCapacity: true)
    add(command.name.utf8)
    for argument in command.arguments {
      switch argument {
      case .string(let text): add(text.utf8)
      case .bytes(let bytes): add(bytes)
      case .integer(let number): add(String(number).utf8)
      }
    }
    return words.withUnsafeBytes { words in
      withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: lengths.count) { pointers in
        // An empty word points at nothing in particular, but not at null.
        var next = words.baseAddress ?? UnsafeRawPointer(pointers.baseAddress!)
        for index in lengths.indices {
          pointers[index] = next.assumingMemoryBound(to: CChar.self)
          next += lengths[index]
        }
        var text: sds?
        let count = redisFormatSdsCommandArgv(&text, Int32(lengths.count), pointers.baseAddress, lengths)
        guard count >= 0, let text else { fatalError("hiredis could not allocate a command") }
        defer { redisFreeSdsCommand(text) }
        return body(UnsafeRawBufferPointer(start: text, count: Int(count)))
      }
    }
  }

  private mutating func add(_ bytes: some Collection<UInt8>) {
    words.append(contentsOf: bytes)
    lengths.append(bytes.count)
  }
}
