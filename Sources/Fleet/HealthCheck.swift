/// How a server proves that it runs a version, and runs it well.
///
/// A check passes when the URL answers 2xx and names the wanted version; ignition (Verify) asks for
/// `successes` passes in a row within the start-up time of the deployment's config.
public struct HealthCheck: Codable, Sendable, Equatable {
  /// Begins with `/`.
  public var path: String
  /// Passes in a row that make a server healthy; 1 or more.
  public var successes: Int
  /// Milliseconds from one check's answer to the next check.
  public var interval: Int64
  /// Milliseconds one check may take, connecting included.
  public var timeout: Int64
  /// Where the answer names the version.
  public var version: VersionReport

  public init(
    path: String = "/health", successes: Int = 3, interval: Int64 = 500, timeout: Int64 = 2_000,
    version: VersionReport = .json(key: "version")
  ) {
    self.path = path
    self.successes = successes
    self.interval = interval
    self.timeout = timeout
    self.version = version
  }
}

/// Where a health answer names the version that runs.
public enum VersionReport: Codable, Sendable, Equatable {
  /// The body is a JSON object; this key's value is the version.
  case json(key: String)
  /// This response header's value is the version.
  case header(name: String)
  /// The body is the version, but for white space around it.
  case text
}
