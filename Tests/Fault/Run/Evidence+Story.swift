extension Evidence {
  /// All that is known of one chain, in the order in which it happened: for whoever looks into a violation.
  public func story(of chain: String) -> String {
    let runs = history.runs.filter { $0.chain == chain }
    let expected = expectations.first { $0.chain == chain }
    guard !runs.isEmpty || expected != nil || standings[chain] != nil else { return "" }
    var lines = ["\(chain)"]
    if let expected {
      let end = [expected.end.rawValue, expected.code, expected.mayBeCancelled ? "or cancelled" : ""]
      lines.append("  was to be " + end.filter { !$0.isEmpty }.joined(separator: " "))
      for (link, step) in expected.steps.enumerated() { lines.append("  link \(link): \(step.words)") }
    }
    if let standing = standings[chain] {
      let links = standing.outcomes.sorted { $0.key < $1.key }.map {
        "\($0.key): generation \($0.value.generation), attempt \($0.value.attempt), at \($0.value.ended) ms"
      }
      let end = [standing.end?.rawValue ?? "not ended", standing.failure].compactMap { $0 }
      lines.append("  is " + end.joined(separator: " "))
      for link in links { lines.append("  accepted: link \(link)") }
    }
    var events: [(Int64, String)] = []
    for run in runs {
      let who = "link \(run.link), generation \(run.generation), attempt \(run.attempt)"
      events.append(
        (
          run.began.boot,
          "begins in \(run.session), process \(run.pid): \(who), at \(run.began.wall / 1_000) ms"
        ))
      if let ended = run.ended {
        events.append((ended.boot, "ends in \(run.session): \(who): \(run.ending?.rawValue ?? "")"))
      }
    }
    // Nothing happened to one that never ran.
    let from = (runs.map(\.began.boot).min() ?? 0) - lease.microseconds
    let to =
      (runs.map { $0.ended?.boot ?? $0.began.boot }.max() ?? from - 1 - lease.microseconds)
      + lease.microseconds
    let processes = Set(runs.map(\.pid))
    let workers = Set(runs.map(\.worker))
    for death in deaths where processes.contains(death.pid) {
      events.append((death.at, "process \(death.pid) is gone"))
    }
    for pause in history.pauses where processes.contains(pause.pid) && pause.from <= to && pause.to >= from {
      events.append(
        (pause.from, "process \(pause.pid) stands still for \((pause.to - pause.from) / 1_000) ms"))
    }
    for trouble in disruptions where trouble.from <= to && trouble.to >= from {
      if let worker = trouble.worker, !workers.contains(worker) { continue }
      let time = (trouble.to - trouble.from) / 1_000
      events.append((trouble.from, "\(trouble.what) (\(trouble.worker ?? "all")), for \(time) ms"))
    }
    let begin = runs.map(\.began.boot).min() ?? events.map(\.0).min() ?? 0
    for (time, event) in events.sorted(by: { $0.0 < $1.0 }) {
      lines.append("  \((time - begin) / 1_000) ms  \(event)")
    }
    return lines.joined(separator: "\n")
  }
}

extension Step {
  /// What it does, in words; of what is usual nothing is said.
  var words: String {
    var words = ["\(time) ms"]
    if failures > 0 { words.append("fails \(failures) times") }
    if fatal { words.append("fails for good") }
    if hangs > 0 { words.append("hangs \(hangs) times") }
    if kills { words.append("kills its worker") }
    if skips > 0 { words.append("jumps over \(skips)") }
    if let opens { words.append("opens limit \(opens)") }
    if heals { words.append("fails until it is put back") }
    if collects { words.append("takes the results of its group") }
    if let group {
      words.append("a group of \(group.count), which \(goesOn ? "may" : "may not") fail")
    }
    if let key { words.append("under key \(key)") }
    if elsewhere { words.append("on queue other") }
    if wait > 0 { words.append("\(wait) ms after the link before") }
    return words.joined(separator: ", ")
  }
}
