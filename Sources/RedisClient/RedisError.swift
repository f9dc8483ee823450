/// Why a command got no answer, or which error was its answer.
public struct RedisError: Error, Sendable {
  /// The kinds of failure. More may be added, so a `switch` over them needs a `default`.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// No connection came about: refused, unknown host, no such socket, TLS not verified.
    public static let connectFailed = Code(description: "connect failed")
    /// The connection ended before the answer came.
    public static let connectionLost = Code(description: "connection lost")
    /// Redis refused the user name or the password, or wants one and none is configured.
    public static let authentication = Code(description: "authentication")
    /// The server's certificate or its name was not accepted, or the TLS files can't be used.
    public static let tls = Code(description: "TLS")
    /// The answer did not come in time.
    public static let timeout = Code(description: "timeout")
    /// Redis answered with an error; see ``RedisError/reply``.
    public static let server = Code(description: "server")
    /// What came is not the Redis protocol, or exceeds what this client reads.
    public static let protocolError = Code(description: "protocol error")
    /// The task that waited for the answer was cancelled.
    public static let cancelled = Code(description: "cancelled")
    /// The client was closed.
    public static let closed = Code(description: "closed")
    /// The configuration or the command can't be used as it stands.
    public static let invalid = Code(description: "invalid")
  }

  /// What kind of failure it is.
  public let code: Code
  /// What happened and what can be done, in a sentence. It never holds a password or an argument.
  public let message: String
  /// Whether Redis may have run the command. When `false` it certainly has not, and sending it again is
  /// always safe. For an error reply: `false`, except for a script, which may have written before it failed.
  public let mayHaveRun: Bool
  /// The error reply, where ``code`` is ``Code/server`` or ``Code/authentication``.
  public let reply: RedisReplyError?
  /// What lies beneath, where something does.
  public let cause: (any Error)?

  public init(
    _ code: Code, _ message: String, mayHaveRun: Bool = false, reply: RedisReplyError? = nil,
    cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.mayHaveRun = mayHaveRun
    self.reply = reply
    self.cause = cause
  }

  /// Whether the failure is one of the connection, so that the same command may succeed later.
  public var isConnectionFailure: Bool {
    code == .connectFailed || code == .connectionLost || code == .timeout
  }
}

extension RedisError: CustomStringConvertible {
  public var description: String {
    mayHaveRun ? "\(message) (the command may have run)" : message
  }
}
