internal import NIOCore

/// A connection for commands that wait inside Redis, such as `BZPOPMIN`: one caller, one command at a time.
///
/// When its caller is cancelled the connection is closed, so that Redis doesn't hand something to a client
/// that no longer listens; the next command connects anew. (What Redis handed over in that very moment is
/// lost to this client: wait for a signal this way, not for the work itself.)
public final class RedisBlockingConnection: Sendable {
  private let link: Link

  init(_ link: Link) { self.link = link }

  deinit {
    let link = link
    link.eventLoop.execute { link.close(nil, answering: false) }
  }

  /// Sends a command and waits for its answer.
  ///
  /// - Parameters:
  ///   - command: carries its own time-out as Redis wants it, for instance `RedisCommand("BZPOPMIN", "key", 5)`.
  ///   - blocking: the time-out that the command carries. The connection waits for the command time-out
  ///     of the configuration longer than that, and is then given up as dead.
  /// - Returns: the answer, `.null` where the command's own time-out passed.
  /// - Throws: ``RedisError``; code ``RedisError/Code/cancelled`` when the caller's task is cancelled.
  public func send(_ command: RedisCommand, blocking: Duration) async throws(RedisError) -> RedisValue {
    let patience = TimeAmount(blocking) + TimeAmount(link.configuration.commandTimeout)
    let value = try await link.send(command, deadline: .now() + patience, dropWhenCancelled: true)
    guard case .error(let error) = value else { return value }
    throw RedisError(reply: error, to: command)
  }

  /// Ends the connection and fails a command that still waits. Closing twice is harmless.
  public func close() async { await link.close(answering: false) }
}
