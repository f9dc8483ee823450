/// Holds what happened against what the queue promises. Pure: the same evidence, the same findings.
public struct Check {
  let evidence: Evidence
  let runs: [String: [Run]]
  let sessions: [String: [Run]]
  let pauses: [Int32: [Pause]]
  let deaths: [Int32: Int64]
  let disruptions: [String?: [Disruption]]
  /// By their names, which outlive their processes, the times in which they stood still.
  let workers: [String: [Pause]]
  let lease: Int64
  let slack: Int64
  var findings = Findings()

  public static func findings(_ evidence: Evidence) -> Findings {
    var check = Check(evidence)
    check.run()
    return check.findings
  }

  private init(_ evidence: Evidence) {
    self.evidence = evidence
    runs = Dictionary(grouping: evidence.history.runs, by: \.chain)
      .mapValues { $0.sorted { $0.began.boot < $1.began.boot } }
    sessions = Dictionary(grouping: evidence.history.runs, by: \.session)
    pauses = Dictionary(grouping: evidence.history.pauses, by: \.pid)
    deaths = Dictionary(evidence.deaths.map { ($0.pid, $0.at) }, uniquingKeysWith: min)
    disruptions = Dictionary(grouping: evidence.disruptions, by: \.worker)
    var workers: [String: [Pause]] = [:]
    let names = Dictionary(evidence.history.runs.map { ($0.pid, $0.worker) }) { first, _ in first }
    for name in names.values { workers[name] = [] }
    for pause in evidence.history.pauses { if let name = names[pause.pid] { workers[name]?.append(pause) } }
    self.workers = workers
    lease = evidence.lease.microseconds
    slack = evidence.slack.microseconds
  }

  private mutating func run() {
    var known = evidence.unacknowledged
    for expected in evidence.expectations {
      known.insert(expected.chain)
      let runs = runs[expected.chain] ?? []
      checkEnd(expected, runs)
      checkOutcomes(expected, runs)
      checkBegins(expected, runs)
      checkAttempts(expected, runs)
      checkRepetitions(expected, runs)
      checkRecoveries(expected, runs)
      checkGroups(expected, runs)
    }
    checkKeys()
    checkUnique()
    for fired in evidence.fired { checkFirings(fired) }
    for chain in runs.keys.sorted() where !known.contains(chain) { found(.unknown, chain, "it ran") }
    for line in evidence.history.unread { found(.unread, "-", line) }
  }

  mutating func found(_ rule: Violation.Rule, _ chain: String, _ detail: String) {
    findings.violations.append(Violation(rule, chain, detail))
  }

  /// When a run was over: it ended, or its process did.
  func end(of run: Run) -> Int64 { run.ended?.boot ?? deaths[run.pid] ?? .max }

  /// Whether the run's process stood still at some time in between, by the boot clock.
  func paused(_ pid: Int32, from: Int64, to: Int64) -> Bool {
    (pauses[pid] ?? []).contains { $0.from <= to && $0.to >= from }
  }

  /// Whether the worker may have been without Redis at some time in between.
  func disrupted(_ worker: String, from: Int64, to: Int64) -> Bool {
    ((disruptions[nil] ?? []) + (disruptions[worker] ?? [])).contains { $0.from <= to && $0.to >= from }
  }

  private mutating func checkEnd(_ expected: Expectation, _ runs: [Run]) {
    guard let standing = evidence.standings[expected.chain] else {
      return found(.lost, expected.chain, "Redis doesn't know it")
    }
    guard let end = standing.end else { return found(.lost, expected.chain, "it has not ended") }
    let code = standing.failure ?? ""
    let mayKill = expected.code == "lost"
    if end == .dead, code == "lost", !mayKill {
      // By its rule the queue can't tell it from a killer: so often did a worker end that ran it alone.
      guard runs.count(where: { lostAlone($0) }) >= evidence.crashCap else {
        return found(.innocent, expected.chain, "its own links kill nobody")
      }
      findings.unlucky += 1
      return
    }
    if end == .cancelled, expected.mayBeCancelled { return }
    if end != expected.end {
      return found(
        .wrongEnd, expected.chain, "\(end.rawValue) \(code), not \(expected.end.rawValue) \(expected.code)")
    }
    if end == .dead, code != expected.code {
      found(.wrongEnd, expected.chain, "dead of \(code), not \(expected.code)")
    }
  }

  /// Whether its worker's session ended under this run and no other.
  private func lostAlone(_ run: Run) -> Bool {
    guard run.ended == nil || run.ending == .stopped else { return false }
    let over = end(of: run)
    return (sessions[run.session] ?? []).allSatisfy { other in
      other == run || other.began.boot > over || end(of: other) < over - 20_000
    }
  }

  private mutating func checkOutcomes(_ expected: Expectation, _ runs: [Run]) {
    guard let standing = evidence.standings[expected.chain], let end = standing.end else { return }
    if end == .dead, expected.end != .dead { return }
    let whole = expected.path
    let accepted = standing.outcomes.keys.sorted()
    let due: [Int]
    switch end {
    case .finished: due = whole
    case .dead: due = whole.dropLast()
    case .cancelled: due = Array(whole.prefix(accepted.count))
    }
    if accepted != due { found(.order, expected.chain, "links \(accepted) ended, not \(due)") }
    for (link, outcome) in standing.outcomes.sorted(by: { $0.key < $1.key }) {
      let founded =
        expected.steps[link].group != nil
        || runs.contains {
          $0.link == link && $0.generation == outcome.generation && $0.attempt == outcome.attempt
            && $0.ending == .done
        }
      if !founded {
        found(
          .unfounded, expected.chain,
          "link \(link), generation \(outcome.generation), attempt \(outcome.attempt)")
      }
    }
  }

  private mutating func checkBegins(_ expected: Expectation, _ runs: [Run]) {
    let standing = evidence.standings[expected.chain]
    let path = expected.path
    for (generation, same) in Dictionary(grouping: runs, by: \.generation) where same.count > 1 {
      found(.sameGrant, expected.chain, "generation \(generation) of links \(same.map(\.link))")
    }
    for run in runs {
      guard let place = path.firstIndex(of: run.link), expected.steps[run.link].group == nil else {
        found(.order, expected.chain, "link \(run.link) ran, which is to be left out")
        continue
      }
      if place > 0 {
        let before = path[place - 1]
        if let outcome = standing?.outcomes[before] {
          if run.began.wall < outcome.ended * 1_000 {
            found(.order, expected.chain, "link \(run.link) began before link \(before) was accepted")
          } else if run.began.wall < (outcome.ended + Int64(expected.steps[run.link].wait)) * 1_000 {
            found(.early, expected.chain, "link \(run.link) did not wait")
          }
        } else {
          found(.order, expected.chain, "link \(run.link) ran, and link \(before) was never accepted")
        }
      }
      // A process that stood still between the grant and the task's first line can't know better.
      if let outcome = standing?.outcomes[run.link], run.began.wall >= (outcome.ended + 1) * 1_000,
        !paused(run.pid, from: run.began.boot - lease - slack, to: run.began.boot)
      {
        found(.afterAcceptance, expected.chain, "link \(run.link), generation \(run.generation)")
      }
    }
    guard let first = runs.first else { return }
    if let notBefore = expected.notBefore, first.began.wall < notBefore - 1_000 {
      found(.early, expected.chain, "\(notBefore - first.began.wall) µs before its delay was over")
    }
    for member in expected.after {
      guard let ended = evidence.standings[member]?.ended, ended * 1_000 <= first.began.wall else {
        found(.early, expected.chain, "before \(member) had ended")
        continue
      }
    }
    if let cancelled = expected.cancelledAt {
      let edge = cancelled.boot + lease + lease / 3 + slack
      for run in runs
      where run.began.boot > edge && !paused(run.pid, from: cancelled.boot, to: run.began.boot) {
        found(
          .cancelledYetBegun, expected.chain,
          "link \(run.link), \(run.began.boot - cancelled.boot) µs after it")
      }
    }
  }

  private mutating func checkAttempts(_ expected: Expectation, _ runs: [Run]) {
    for run in runs where run.attempt > 1 && expected.steps.indices.contains(run.link) {
      let hangs = expected.steps[run.link].hangs > 0
      let failed = Set(
        runs.filter {
          $0.link == run.link && ($0.ending == .failed || hangs && $0.ending == .stopped)
        }.map(\.attempt))
      for attempt in 1..<run.attempt where !failed.contains(attempt) {
        found(
          .crashAsRetry, expected.chain,
          "link \(run.link) ran as attempt \(run.attempt), and \(attempt) never failed")
      }
    }
  }
}
