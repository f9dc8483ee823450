/// What follows from an event: the deployment as it is now, and what to do about it.
public struct Decision: Sendable, Equatable {
  /// The deployment after the event. Equal to the one before where nothing follows.
  public var deployment: Deployment
  /// What to do, in the same transaction that stores the deployment.
  public var effects: [Effect]

  /// A deployment after an event, and what to do about it.
  public init(deployment: Deployment, effects: [Effect] = []) {
    self.deployment = deployment
    self.effects = effects
  }
}

/// Something to be done.
public enum Effect: Sendable, Equatable {
  /// Hand work to the queue, as one group under the deployment's limit.
  case run(Work)
  /// Shut the limit: nothing that has not started starts. Look again at once after it.
  case shut
  /// Stop work that was handed over.
  case stop([Stop])
  /// Look again at this instant.
  case wake(at: Milliseconds)
  /// Give the server the fault flag.
  case flagFault(host: String, by: String, reason: String)
  /// Create the rollback of this deployment, by its policy, once: the order's reason is the reason, and
  /// `policy <name>` is who.
  case rollBack(RollbackOrder)
  /// Make these checks from now until then, keep their results, and look when one has failed.
  case watch(Watch, until: Milliseconds)
  /// Tell people.
  case notify(Notice)
}

/// Work for one batch: a group of target runs.
public struct Work: Sendable, Equatable {
  /// The name of the work, from ``Situation/ticket``.
  public var ticket: String
  /// The index of the batch in ``Deployment/batches``.
  public var batch: Int
  /// The deployment's attempt.
  public var attempt: Int
  /// The bound of failures at which nothing more starts.
  public var bound: Int
  /// The failures there are already.
  public var failures: Int
  /// The runs.
  public var runs: [Run]
}

/// One target's run: the stages that its chain is made of.
public struct Run: Sendable, Equatable {
  /// The server.
  public var host: String
  /// The stages, in order.
  public var stages: [Stage]
  /// Whether the first stage asks whether there is anything to do at all.
  public var mayBeSkipped: Bool
}

/// Work to be stopped.
public struct Stop: Sendable, Equatable {
  /// How it is stopped.
  public enum Mode: Sendable, Equatable {
    /// Take back what has not started. Only said after the limit was shut.
    case takeBack
    /// At once; what runs is killed.
    case now
    /// Unless its Install has begun: at the end of the stage that runs, and then Markup.
    case thenMarkup
    /// Unless its Install has begun: at the end of the stage that runs.
    case afterStage
  }

  /// The server.
  public var host: String
  /// The run.
  public var ticket: String
  /// How.
  public var mode: Mode
}

/// What people should be told.
public enum Notice: Sendable, Equatable {
  /// A manual gate has waited for long.
  case gateWaits(DeploymentState, since: Milliseconds)
  /// The brake was pulled.
  case braked(String)
  /// The deployment ended, or stopped at a failure.
  case reached(DeploymentState)
  /// It is rolled back by its policy.
  case rollsBack(RollbackOrder)
}

/// An action that can't be done now.
public struct Refusal: Error, Sendable, Equatable {
  /// What was asked.
  public var action: ActionName
  /// The state that the deployment is in.
  public var state: DeploymentState
  /// Why it was refused, and what to do.
  public var reason: String
  /// The actions that can be done now.
  public var allowed: [ActionName]
  /// What people may do now, in the words that they type: ``allowed``, and the rollback where there is one.
  public var choices: [String]
}

extension Notice: CustomStringConvertible {
  /// The notice as a sentence about the deployment.
  public var description: String {
    switch self {
    case .gateWaits(let state, _): "waits for a person at \(state.rawValue)"
    case .braked(let reason): "BRAKED: \(reason)"
    case .reached(let state): state.rawValue
    case .rollsBack(let order): "is rolled back \(order.reason)"
    }
  }
}

extension Refusal: CustomStringConvertible {
  /// The refusal as a sentence.
  public var description: String {
    let what = choices.isEmpty ? "nothing" : choices.joined(separator: ", ")
    return "\(action.rawValue) is refused in \(state.rawValue): \(reason); allowed now: \(what)"
  }
}
