/// What has changed between two states of one deployment, in the order in which it is best told: what was
/// done, then the targets, the batches, and the deployment itself.
///
/// - Parameter before: nil where it has just been planned.
public func events(from before: Deployment?, to after: Deployment) -> [DeploymentEvent] {
  guard let before else { return [.created(after)] }
  var events: [DeploymentEvent] = after.log.dropFirst(before.log.count).map { .logged($0) }
  let rearranged = !sameArrangement(before, after)
  if rearranged {
    events.append(
      .arranged(
        after.batches.map { DeploymentEvent.Arrangement(kind: $0.kind, hosts: $0.targets.map(\.host)) }))
    let known = Dictionary(
      before.batches.flatMap { $0.targets }.map { ($0.host, $0) }, uniquingKeysWith: { a, _ in a })
    for batch in after.batches {
      for target in batch.targets where known[target.host] != target {
        events.append(.target(host: target.host, from: known[target.host]?.state, target))
      }
    }
    // The places of batches may have moved: each says how it stands.
    for (index, batch) in after.batches.enumerated() {
      events.append(.batch(index: index, from: batch.state, BatchFields(batch)))
    }
  } else {
    for (index, batch) in after.batches.enumerated() {
      let old = before.batches[index]
      for (target, was) in zip(batch.targets, old.targets) where target != was {
        events.append(.target(host: target.host, from: was.state, target))
      }
      let fields = BatchFields(batch)
      if fields != BatchFields(old) { events.append(.batch(index: index, from: old.state, fields)) }
    }
  }
  events += fields(before, after).map { .changed($0) }
  if before.state != after.state { events.append(.moved(from: before.state, to: after.state)) }
  return events
}

private func sameArrangement(_ a: Deployment, _ b: Deployment) -> Bool {
  guard a.batches.count == b.batches.count else { return false }
  for (one, other) in zip(a.batches, b.batches) {
    guard one.kind == other.kind, one.targets.count == other.targets.count else { return false }
    for (target, its) in zip(one.targets, other.targets) where target.host != its.host { return false }
  }
  return true
}

private func fields(_ a: Deployment, _ b: Deployment) -> [DeploymentField] {
  var fields: [DeploymentField] = []
  if a.limit != b.limit { fields.append(.limit(b.limit)) }
  if a.braked != b.braked { fields.append(.braked(b.braked)) }
  if a.revoking != b.revoking { fields.append(.revoking(b.revoking)) }
  if a.attempt != b.attempt { fields.append(.attempt(b.attempt)) }
  if a.successor != b.successor { fields.append(.successor(b.successor)) }
  if a.startRequested != b.startRequested { fields.append(.startRequested(b.startRequested)) }
  if a.startedAt != b.startedAt { fields.append(.startedAt(b.startedAt)) }
  if a.bakeOpenedAt != b.bakeOpenedAt { fields.append(.bakeOpenedAt(b.bakeOpenedAt)) }
  if a.rolloutOpenedAt != b.rolloutOpenedAt { fields.append(.rolloutOpenedAt(b.rolloutOpenedAt)) }
  if a.gateSince != b.gateSince { fields.append(.gateSince(b.gateSince)) }
  if a.gateNotified != b.gateNotified { fields.append(.gateNotified(b.gateNotified)) }
  if a.deadlineFrom != b.deadlineFrom { fields.append(.deadlineFrom(b.deadlineFrom)) }
  if a.shut != b.shut { fields.append(.shut(b.shut)) }
  if a.down != b.down { fields.append(.down(b.down)) }
  if a.endedAt != b.endedAt { fields.append(.endedAt(b.endedAt)) }
  if a.rollbackOrder != b.rollbackOrder { fields.append(.rollbackOrder(b.rollbackOrder)) }
  return fields
}
