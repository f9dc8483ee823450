import TaskQueue

/// How the queues stand, and what the workers of this process do, as gauges.
enum QueueMetrics {
  static func families(_ gauges: QueueGauges) -> [MetricFamily] {
    let lines = gauges.queues
    func gauge(_ name: String, _ help: String, _ value: (QueueGauges.Line) -> Int) -> MetricFamily {
      .gauge(name, help, by: "queue", lines.map { ($0.queue, Double(value($0))) })
    }
    var depths = lines.map { ($0.queue, Double($0.depth)) }
    if gauges.queueCount > lines.count { depths.append(("other", Double(gauges.depthOfOthers))) }
    return [
      .gauge("drawbar_queues", "Queues that were ever submitted to.", Double(gauges.queueCount)),
      .gauge(
        "drawbar_queue_depth", "Chains that were submitted and have not ended.", by: "queue", depths),
      gauge("drawbar_queue_ready", "Chains that a worker could take now.", \.ready),
      .gauge(
        "drawbar_queue_oldest_ready_seconds", "For how long the oldest of these waits; 0 without one.",
        by: "queue", lines.map { ($0.queue, ($0.oldest ?? .zero) / .seconds(1)) }),
      gauge("drawbar_queue_lanes", "Lanes that have work.", \.lanes),
      gauge(
        "drawbar_queue_suspects", "Chains whose workers died with them twice; each is run alone.",
        \.suspects),
      gauge(
        "drawbar_queue_dead", "Of the latest 1,000 chains that were given up, those of this queue.", \.dead),
      .gauge("drawbar_chains_due", "Chains that wait for a time.", Double(gauges.due)),
      .gauge(
        "drawbar_chains_dead", "Chains that were given up, as far as they are still listed.",
        Double(gauges.dead)),
      .gauge("drawbar_groups_staged", "Groups that were staged and not sealed.", Double(gauges.staged)),
      .gauge("drawbar_sessions", "Workers that Redis knows, in all processes.", Double(gauges.sessions)),
      .gauge(
        "drawbar_sessions_overdue", "Of these, workers whose lease is over and whose work goes to others.",
        Double(gauges.overdue)),
      .gauge("drawbar_schedules", "Schedules, also those that are paused.", Double(gauges.schedules)),
      .gauge(
        "drawbar_schedule_late_seconds", "For how long a firing that is due was left alone.",
        gauges.firingLate / .seconds(1)),
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
}
