extension Course {
  /// Begins an abort, or makes one that is under way a forced one.
  mutating func abort(_ action: Action, forced: Bool, by: String, reason: String?) throws(Refusal) {
    if deployment.state == .revoking, !forced {
      throw refusal(action, "an abort is under way already; only a forced one can follow it")
    }
    let from = deployment.revoking?.from ?? deployment.state
    shut()
    deployment.revoking = Revoking(from: from, forced: forced, at: now, leftOut: [], owed: [])
    deployment.state = .revoking
    log(forced ? "abort (forced)" : "abort", by: by, why: reason)
  }

  /// Stops what still may be stopped, and ends when nothing is under way, or the time is up.
  mutating func revoke() {
    guard let revoking = deployment.revoking else { return }
    let late = revoking.at + deployment.config.revokeDeadline <= now
    stopUnderWay(now: revoking.forced || late)
    if deployment.isUnderWay, !late { return }
    // One that was killed in its Markdown may be out or not: it counts as out.
    forEachTarget { target, _ in
      if target.isUnderWay, target.times.contains(where: { $0.stage == .markdown }) { target.leaveOut() }
    }
    let owed = revoking.forced ? [] : deployment.rollingBatches.flatMap(\.targets).filter(\.owesMarkup)
    forEachTarget { target, _ in
      target.ticket = nil
      target.stopping = nil
      target.recheck = false
      if !target.state.isTerminal { target.state = .revoked }
    }
    let left = deployment.targets.filter(\.out).map(\.host).sorted()
    deployment.revoking?.leftOut = left
    deployment.revoking?.owed = owed.map(\.host).sorted()
    settleBatches()
    reach(.revoked, why: left.isEmpty ? nil : "left out of service: " + left.joined(separator: ", "))
  }

  private mutating func stopUnderWay(now killing: Bool) {
    var stops: [Stop] = []
    let reports = situation.reports
    forEachTarget { target, batch in
      guard let ticket = target.ticket, target.stopping != .now else { return }
      // A bake that runs is nearly done and leads into service: gently, it is left alone.
      if killing {
        target.stopping = .now
        stops.append(Stop(host: target.host, ticket: ticket, mode: .now))
      } else if target.stopping == nil, target.stages.contains(.markdown),
        reports[target.host]?.progress.stage(of: target.stages) != nil
      {
        target.stopping = .gently
        stops.append(
          // What an earlier pass has installed on can't be put back as it was.
          Stop(
            host: target.host, ticket: ticket,
            mode: batch.kind == .bastion || target.changed ? .afterStage : .thenMarkup))
      }
    }
    if !stops.isEmpty { add(.stop(stops)) }
  }
}

extension Target {
  /// Whether a graceful abort has to put it back: it is out, still runs its old version, and neither failed
  /// before the abort nor came back by it.
  fileprivate var owesMarkup: Bool {
    out && !changed && (isUnderWay || state == .failed(.markup))
  }
}
