extension Course {
  /// Takes in what the queue reports, whatever the state: results are never missed.
  ///
  /// - Parameter onlyLooking: leaves out what would be a decision (taking work back, timing it out).
  mutating func takeIn(onlyLooking: Bool = false) {
    let wasShut = deployment.shut || situation.limitTripped
    var stops: [Stop] = []
    var late = false
    let (state, attempt, deadline, now) = (
      deployment.state, deployment.attempt, deployment.config.stageDeadline, self.now
    )
    let reports = situation.reports
    let anyReports = !reports.isEmpty
    if anyReports {
      forEachTarget { target, batch in
        guard let ticket = target.ticket, let report = reports[target.host], report.ticket == ticket
        else { return }
        target.take(report, revoking: state == .revoking)
        guard !onlyLooking, target.isUnderWay else { return }
        if wasShut, report.progress == .waiting {
          target.takeBack(attempt: attempt)
          stops.append(Stop(host: target.host, ticket: ticket, mode: .takeBack))
        } else if state != .revoking, !target.state.isFailure,
          let (stage, since) = report.awaited(of: target, handedAt: batch.handedAt), since + deadline <= now
        {
          target.state = .failed(stage)
          target.stopping = .now
          let what = report.progress == .waiting ? "no worker took it up" : "the stage was not done"
          target.failure = Failure(
            code: .timeout, message: "\(what) within the stage's deadline of \(deadline) ms")
          stops.append(Stop(host: target.host, ticket: ticket, mode: .now))
          late = true
        }
      }
    }
    if !stops.isEmpty { add(.stop(stops)) }
    // The queue's own count of failures doesn't know of these; so nothing more starts until all that
    // runs has ended and the limit is set anew.
    if late { shut() }
    if !onlyLooking {
      noteReconciled()
      excludeFailed()
      noteDown()
    }
    settleBatches()
  }

  /// Remembers which servers went down after their success, as far as the load balancer can be asked.
  mutating func noteDown() {
    guard deployment.rolloutOpenedAt != nil, !deployment.state.isTerminal,
      case .inService = situation.balancer
    else { return }
    let (balancer, pulledOut) = (situation.balancer, situation.pulledOut)
    var down: [String] = []
    for b in deployment.batches.indices where deployment.batches[b].kind == .rolling {
      for t in deployment.batches[b].targets.indices
      where deployment.batches[b].targets[t].state.isGood
        && deployment.countsAsDown(deployment.batches[b].targets[t], balancer: balancer, pulledOut: pulledOut)
      {
        down.append(deployment.batches[b].targets[t].host)
      }
    }
    deployment.down = down
  }

  /// What the load balancer sends requests to is not out: a Markup that was owed has been made, or a server
  /// whose Markdown failed was never taken out.
  private mutating func noteReconciled() {
    guard !deployment.state.isTerminal, case .inService(let live) = situation.balancer else { return }
    forEachTarget { target, _ in
      if target.out, !target.isUnderWay, live.contains(target.host) { target.out = false }
    }
  }

  /// A failed server that somebody has pulled out is no longer the release's business.
  private mutating func excludeFailed() {
    guard deployment.rolloutOpenedAt != nil, !deployment.state.isTerminal, !situation.pulledOut.isEmpty else {
      return
    }
    let pulledOut = situation.pulledOut
    var left: [(String, String)] = []
    forEachTarget { target, batch in
      guard batch.kind == .rolling, target.state.isFailure, !target.isUnderWay,
        let who = pulledOut[target.host]
      else { return }
      target.state = .excluded
      target.note = who
      left.append((target.host, who))
    }
    for (host, who) in left { log("EXCLUDED", why: "\(host): \(who)") }
  }

  /// Works out where each batch stands from its targets.
  mutating func settleBatches() {
    for index in deployment.batches.indices {
      deployment.batches[index].settle(now: now)
    }
  }
}

extension Batch {
  /// Works out where it stands from its targets.
  mutating func settle(now: Milliseconds) {
    var (over, failed, revoked) = (true, false, false)
    var last: Milliseconds?
    for target in targets {
      if target.isUnderWay || !target.state.isTerminal {
        over = false
        break
      }
      if target.state.isFailure { failed = true }
      if target.state == .revoked { revoked = true }
      // What ran out of time, or was lost, ended when that was found.
      if let end = target.times.last?.endedAt ?? (target.state.isFailure ? now : nil) {
        last = max(last ?? end, end)
      }
    }
    guard over else {
      state = startedAt == nil ? .pending : .deploying
      endedAt = nil
      return
    }
    state = failed ? .failure : revoked ? .revoked : .success
    if endedAt == nil { endedAt = last ?? now }
  }
}

extension TargetReport.Progress {
  /// The stage that runs or waits to run; nil before the first and after the end.
  func stage(of stages: [Stage]) -> Stage? {
    switch self {
    case .running(let stage): stage
    case .between(let done): stages.first { $0 > done }
    default: nil
    }
  }
}

extension TargetReport {
  /// The stage that is awaited, and since when: queueing counts, before the first stage too.
  func awaited(of target: Target, handedAt: Milliseconds?) -> (Stage, since: Milliseconds)? {
    if progress == .waiting {
      guard let stage = target.stages.first, let handedAt else { return nil }
      return (stage, handedAt)
    }
    guard let stage = progress.stage(of: target.stages), let since else { return nil }
    return (stage, since)
  }
}

extension Target {
  /// Takes in a report on its present run.
  mutating func take(_ report: TargetReport, revoking: Bool) {
    noteTimes(report)
    let timedOut = state.isFailure
    if report.isOver { ticket = nil }
    switch report.progress {
    case .waiting: break
    case .running(let stage): if !timedOut { state = .running(stage) }
    case .between(let stage): if !timedOut { state = .succeeded(stage) }
    case .finished:
      failure = nil
      if revoking, stages.contains(where: \.changesTheServer),
        !report.done.contains(where: \.changesTheServer)
      {
        state = .revoked
      } else if stages.last == .verify {
        state = .succeeded(.verify)
      } else {
        state = .success
        if stages.contains(.markup) { comeBack(report) }
      }
    case .skipped:
      failure = nil
      state = .skipped
      comeBack(report)
    case .failed(let stage, let why):
      state = .failed(stage)
      failure = why
    case .cancelled:
      if revoking {
        state = .revoked
        failure = nil
      } else if !timedOut {
        fail("its work was cancelled in the queue")
      }
    case .unknown:
      if revoking { state = .revoked } else if !timedOut { fail("the queue no longer knows its work") }
    }
    if report.isOver {
      stopping = nil
      if state != .pending { recheck = false }
    }
  }

  /// While Markdown runs it may still find that there is nothing to do; after it the server is touched.
  private mutating func noteTimes(_ report: TargetReport) {
    guard report.progress != .skipped else { return }
    times = (times.filter { old in !report.times.contains { $0.stage == old.stage } } + report.times)
      .sorted { $0.stage < $1.stage }
    if report.times.contains(where: \.stage.changesTheServer) { changed = true }
    switch report.progress {
    case .waiting, .running(.markdown), .skipped: break
    // What has become of it nobody knows.
    case .unknown:
      if stages.contains(.markdown) { leaveOut() }
      if stages.contains(where: \.changesTheServer) { changed = true }
    default:
      guard report.times.contains(where: { $0.stage == .markdown }) else { break }
      // A Markdown that was left out on purpose has taken nothing out.
      if report.degraded.contains(.markdown) { touched = true } else { leaveOut() }
    }
    if report.done.contains(.markup) { comeBack(report) }
  }

  /// Its Markdown has begun: whatever comes, it is out of service until its Markup is done.
  mutating func leaveOut() {
    touched = true
    out = true
  }

  /// Its Markup is done, or it was found in service. Where that was left out on purpose it is owed by a server that is
  /// out, through us or before.
  private mutating func comeBack(_ report: TargetReport) {
    if !report.degraded.contains(.markup) {
      out = false
    } else if wasOut {
      out = true
    }
  }

  private mutating func fail(_ message: String) {
    let stage: Stage =
      switch state {
      case .running(let stage): stage
      case .succeeded(let done): stages.first { $0 > done } ?? done
      default: stages.first ?? .markdown
      }
    state = .failed(stage)
    failure = Failure(code: .lost, message: message)
  }

  /// Takes back a run that has not started: the target stands where it stood before.
  mutating func takeBack(attempt: Int) {
    ticket = nil
    stopping = nil
    if recheck {
      recheck = false
      // What had succeeded was touched, what had been skipped was not.
      state = touched ? .success : .skipped
      self.attempt = attempt - 1
    }
  }
}
