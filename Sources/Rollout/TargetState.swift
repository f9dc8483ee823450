/// Where one server stands in one deployment. The raw values are the words people see:
/// `PENDING`, `VERIFY_RUNNING`, `INSTALL_FAILURE`, `SUCCESS` …
public enum TargetState: Sendable, Hashable, RawRepresentable, Codable {
  /// Not started in this pass.
  case pending
  /// The stage is being run (or is being tried again).
  case running(Stage)
  /// The stage is done and the next has not begun.
  case succeeded(Stage)
  /// The stage failed, and the target stopped there.
  case failed(Stage)
  /// Every stage is done: on the version, verified, in service.
  case success
  /// Already on the version, verified and in service; it was not touched.
  case skipped
  /// Pulled out or decommissioned after the plan was made, or given up by an accept.
  case excluded
  /// Ended by an abort before it reached its end.
  case revoked

  /// Reads a raw value such as `VERIFY_RUNNING`; nil where it is none.
  public init?(rawValue: String) {
    switch rawValue {
    case "PENDING": self = .pending
    case "SUCCESS": self = .success
    case "SKIPPED": self = .skipped
    case "EXCLUDED": self = .excluded
    case "REVOKED": self = .revoked
    default:
      for stage in Stage.allCases where rawValue.hasPrefix(stage.rawValue + "_") {
        switch rawValue.dropFirst(stage.rawValue.count + 1) {
        case "RUNNING": self = .running(stage)
        case "SUCCESS": self = .succeeded(stage)
        case "FAILURE": self = .failed(stage)
        default: return nil
        }
        return
      }
      return nil
    }
  }

  /// The state in the words people see.
  public var rawValue: String {
    switch self {
    case .pending: "PENDING"
    case .running(let stage): stage.rawValue + "_RUNNING"
    case .succeeded(let stage): stage.rawValue + "_SUCCESS"
    case .failed(let stage): stage.rawValue + "_FAILURE"
    case .success: "SUCCESS"
    case .skipped: "SKIPPED"
    case .excluded: "EXCLUDED"
    case .revoked: "REVOKED"
    }
  }

  /// Every state there is, in the order of a target's life.
  public static let allStates: [TargetState] =
    [.pending]
    + Stage.allCases.flatMap { [.running($0), .succeeded($0), .failed($0)] }
    + [.success, .skipped, .excluded, .revoked]

  /// True for `X_FAILURE`, whatever the stage.
  public var isFailure: Bool { if case .failed = self { true } else { false } }

  /// True where nothing more will happen to the target in this pass: an end or a failure.
  public var isTerminal: Bool {
    switch self {
    case .success, .skipped, .excluded, .revoked, .failed: true
    case .pending, .running, .succeeded: false
    }
  }

  /// True where the target is on the version and in service by what the release did or found.
  public var isGood: Bool { self == .success || self == .skipped }
}
