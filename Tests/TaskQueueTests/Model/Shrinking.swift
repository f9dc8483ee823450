/// Makes a sequence that fails as short as it can be made by leaving out and by simplifying.
///
/// - Parameters:
///   - time: after it, it is short enough.
///   - failure: after how many of its operations a sequence still fails; nil where it doesn't.
func shortened(
  _ operations: [Operation], within time: Duration = .seconds(120),
  failure: ([Operation]) async throws -> Int?
) async throws -> [Operation] {
  let end = ContinuousClock.now + time
  var shortest = operations
  func take(_ candidate: [Operation]) async throws -> Bool {
    guard ContinuousClock.now < end, let count = try await failure(candidate) else { return false }
    shortest = Array(candidate.prefix(count))
    return true
  }
  _ = try await take(shortest)
  var chunk = max(1, shortest.count / 2)
  while ContinuousClock.now < end {
    let before = shortest
    while true {
      var at = shortest.count
      while at > 0 {
        at = max(0, at - chunk)
        _ = try await take(Array(shortest[..<at] + shortest[min(at + chunk, shortest.count)...]))
        at = min(at, shortest.count)
      }
      if chunk == 1 { break }
      chunk /= 2
    }
    var at = 0
    while at < shortest.count {
      var simpler = false
      for operation in shortest[at].simpler where !simpler {
        simpler = try await take(shortest[..<at] + [operation] + shortest[(at + 1)...])
      }
      if !simpler { at += 1 }
    }
    if shortest == before { break }
  }
  return shortest
}

extension Operation {
  /// The same with one thing less.
  fileprivate var simpler: [Operation] {
    switch self {
    case .submit(let chains):
      return without(chains).map(Operation.submit) + each(chains, \.simpler).map(Operation.submit)
    case .stage(let staging):
      var some = without(staging.members).map { changed(staging, \.members, $0) }
      some += each(staging.members, \.simpler).map { changed(staging, \.members, $0) }
      if staging.limit != nil { some.append(changed(staging, \.limit, nil)) }
      if staging.callback != nil { some.append(changed(staging, \.callback, nil)) }
      if staging.abandonAfter != 20_000 { some.append(changed(staging, \.abandonAfter, 20_000)) }
      if staging.keep != 60_000 { some.append(changed(staging, \.keep, 60_000)) }
      return some.map(Operation.stage)
    case .commit(let change):
      var some = without(change.moves).map { changed(change, \.moves, $0) }
      some += without(change.untripped).map { changed(change, \.untripped, $0) }
      some += without(change.limits).map { changed(change, \.limits, $0) }
      some += without(change.seal).map { changed(change, \.seal, $0) }
      some += without(change.submit).map { changed(change, \.submit, $0) }
      some += without(change.stop).map { changed(change, \.stop, $0) }
      return some.map(Operation.commit)
    case .workflow(let chain, let parts):
      return chain.simpler.map { .workflow($0, parts: parts) } + (parts == nil ? [] : [.workflow(chain)])
    case .halt(let stops): return without(stops).map(Operation.halt)
    case .turn(let turn):
      var some = without(turn.told).map { changed(turn, \.told, $0) }
      if turn.reversed { some.append(changed(turn, \.reversed, false)) }
      if turn.rung { some.append(changed(turn, \.rung, false)) }
      if !turn.stay { some.append(changed(turn, \.stay, true)) }
      if turn.total > 0 {
        some.append(changed(changed(turn, \.total, turn.total / 2), \.free, turn.free / 2))
      }
      return some.map(Operation.turn)
    case .beat(let name, let off, let life):
      return (off == 0 ? [] : [.beat(name, life: life)]) + (life == "life" ? [] : [.beat(name, off: off)])
    case .hello(let name, let queues, let lease) where queues.count > 1:
      return queues.map { .hello(name, queues: [$0], lease: lease) }
    case .requeue(let chains, let forget): return without(chains).map { .requeue($0, forget: forget) }
    case .advance(let time) where time > 1: return [.advance(time / 2)]
    default: return []
    }
  }
}

extension Operation.NewChain {
  fileprivate var simpler: [Self] {
    var some: [Self] = []
    if queue != "q0" { some.append(changed(self, \.queue, "q0")) }
    if level != 1 { some.append(changed(self, \.level, 1)) }
    if lane != "-" { some.append(changed(self, \.lane, "-")) }
    if delay != 0 { some.append(changed(self, \.delay, 0)) }
    if links > 1 { some.append(changed(self, \.links, links - 1)) }
    if expires != nil { some.append(changed(self, \.expires, nil)) }
    if unique != nil { some.append(changed(self, \.unique, nil)) }
    for index in plans.keys.sorted() {
      var fewer = self
      fewer.plans[index] = nil
      some.append(fewer)
    }
    for (index, plan) in plans {
      guard let members = plan.members else { continue }
      some += (without(members) + each(members, \.simpler)).map { fewer in
        changed(self, \.plans, plans.merging([index: changed(plan, \.members, fewer)]) { $1 })
      }
    }
    if failed > 0 { some.append(changed(self, \.failed, failed - 1)) }
    if brake != nil { some.append(changed(self, \.brake, nil)) }
    if keep != 60_000 { some.append(changed(self, \.keep, 60_000)) }
    return some
  }
}

private func changed<T, V>(_ value: T, _ path: WritableKeyPath<T, V>, _ part: V) -> T {
  var value = value
  value[keyPath: path] = part
  return value
}

/// A list in its variants with one item, or half of them, less.
private func without<T>(_ items: [T]) -> [[T]] {
  let halves =
    items.count > 3 ? [Array(items.prefix(items.count / 2)), Array(items.suffix(items.count / 2))] : []
  return halves
    + items.indices.map { index in
      var items = items
      items.remove(at: index)
      return items
    }
}

private func each<T>(_ items: [T], _ simpler: (T) -> [T]) -> [[T]] {
  items.indices.flatMap { index in
    simpler(items[index]).map { item in
      var items = items
      items[index] = item
      return items
    }
  }
}
