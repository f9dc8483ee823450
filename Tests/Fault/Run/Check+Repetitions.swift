extension Check {
  /// Runs of a chain beside and after one another.
  mutating func checkRepetitions(_ expected: Expectation, _ runs: [Run]) {
    for (index, run) in runs.enumerated() {
      let end = end(of: run)
      if end == .max { found(.unended, expected.chain, "link \(run.link) in process \(run.pid)") }
      for later in runs[(index + 1)...] where later.began.boot < end {
        // A process that stood still can't stop its tasks; it does so as soon as it goes on. One that was
        // only cut off has no excuse.
        let excused = (pauses[run.pid] ?? []).contains { $0.from <= later.began.boot && end <= $0.to + slack }
        if excused {
          findings.excused += 1
        } else {
          let over = end == .max ? "and never ended" : "and ended \(end - later.began.boot) µs later"
          found(
            .overlap, expected.chain,
            "link \(run.link) ran in \(run.session) from \(run.began.boot), \(over), when link \(later.link) "
              + "began in \(later.session) at \(later.began.boot)")
        }
      }
      guard index + 1 < runs.count else { continue }
      let next = runs[index + 1]
      guard next.link == run.link, next.attempt == run.attempt else { continue }
      // Put back after its death, its tries are counted anew.
      if run.ending == .failed, expected.steps.indices.contains(run.link), expected.steps[run.link].heals {
        continue
      }
      let from = run.began.boot - lease - slack
      if deaths[run.pid].map({ $0 <= next.began.boot }) == true
        || disrupted(run.worker, from: from, to: next.began.boot)
        || paused(run.pid, from: from, to: next.began.boot)
      {
        findings.excused += 1
      } else {
        found(
          .liveAgain, expected.chain,
          "link \(run.link), attempt \(run.attempt), in \(run.session) and then in \(next.session)")
      }
    }
  }

  /// How long chains waited whose worker died with them.
  mutating func checkRecoveries(_ expected: Expectation, _ runs: [Run]) {
    var deathsBefore = 0
    for (index, run) in runs.enumerated() where run.ended == nil {
      guard let death = deaths[run.pid] else { continue }
      defer { deathsBefore += 1 }
      guard index + 1 < runs.count else { continue }
      let next = runs[index + 1].began.boot
      let seconds = Double(next - death) / 1_000_000
      findings.recoveries.append(seconds)
      guard deathsBefore == 0, someoneWasWell(but: run.worker, from: death, to: next) else { continue }
      findings.undisturbed.append(seconds)
      if next - death > lease + lease / 3 + slack {
        found(.slowRecovery, expected.chain, "link \(run.link) went on \(seconds) s after the death")
      }
    }
  }

  /// Whether another worker reached Redis all the time, and nothing stood in the way of what waits.
  private func someoneWasWell(but dead: String, from: Int64, to: Int64) -> Bool {
    func meets(_ trouble: Disruption, from: Int64) -> Bool { trouble.from <= to && trouble.to >= from }
    // After a new life of the server nothing is reaped for a lease.
    if (disruptions[nil] ?? []).contains(where: { meets($0, from: from - 2 * lease) }) { return false }
    if evidence.crowded.contains(where: { meets($0, from: from) }) { return false }
    return workers.contains { name, pauses in
      name != dead && !(disruptions[name] ?? []).contains { meets($0, from: from - lease / 2) }
        && !pauses.contains { $0.from <= to && $0.to >= from - lease / 2 }
    }
  }
}
