public import RedisClient

/// A private redis-server: a child process that listens on a unix socket inside a directory, and nowhere
/// else unless asked to.
public final class RedisServer: Sendable {
  /// When Redis writes its append-only file to the disk.
  public enum AppendOnly: String, Sendable {
    /// No file: everything is gone after a restart.
    case off
    /// Once a second: a crash of the machine may cost the last second.
    case everySecond
    /// Before each answer.
    case always
  }

  /// How to run it.
  public struct Options: Sendable {
    public var appendOnly: AppendOnly = .off
    /// Asked of every client, where set.
    public var password: Password?
    /// More settings, as pairs of name and value of redis.conf: `["maxmemory": "100mb"]`.
    public var settings: [String: String] = [:]
    /// The program; a name without a slash is looked up in `PATH`.
    public var executable: String = "redis-server"

    public init(appendOnly: AppendOnly = .off) { self.appendOnly = appendOnly }
  }

  /// How to reach it.
  public let configuration: RedisConfiguration

  init(configuration: RedisConfiguration) { self.configuration = configuration }

  /// Starts a server in a directory, waits until it answers, lends it, and stops it afterwards, whatever
  /// happens in between.
  ///
  /// - Parameters:
  ///   - directory: holds socket, log and data; made if missing. `nil` makes a temporary one that is removed
  ///     at the end.
  ///   - options: how to run it.
  /// - Throws: ``RedisServerError`` where it doesn't start; what `body` throws.
  public static func run<Result>(
    directory: String? = nil, options: Options = Options(),
    _ body: (RedisServer) async throws -> Result
  ) async throws -> Result {
    throw RedisServerError(message: "not yet")
  }

  /// Ends the process with SIGKILL, as a fault would.
  public func kill() async throws {}

  /// Starts it again on the same directory after ``kill()``, and waits until it answers.
  public func restart() async throws {}
}

/// Why the private redis-server doesn't run.
public struct RedisServerError: Error, Sendable, CustomStringConvertible {
  /// What happened and what can be done, in a sentence.
  public let message: String
  public var description: String { message }
}
