/// Makes a deployment of its events again, from the first to the last of them.
///
/// - Returns: nil where they don't begin with `created`.
public func replay(_ events: some Sequence<DeploymentEvent>) -> Deployment? {
  var replaying = Replaying()
  for event in events { replaying.apply(event) }
  return replaying.deployment
}

/// A deployment as its events tell it so far.
public struct Replaying: Sendable {
  /// The deployment; nil before its `created`.
  public private(set) var deployment: Deployment?
  /// Where each target stands in it.
  private var places: [String: (batch: Int, target: Int)] = [:]

  /// Nothing has been told.
  public init() {}

  /// Takes in the next event. Events of a deployment that was never created tell nothing.
  public mutating func apply(_ event: DeploymentEvent) {
    if case .created(let created) = event {
      deployment = created
      return findPlaces()
    }
    guard deployment != nil else { return }
    switch event {
    case .created: break
    case .moved(_, let state): deployment!.state = state
    case .logged(let entry): deployment!.log.append(entry)
    case .changed(let field): set(field)
    case .arranged(let arrangement): arrange(arrangement)
    case .batch(let index, _, let fields):
      guard deployment!.batches.indices.contains(index) else { return }
      fields.put(into: &deployment!.batches[index])
    case .target(let host, _, let target):
      guard let place = places[host] else { return }
      deployment!.batches[place.batch].targets[place.target] = target
    }
  }

  /// A target as it was told last; nil where it never was.
  public func target(_ host: String) -> Target? {
    places[host].map { deployment!.batches[$0.batch].targets[$0.target] }
  }

  private mutating func findPlaces() {
    places = [:]
    for (b, batch) in (deployment?.batches ?? []).enumerated() {
      for (t, target) in batch.targets.enumerated() { places[target.host] = (b, t) }
    }
  }

  private mutating func arrange(_ arrangement: [DeploymentEvent.Arrangement]) {
    let known = Dictionary(
      deployment!.batches.flatMap(\.targets).map { ($0.host, $0) }, uniquingKeysWith: { a, _ in a })
    deployment!.batches = arrangement.map { part in
      Batch(kind: part.kind, targets: part.hosts.map { known[$0] ?? Target(host: $0) })
    }
    findPlaces()
  }

  private mutating func set(_ field: DeploymentField) {
    switch field {
    case .limit(let value): deployment!.limit = value
    case .braked(let value): deployment!.braked = value
    case .revoking(let value): deployment!.revoking = value
    case .attempt(let value): deployment!.attempt = value
    case .successor(let value): deployment!.successor = value
    case .startRequested(let value): deployment!.startRequested = value
    case .startedAt(let value): deployment!.startedAt = value
    case .bakeOpenedAt(let value): deployment!.bakeOpenedAt = value
    case .rolloutOpenedAt(let value): deployment!.rolloutOpenedAt = value
    case .gateSince(let value): deployment!.gateSince = value
    case .gateNotified(let value): deployment!.gateNotified = value
    case .deadlineFrom(let value): deployment!.deadlineFrom = value
    case .shut(let value): deployment!.shut = value
    case .down(let value): deployment!.down = value
    case .endedAt(let value): deployment!.endedAt = value
    case .rollbackOrder(let value): deployment!.rollbackOrder = value
    }
  }
}
