/// Why a target's stage failed.
public struct Failure: Codable, Sendable, Equatable {
  /// The kind of failure. Codes that this list doesn't know are kept as they come.
  public struct Code: RawRepresentable, Codable, Sendable, Hashable {
    /// The code as it is stored and shown.
    public var rawValue: String
    /// Any code, known or not.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A host script ended with an error.
    public static let script = Code(rawValue: "script")
    /// A time limit or a deadline passed.
    public static let timeout = Code(rawValue: "timeout")
    /// The worker or its host vanished, again and again.
    public static let lost = Code(rawValue: "lost")
    /// The load balancer refused or could not be asked.
    public static let loadBalancer = Code(rawValue: "loadBalancer")
    /// The server could not be reached.
    public static let unreachable = Code(rawValue: "unreachable")
    /// The package is not what was published.
    public static let checksum = Code(rawValue: "checksum")
  }

  /// The kind of failure.
  public var code: Code
  /// One sentence for the operator.
  public var message: String
  /// The last lines of the stage's log, where there are any.
  public var log: String?

  /// A failure of a kind, with a sentence and perhaps the end of a log.
  public init(code: Code, message: String, log: String? = nil) {
    self.code = code
    self.message = message
    self.log = log
  }
}
