import TaskQueue

/// A queue's overview, and what the workers of this process do, as gauges.
enum QueueMetrics {
  /// More queues than these are shown as one, `other`.
  static let queuesShown = 200

  static func families(_ overview: QueueOverview) -> [MetricFamily] {
    let lines = shown(overview.queues)
    return [
      .gauge(
        "drawbar_queue_ready", "Chains that a worker could take now.", by: "queue",
        lines.map { ($0.name, Double($0.ready)) }),
      .gauge(
        "drawbar_queue_lanes", "Lanes that have work.", by: "queue",
        lines.map { ($0.name, Double($0.lanes)) }),
      .gauge(
        "drawbar_queue_suspects", "Chains whose workers died with them twice; each is run alone.",
        by: "queue", lines.map { ($0.name, Double($0.suspects)) }),
      .gauge("drawbar_chains_due", "Chains that wait for a time.", Double(overview.due)),
      .gauge(
        "drawbar_chains_parked", "Chains held back by limits that tripped.", Double(overview.parked)),
      .gauge(
        "drawbar_groups_staged", "Groups that were staged and not sealed.", Double(overview.staged)),
      .gauge(
        "drawbar_chains_dead", "Chains that were given up, as far as they are still listed.",
        Double(overview.dead)),
      .gauge(
        "drawbar_sessions", "Workers that Redis knows, in all processes.", Double(overview.sessions.count)),
      .gauge(
        "drawbar_sessions_overdue", "Of these, workers whose lease is over and whose work goes to others.",
        Double(overview.sessions.count { $0.leaseLeft < 0 })),
    ]
  }

  static func families(_ workers: [WorkerStatus]) -> [MetricFamily] {
    // Two workers of one name in one process: the label has to tell them apart.
    var seen: [String: Int] = [:]
    let named = workers.map { worker in
      seen[worker.name, default: 0] += 1
      return (seen[worker.name] == 1 ? worker.name : "\(worker.name)-\(seen[worker.name] ?? 0)", worker)
    }
    func gauge(_ name: String, _ help: String, _ value: (WorkerStatus) -> Int) -> MetricFamily {
      .gauge(name, help, by: "worker", named.map { ($0.0, Double(value($0.1))) })
    }
    return [
      gauge("drawbar_worker_serving", "1 while the worker has a session and takes work.") {
        $0.state == .serving ? 1 : 0
      },
      gauge("drawbar_worker_slots", "Links that the worker runs at once, at most.", \.slots),
      gauge("drawbar_worker_running", "Links that the worker runs.", \.running),
      gauge("drawbar_worker_held", "Chains that the worker holds, running or not.", \.held),
      gauge("drawbar_worker_set_aside", "Tasks that ignored their cancel and still run.", \.setAside),
    ]
  }

  private struct Line { var name: String, ready: Int, lanes: Int, suspects: Int }

  private static func shown(_ queues: [QueueOverview.Line]) -> [Line] {
    var lines = queues.prefix(queuesShown).map {
      Line(name: $0.queue, ready: $0.ready, lanes: $0.lanes, suspects: $0.suspects)
    }
    let rest = queues.dropFirst(queuesShown)
    if !rest.isEmpty {
      lines.append(
        Line(
          name: "other", ready: rest.reduce(0) { $0 + $1.ready }, lanes: rest.reduce(0) { $0 + $1.lanes },
          suspects: rest.reduce(0) { $0 + $1.suspects }))
    }
    return lines
  }
}
