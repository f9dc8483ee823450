/// A step of a target from stage to stage, at the instant at which it happened. Coordinators look when a batch has
/// settled or a limit has tripped, and then learn of many at once.
public struct TargetStep: Codable, Sendable, Equatable {
  public var host: String
  /// Redis' clock, in milliseconds since 1970.
  public var at: Milliseconds
  public var from: TargetState
  public var to: TargetState
}

extension Target {
  /// The steps by which it came to where it is, since it was told last; the oldest first.
  ///
  /// - Parameter before: the target as it was told then; nil where it came.
  public func steps(since before: Target?) -> [TargetStep] {
    let known = before?.times ?? []
    var made: [(at: Milliseconds, state: TargetState)] = []
    for time in times {
      let old = known.first { $0.stage == time.stage && $0.startedAt == time.startedAt }
      if old == nil { made.append((time.startedAt, .running(time.stage))) }
      guard let end = time.endedAt, old?.endedAt == nil else { continue }
      made.append((end, state == .failed(time.stage) ? state : .succeeded(time.stage)))
    }
    var last = before?.state ?? .pending
    return made.map { at, state in
      defer { last = state }
      return TargetStep(host: host, at: at, from: last, to: state)
    }
  }

  /// The target as it was at an instant, as far as a later telling of it says.
  mutating func catchUp(to moment: Milliseconds, from later: Target) {
    guard let step = later.steps(since: self).last(where: { $0.at <= moment }) else { return }
    state = step.to
    failure = state.isFailure ? later.failure : nil
    attempt = later.attempt
    times = later.times.filter { $0.startedAt <= moment }.map { time in
      StageTime(
        stage: time.stage, startedAt: time.startedAt,
        endedAt: time.endedAt.flatMap { $0 <= moment ? $0 : nil })
    }
    touched = touched || times.contains { $0.stage == .markdown }
    changed = changed || times.contains { $0.stage.changesTheServer }
  }
}

/// What one commit told, and when.
public struct Telling: Sendable, Equatable {
  public var at: Milliseconds
  public var events: [DeploymentEvent]

  public init(at: Milliseconds, events: [DeploymentEvent]) {
    self.at = at
    self.events = events
  }
}

/// Makes a deployment of its events again as it was at an instant: what had been committed by then, and the stages of its
/// targets that had begun or ended by then, also where that was told only later.
///
/// - Returns: nil where it had not been created by then.
public func replay(_ tellings: [Telling], at moment: Milliseconds) -> Deployment? {
  var replaying = Replaying()
  let split = tellings.firstIndex { $0.at > moment } ?? tellings.endIndex
  for event in tellings[..<split].lazy.flatMap(\.events) { replaying.apply(event) }
  guard var deployment = replaying.deployment else { return nil }
  var later: [String: Target] = [:]
  for case .target(let host, _, let target) in tellings[split...].lazy.flatMap(\.events)
  where later[host] == nil {
    later[host] = target
  }
  for b in deployment.batches.indices {
    for t in deployment.batches[b].targets.indices {
      guard let target = later[deployment.batches[b].targets[t].host] else { continue }
      deployment.batches[b].targets[t].catchUp(to: moment, from: target)
    }
  }
  return deployment
}
