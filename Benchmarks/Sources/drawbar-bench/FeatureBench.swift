import TaskQueue

/// What each feature adds to a link: processor time of Redis and of the worker, against the plain chain.
func benchFeatures(_ report: inout Report) async throws {
  print("Cost by feature: chains of five links with it, µs a link more than the plain chain's, AOF off")
  var drains: [Feature: [Drain]] = [:]
  // In turn, so that an hour's mood meets all of them.
  for _ in 0..<3 {
    for feature in Feature.allCases {
      let drain = try await Drain.once(.with(feature), chains: 10_000) { spec in
        if feature == .queueHop { spec.queues.append(Feature.other.rawValue) }
        if feature == .middleware { spec.metrics = true }
      } beside: { queue in
        guard feature == .watched else { return }
        var last: String?
        while !Task.isCancelled {
          last = try await queue.events(after: last, wait: .milliseconds(100), limit: 1_000).last?.id ?? last
        }
      }
      drains[feature, default: []].append(drain)
    }
  }
  guard let plain = drains[.plain] else { return }
  report.add("plain chain: Redis", plain.redisCPU, "µs/link")
  report.add("plain chain: worker", plain.workerCPU, "µs/link")
  for feature in Feature.allCases.dropFirst() {
    guard let runs = drains[feature] else { continue }
    report.add("\(feature.rawValue): Redis", runs.redisCPU - plain.redisCPU, "µs/link")
    report.add("\(feature.rawValue): worker", runs.workerCPU - plain.workerCPU, "µs/link")
    report.add("\(feature.rawValue): links", runs.rate, "links/s")
  }
}
