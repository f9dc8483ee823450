/// What can be read off a deployment.
extension Deployment {
  /// The bastion; nil where there is none.
  public var bastion: Target? { bastionIndex.map { batches[$0.batch].targets[$0.target] } }

  /// The rolling batches, in their order.
  public var rollingBatches: ArraySlice<Batch> { batches.drop { $0.kind == .bastion } }

  /// Every target, the bastion first.
  public var targets: [Target] { batches.flatMap(\.targets) }

  /// The runs that have been handed to the queue and have not ended: hosts and tickets.
  public var underWay: [(host: String, ticket: String)] {
    batches.flatMap { $0.targets.compactMap { target in target.ticket.map { (target.host, $0) } } }
  }

  /// Whether any run has been handed to the queue and has not ended.
  var isUnderWay: Bool { batches.contains { $0.targets.contains(where: \.isUnderWay) } }

  /// The bastion that is not excluded stands last in its batch: those before it were replaced.
  var bastionIndex: (batch: Int, target: Int)? {
    guard let first = batches.first, first.kind == .bastion, !first.targets.isEmpty else { return nil }
    return (0, first.targets.count - 1)
  }

  /// The index of the rolling batch that is to be started next; nil where none has a target for it.
  ///
  /// That is the first; in a retry the first of those that hold a server which is out already, so that
  /// nothing more is pulled before what failed has been tried again.
  public var nextBatch: Int? {
    // By indices: a copy of each target would cost more than the question.
    var next: Int?
    for b in batches.indices where batches[b].kind == .rolling {
      for t in batches[b].targets.indices
      where batches[b].targets[t].state == .pending && batches[b].targets[t].ticket == nil {
        if batches[b].targets[t].out { return b }
        if next == nil { next = b }
      }
    }
    return next
  }

  /// The place of a batch among the rolling ones, from 1.
  public func rollingNumber(of index: Int) -> Int {
    index + 1 - (batches.first?.kind == .bastion ? 1 : 0)
  }

  /// Whether a batch may only be started by a person who has not done so.
  func waitsForPerson(_ index: Int) -> Bool {
    config.gates.batches == .manual && rollingNumber(of: index) > 1 && !batches[index].opened
  }

  /// The wait before a rolling batch, from the end of the one before it.
  func wait(before index: Int) -> Milliseconds {
    let number = rollingNumber(of: index)
    // In a retry the first batch may come after others.
    guard number > 1 || rollingBatches.contains(where: { $0.endedAt != nil }) else { return 0 }
    var wait = number >= config.tailFrom ? config.tailWait ?? config.batchWait : config.batchWait
    if case .auto(let after) = config.gates.batches { wait += after }
    return config.gates.batches == .manual ? 0 : wait
  }

  /// When a rolling batch may start: as it was stored, or as it follows from the end of the one that ended
  /// last; nil where none has.
  func startTime(of index: Int) -> Milliseconds? {
    batches[index].startsAt
      ?? batches.compactMap(\.endedAt).max().map { $0 + wait(before: index) }
  }

  /// When the coordinator will open a gate or start a batch by itself; nil where it waits for running
  /// work, for a person, or for nothing.
  public var nextStepAt: Milliseconds? {
    switch state {
    case .smokeSuccess:
      if case .auto(let after) = config.gates.bake { gateSince.map { $0 + after } } else { nil }
    case .bakeSuccess:
      if case .auto(let after) = config.gates.rollout { gateSince.map { $0 + after } } else { nil }
    case .rollingOut:
      if isUnderWay {
        nil
      } else {
        nextBatch.flatMap { waitsForPerson($0) ? nil : startTime(of: $0) ?? createdAt }
      }
    default: nil
    }
  }

  /// Whether there is something that a rollback would take back. It is a deployment of its own, and aborts this one first
  /// where that has not ended.
  public var mayBeRolledBack: Bool {
    (kind == .release || kind == .rollback) && targets.contains { $0.touched || $0.isUnderWay }
  }

  /// What people may do now, in the words that they type: the actions that the state allows, and the rollback.
  public var choices: [String] { allowed.map(\.rawValue) + (mayBeRolledBack ? ["rollback"] : []) }

  /// The actions that the state allows.
  public var allowed: [ActionName] {
    switch state {
    case .pending: startRequested ? [.brake, .abort] : [.start, .brake, .abort]
    case .smoking, .baking: [.brake, .abort]
    case .smokeSuccess: [.bake, .brake, .abort]
    case .bakeSuccess: [.rollout, .brake, .abort]
    case .smokeFailure, .bakeFailure: [.retry, .brake, .abort]
    case .rollingOut:
      if let nextBatch, !isUnderWay, waitsForPerson(nextBatch) {
        [.pause, .continue, .brake, .abort]
      } else {
        [.pause, .brake, .abort]
      }
    case .paused: [.continue, .retry, .brake, .abort]
    case .braked: startedAt == nil ? [.resume, .abort] : [.retry, .resume, .abort]
    case .failure: [.retry, .accept, .brake, .abort]
    case .revoking: revoking?.forced == true ? [] : [.abort]
    case .success, .revoked: []
    }
  }
}
