/// What a person may do to a deployment.
public enum Action: Codable, Sendable, Equatable {
  /// Begin: the bastion, or the first batch where there is none.
  case start
  /// Put the verified bastion into service.
  case bake
  /// Begin the rolling batches.
  case rollout
  /// Let nothing new start.
  case pause
  /// Unpause; or start the batch that waits for a person.
  case `continue`
  /// Pull the brake.
  case brake
  /// A new pass over what failed or never ran.
  case retry
  /// Release the brake, the rule being evaluated again, or overridden.
  case resume(override: Override?)
  /// Give up what failed and call the rest a success.
  case accept
  /// End it: what has not begun its Install is put back; or, forced, everything is killed as it stands.
  case abort(forced: Bool)

  /// The word that people type.
  public var name: ActionName {
    switch self {
    case .start: .start
    case .bake: .bake
    case .rollout: .rollout
    case .pause: .pause
    case .continue: .continue
    case .brake: .brake
    case .retry: .retry
    case .resume: .resume
    case .accept: .accept
    case .abort: .abort
    }
  }
}

/// The word for an action, as people type it.
public enum ActionName: String, Codable, Sendable, CaseIterable {
  case start, bake, rollout, pause, `continue`, brake, retry, resume, accept, abort
}

/// The overriding of a brake that would hold again at once. It takes a reason.
public struct Override: Codable, Sendable, Equatable {
  /// How many failures more are allowed; nil means as many as the limit allowed before.
  public var more: Int?
  /// So many more failures, or as many as before.
  public init(more: Int? = nil) { self.more = more }
}
