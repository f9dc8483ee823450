internal import CHiredis

/// Makes values of the bytes that Redis sends: hiredis' reader, told to build ours at once in place of a
/// tree of its own.
///
/// Bytes may come in pieces of any size; a reply is given out when its last byte is there. After an error
/// the reader is of no more use, as nobody knows where the next reply would begin.
struct ReplyReader: ~Copyable {
  private let reader: UnsafeMutablePointer<redisReader>
  private let builder: ReplyBuilder
  private let replyLimit: Int
  /// Bytes fed since the last complete reply.
  private var unfinished = 0

  /// - Parameter replyLimit: how many bytes one reply may have.
  init(replyLimit: Int) {
    guard let reader = redisReaderCreateWithFunctions(replyFunctions) else {
      fatalError("hiredis could not allocate a reader")
    }
    builder = ReplyBuilder()
    reader.pointee.privdata = Unmanaged.passUnretained(builder).toOpaque()
    // Keep the buffer between reads rather than allocate one for each; it shrinks after larger replies.
    reader.pointee.maxbuf = 1 << 20
    self.reader = reader
    self.replyLimit = replyLimit
  }

  deinit { redisReaderFree(reader) }

  /// Takes bytes as they come from the socket.
  mutating func feed(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    // An error is kept by hiredis and told by the next call of `next`.
    _ = redisReaderFeed(reader, base.assumingMemoryBound(to: CChar.self), bytes.count)
    unfinished += bytes.count
  }

  /// The next complete reply; `nil` where more bytes are needed.
  ///
  /// - Throws: ``RedisError/Code/protocolError``.
  mutating func next() throws(RedisError) -> RedisValue? {
    var token: UnsafeMutableRawPointer?
    guard redisReaderGetReply(reader, &token) == REDIS_OK else { throw failure(errorText) }
    guard token != nil else {
      guard unfinished <= replyLimit else { throw failure("a reply of more than \(replyLimit) bytes") }
      return nil
    }
    // A type that has no function in our table leaves a gap, so the value is not complete.
    guard let value = builder.take() else { throw failure("a reply of an unknown type") }
    unfinished = reader.pointee.len - reader.pointee.pos
    return value
  }

  private func failure(_ what: String) -> RedisError {
    RedisError(.protocolError, "What came is not a Redis reply that this client reads: \(what).")
  }

  private var errorText: String {
    withUnsafeBytes(of: &reader.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

/// Puts a reply together from the parts that hiredis reports, outermost first.
private final class ReplyBuilder {
  private struct OpenArray {
    var elements: [RedisValue] = []
    var missing: Int
  }

  private var open: [OpenArray] = []
  private var finished: RedisValue?

  func begin(count: Int) {
    guard count > 0 else { return add(.array([])) }
    var array = OpenArray(missing: count)
    // The count is the sender's word; memory is given for what really comes.
    array.elements.reserveCapacity(min(count, 1024))
    open.append(array)
  }

  func add(_ value: RedisValue) {
    var value = value
    while let last = open.indices.last {
      open[last].elements.append(value)
      open[last].missing -= 1
      guard open[last].missing == 0 else { return }
      value = .array(open.removeLast().elements)
    }
    finished = value
  }

  func take() -> RedisValue? {
    guard open.isEmpty, let value = finished else { return nil }
    finished = nil
    return value
  }
}

/// hiredis wants a pointer for each object and only hands it back to us; the values live in the builder.
nonisolated(unsafe) private let token = UnsafeMutableRawPointer(bitPattern: 1)

private func builder(_ task: UnsafePointer<redisReadTask>?) -> ReplyBuilder {
  guard let data = task?.pointee.privdata else { fatalError("hiredis lost the reader's private data") }
  return Unmanaged<ReplyBuilder>.fromOpaque(data).takeUnretainedValue()
}

/// The table of functions. Fields are set one by one: later versions of hiredis have more of them, for
/// types of a protocol that we never ask for, and another integer for the count.
nonisolated(unsafe) private let replyFunctions: UnsafeMutablePointer<redisReplyObjectFunctions> = {
  let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
  functions.initialize(to: redisReplyObjectFunctions())
  functions.pointee.createString = { task, text, length in
    let bytes = UnsafeRawBufferPointer(start: text, count: length)
    let value: RedisValue =
      switch task?.pointee.type {
      case REDIS_REPLY_STATUS: .simple(String(decoding: bytes, as: UTF8.self))
      case REDIS_REPLY_ERROR: .error(RedisReplyError(String(decoding: bytes, as: UTF8.self)))
      default: .bulk(Array(bytes))
      }
    builder(task).add(value)
    return token
  }
  functions.pointee.createArray = { task, count in
    builder(task).begin(count: Int(count))
    return token
  }
  functions.pointee.createInteger = { task, number in
    builder(task).add(.integer(Int(number)))
    return token
  }
  functions.pointee.createNil = { task in
    builder(task).add(.null)
    return token
  }
  functions.pointee.freeObject = { _ in }
  return functions
}()
