extension Check {
  /// A chain's groups, and the chain as a member of one.
  mutating func checkGroups(_ expected: Expectation, _ runs: [Run]) {
    let standing = evidence.standings[expected.chain]
    for link in expected.path where expected.steps[link].group != nil {
      guard let outcome = standing?.outcomes[link] else { continue }
      for member in expected.members(link) {
        if let ended = evidence.standings[member]?.ended, ended <= outcome.ended { continue }
        found(.early, expected.chain, "it went on after link \(link), before \(member) had ended")
      }
      guard link + 1 < expected.steps.count, expected.steps[link + 1].collects else { continue }
      let results = expected.members(link).map {
        evidence.standings[$0]?.end == .finished ? "\(Step.result(of: $0))" : "null"
      }
      let right = "[" + results.joined(separator: ",") + "]"
      for taken in evidence.history.taken[.init(expected.chain, link + 1)] ?? [] where taken != right {
        found(.inputs, expected.chain, "link \(link + 1) got \(taken), not \(right)")
      }
    }
    if let parent = expected.parent, parent.link > 0, let first = runs.first {
      let before = evidence.standings[parent.chain]?.outcomes[parent.link - 1]
      if before.map({ $0.ended * 1_000 > first.began.wall }) ?? true {
        found(.early, expected.chain, "before its chain had come to the group")
      }
    }
  }

  /// Links that share a key.
  mutating func checkKeys() {
    var byKey: [Int: [Run]] = [:]
    for expected in evidence.expectations {
      for run in runs[expected.chain] ?? [] where expected.steps.indices.contains(run.link) {
        if let key = expected.steps[run.link].key { byKey[key, default: []].append(run) }
      }
    }
    for (key, runs) in byKey {
      let sorted = runs.sorted { $0.began.boot < $1.began.boot }
      var active: [Run] = []
      for run in sorted {
        let now = run.began.boot
        active.removeAll { end(of: $0) <= now }
        active.append(run)
        // Whoever stood still when its turn was given to another stops as soon as it goes on.
        let counted = active.filter { other in
          !(pauses[other.pid] ?? []).contains { $0.from <= now && end(of: other) <= $0.to + slack }
        }
        if counted.count > Step.atMost {
          found(.crowd, "key \(key)", counted.map { "\($0.chain) in \($0.session)" }.joined(separator: ", "))
        }
      }
    }
  }

  /// Chains that share a unique key.
  mutating func checkUnique() {
    for chain in evidence.refused.sorted() where evidence.standings[chain] != nil || runs[chain] != nil {
      found(.duplicate, chain, "it was refused, and yet it is there")
    }
    let byKey = Dictionary(grouping: evidence.expectations.filter { $0.unique != nil }, by: \.unique)
    for same in byKey.values {
      for first in same {
        guard let there = evidence.submissions[first.chain]?.acknowledged,
          let gone = evidence.standings[first.chain]?.ended
        else { continue }
        for second in same where second.chain != first.chain {
          guard let submission = evidence.submissions[second.chain], let made = submission.acknowledged,
            there.wall < submission.asked.wall, made.wall < gone * 1_000
          else { continue }
          found(.duplicate, second.chain, "it was created while \(first.chain) lived")
        }
      }
    }
  }
}
