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
    let outcome = await wait(dropWhenCancelled: dropWhenCancelled) { link, caller, continuation in
      link.outbox.leave(command, caller, deadline: deadline, continuation)
    }
    return try outcome.get().first
  }

  /// Sends one command and waits for its answer, whether or not the waiting task is cancelled.
  func sendShielded(_ command: RedisCommand, deadline: NIODeadline) async throws(RedisError) -> RedisValue {
    let outcome = await withUnsafeContinuation { continuation in
      enter(Outbox.Caller(), continuation) { link, caller, continuation in
        link.outbox.leave(command, caller, deadline: deadline, continuation)
      }
    }
    return try outcome.get().first
  }

  /// Sends several commands and waits for all answers.
  func send(_ commands: [RedisCommand], deadline: NIODeadline) async throws(RedisError) -> [RedisValue] {
    let outcome = await wait(dropWhenCancelled: false) { link, caller, continuation in
      link.outbox.leave(commands, caller, deadline: deadline, continuation)
    }
    return try outcome.get().all
  }

  private typealias Continuation = UnsafeContinuation<Outbox.Caller.Outcome, Never>

  private func wait(
    dropWhenCancelled: Bool, _ leave: (Link, Outbox.Caller, Continuation) -> Outbox.Accepted
  ) async -> Outbox.Caller.Outcome {
    let caller = Outbox.Caller()
    return await withTaskCancellationHandler {
      await withUnsafeContinuation { enter(caller, $0, leave) }
    } onCancel: {
      // The connection goes first, so that what the caller sends next finds it gone.
      if outbox.withdraw(caller), dropWhenCancelled {
        eventLoop.execute { self.drop(.cancelled(mayHaveRun: true)) }
      }
    }
  }

  private func enter(
    _ caller: Outbox.Caller, _ continuation: Continuation,
    _ leave: (Link, Outbox.Caller, Continuation) -> Outbox.Accepted
  ) {
    switch leave(self, caller, continuation) {
    case .quietly: break
    case .callCollector: eventLoop.execute { self.collect() }
    case .refused(let error): continuation.resume(returning: .failure(error))
    }
  }

  /// Waits until the connection is closed, whether or not the waiting task is cancelled.
  func close() async {
    let promise = eventLoop.makePromise(of: Void.self)
    eventLoop.execute { self.close(promise) }
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
