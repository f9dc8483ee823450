public import Logging
public import NIOCore
public import NIOPosix

/// A client of one Redis server over one connection, which all callers share.
///
/// Commands of callers that run at the same time travel together: they are written in one go and answered
/// in order. The connection is made when it is first needed and made again when it is lost. A command that
/// was not sent yet then waits for the new connection, up to its time-out; one that was sent fails with an
/// error that says it may have run. Cancelling a caller ends its waiting and disturbs nobody else.
///
/// Commands that block (`BZPOPMIN`, `WAIT`) and those that change the connection itself (`SELECT`,
/// `MULTI`, `SUBSCRIBE`) do not belong here: see ``makeBlockingConnection()`` and
/// ``subscribe(to:patterns:)``.
public final class RedisClient: Sendable {
  public let configuration: RedisConfiguration
  private let logger: Logger
  private let group: any EventLoopGroup
  private let link: Link
  private let timeout: TimeAmount

  /// - Parameters:
  ///   - configuration: where Redis is. Nothing is connected before the first use.
  ///   - logger: hears of connections made, lost and refused, and never of commands' contents.
  ///   - eventLoopGroup: runs the connection's input and output.
  public init(
    _ configuration: RedisConfiguration, logger: Logger,
    eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) {
    self.configuration = configuration
    self.logger = logger
    group = eventLoopGroup
    link = Link(configuration, logger: logger, eventLoop: eventLoopGroup.next())
    timeout = TimeAmount(configuration.commandTimeout)
  }

  deinit {
    let link = link
    link.eventLoop.execute { link.close(nil, answering: false) }
  }

  /// Connects now, once, and says who answered. A failure is thrown at once instead of being retried.
  @discardableResult
  public func connect() async throws(RedisError) -> RedisServerInfo {
    let pending = Pending<RedisServerInfo>()
    let outcome = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        guard pending.wait(continuation) else {
          return continuation.resume(returning: .failure(.cancelled(mayHaveRun: false)))
        }
        link.eventLoop.execute { [link] in link.connect(pending) }
      }
    } onCancel: {
      pending.finish(.failure(.cancelled(mayHaveRun: false)))
    }
    return try outcome.get()
  }

  /// The server of the current connection, or of the last one while there is none; `nil` before the first.
  /// It changes with each connect, so comparing ``RedisServerInfo/runID`` tells of a server's restart.
  public var serverInfo: RedisServerInfo? { link.serverInfo }

  /// Sends one command and waits for its answer.
  ///
  /// A script's call (``RedisScript/call(keys:arguments:)``) that the server doesn't know is sent again
  /// with its source.
  ///
  /// - Throws: ``RedisError``; an error reply is thrown with code ``RedisError/Code/server``.
  @discardableResult
  public func send(_ command: RedisCommand) async throws(RedisError) -> RedisValue {
    var value = try await link.send(command, deadline: .now() + timeout)
    if case .error(let error) = value, error.kind == "NOSCRIPT", let whole = command.withSource {
      value = try await link.send(whole, deadline: .now() + timeout)
    }
    guard case .error(let error) = value else { return value }
    throw RedisError(reply: error, to: command)
  }

  /// Sends commands together, in order and with no other caller's between them, and waits for all answers.
  ///
  /// It is not a transaction: others' commands may run in between on the server, and one that fails does
  /// not stop the rest. Error replies stand among the answers. Scripts that the server turned out not to
  /// know are run again with their source, in order, after the rest was answered.
  ///
  /// - Returns: as many answers as commands, in their order.
  /// - Throws: ``RedisError`` where the connection failed; then some of the commands may have run.
  public func pipeline(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisValue] {
    guard !commands.isEmpty else { return [] }
    var values = try await link.send(commands, deadline: .now() + timeout)
    let unknown = values.indices.filter {
      values[$0].error?.kind == "NOSCRIPT" && commands[$0].script != nil
    }
    guard !unknown.isEmpty else { return values }
    do throws(RedisError) {
      let again = try await link.send(
        unknown.map { commands[$0].withSource ?? commands[$0] }, deadline: .now() + timeout)
      for (index, value) in zip(unknown, again) { values[index] = value }
    } catch {
      // The rest of the pipeline has run.
      throw error.afterSending
    }
    return values
  }

  /// The event loop of the shared connection.
  var connectionEventLoop: any EventLoop { link.eventLoop }

  /// An event loop for a connection beside the shared one.
  func nextEventLoop() -> any EventLoop { group.next() }

  /// Runs a script: by its digest, and with its source where the server doesn't know it.
  ///
  /// - Parameters:
  ///   - keys: what the script reads as `KEYS`.
  ///   - arguments: what it reads as `ARGV`.
  @discardableResult
  public func run(
    _ script: RedisScript, keys: [String] = [], arguments: [RedisArgument] = []
  ) async throws(RedisError) -> RedisValue {
    try await send(script.call(keys: keys, arguments: arguments))
  }

  /// A connection of its own to the same server, for one caller's blocking commands. Close it when done.
  ///
  /// It is served by the thread of the shared connection: what is sent there in answer to it needs no other's wake-up.
  public func makeBlockingConnection() -> RedisBlockingConnection {
    RedisBlockingConnection(Link(configuration, logger: logger, eventLoop: link.eventLoop))
  }

  /// Lends a connection of its own for blocking commands, and closes it afterwards.
  public func withBlockingConnection<Result>(
    _ body: (RedisBlockingConnection) async throws -> Result
  ) async throws -> Result {
    let connection = makeBlockingConnection()
    do {
      let result = try await body(connection)
      await connection.close()
      return result
    } catch {
      await connection.close()
      throw error
    }
  }

  /// Asks the server to end, and waits for its answer or for the end of the connection, whether or not the
  /// task is cancelled.
  package func shutDownServer() async {
    // Redis answers by closing the connection, which is a failure to everybody else.
    _ = try? await link.sendShielded(RedisCommand("SHUTDOWN"), deadline: .now() + timeout)
  }

  /// Ends the client: what was sent is still answered (within the command time-out), what was not fails with
  /// code ``RedisError/Code/closed``, and so does every later call. Closing twice is harmless.
  public func close() async { await link.close(answering: true) }
}
