/// A reason for a server to be out of service. A server may carry several, each cleared by its own owner.
public enum Flag: String, Codable, Sendable, CaseIterable, CodingKeyRepresentable {
  /// A person pulled it out.
  case `operator`
  /// It was found faulty: by a health check, or by accepting a release that failed on it.
  case fault
  /// A release has it out for now. Markup clears this one and no other.
  case release
}

/// A flag on one server: who set it, when, and why.
public struct FlagMark: Codable, Sendable, Equatable {
  public var by: String
  public var reason: String
  /// Milliseconds since 1970 by the server's clock.
  public var at: Int64

  public init(by: String, reason: String, at: Int64) {
    self.by = by
    self.reason = reason
    self.at = at
  }
}

/// The flags of a group's servers, by host name. A server without flags is absent.
public typealias Flags = [String: [Flag: FlagMark]]
