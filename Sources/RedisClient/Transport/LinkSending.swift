internal import NIOCore

/// Where waiting tasks and the event loop meet.
extension Link {
  /// Sends one command and waits for its answer.
  ///
  /// - Parameter dropWhenCancelled: a caller that leaves after its command was sent takes the connection
  ///   with it.
  func send(
    _ command: RedisCommand, deadline: NIODeadline, dropWhenCancelled: Bool = false
  ) async throws(RedisError) -> RedisValue {
    let outcome = await wait(dropWhenCancelled: dropWhenCancelled) { caller, continuation in
      enter(command, caller, deadline, continuation)
    }
    return try outcome.get().first
  }

  /// Sends one command and waits for its answer, whether or not the waiting task is cancelled.
  func sendShielded(_ command: RedisCommand, deadline: NIODeadline) async throws(RedisError) -> RedisValue {
    let outcome = await withUnsafeContinuation { continuation in
      enter(command, Outbox.Caller(), deadline, continuation)
    }
    return try outcome.get().first
  }

  /// Sends several commands and waits for all answers.
  func send(_ commands: [RedisCommand], deadline: NIODeadline) async throws(RedisError) -> [RedisValue] {
    var bytes = ByteBuffer()
    for command in commands { CommandFormatter.append(command, to: &bytes) }
    let outcome = await wait(dropWhenCancelled: false) { caller, continuation in
      bytes.withUnsafeReadableBytes { enter($0, commands.count, caller, deadline, continuation) }
    }
    return try outcome.get().all
  }

  private typealias Continuation = UnsafeContinuation<Outbox.Caller.Outcome, Never>

  private func wait(
    dropWhenCancelled: Bool, _ enter: (Outbox.Caller, Continuation) -> Void
  ) async -> Outbox.Caller.Outcome {
    let caller = Outbox.Caller()
    return await withTaskCancellationHandler {
      await withUnsafeContinuation { enter(caller, $0) }
    } onCancel: {
      // The connection goes first, so that what the caller sends next finds it gone.
      if outbox.cancel(caller), dropWhenCancelled {
        eventLoop.execute { self.drop(.cancelled(mayHaveRun: true)) }
      }
    }
  }

  private func enter(
    _ command: RedisCommand, _ caller: Outbox.Caller, _ deadline: NIODeadline, _ continuation: Continuation
  ) {
    CommandFormatter.withFormatted(command) { enter($0, 1, caller, deadline, continuation) }
  }

  private func enter(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, _ caller: Outbox.Caller, _ deadline: NIODeadline,
    _ continuation: Continuation
  ) {
    switch outbox.leave(bytes, count: count, caller, deadline: deadline, continuation) {
    case .quietly: break
    case .callCollector: eventLoop.execute { self.collect() }
    case .refused(let error): continuation.resume(returning: .failure(error))
    }
  }

  /// Waits until the connection is closed, whether or not the waiting task is cancelled.
  func close(answering: Bool) async {
    let promise = eventLoop.makePromise(of: Void.self)
    eventLoop.execute { self.close(promise, answering: answering) }
    // The promise is only ever succeeded, except by an event loop that was shut down, which closes as well.
    try? await promise.futureResult.get()
  }
}

extension RedisError {
  /// An error reply as what the command's caller is thrown. A script may have written before its error.
  init(reply: RedisReplyError, to command: RedisCommand) {
    let name = command.script.map { "The script \($0.name)" } ?? "Redis, asked for \(command.name),"
    let began = command.script != nil && !["NOSCRIPT", "BUSY", "LOADING", "NOAUTH"].contains(reply.kind)
    self.init(.server, "\(name) answered: \(reply.message)", mayHaveRun: began, reply: reply)
  }
}
