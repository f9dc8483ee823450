import RedisClient
import TaskQueue

/// What waits costs Redis, and what work costs the worker's process.
func benchMemory(_ report: inout Report) async throws {
  print("Memory")
  try await Stand.run { stand in
    // The scripts are loaded, and the first keys are there.
    try await stand.queue.submit(Workload.chain.chains(200, named: "first"))
    let chains = try Workload.chain.chains(20_000, named: "pending")
    let before = try await ServerNumbers(stand.redis).memory
    try await stand.queue.submit(chains)
    let bytes = (try await ServerNumbers(stand.redis).memory - before) / 20_000
    report.add(
      "Redis, a pending chain of five links, beyond its 200 B of arguments", bytes - 200, "B", .atMost(1_023))

    try await stand.worker.go()
    try await stand.tally.wait(links: 20_200 * 5)
    try await stand.queue.submit(Workload.chain.chains(40_000, named: "load"))
    try await stand.tally.wait(links: 60_200 * 5)
    report.add(
      "worker process under load, at most", residentMiB(of: stand.worker.pid).most, "MiB", .atMost(40))
  }
}

/// Redis' memory before any work, in the midst of it, and after the retention is over.
func benchRetention(_ report: inout Report, chains: Int) async throws {
  print(
    "Memory of Redis over \(Report.shown(Double(chains))) chains of five links, kept for 2 s after their end")
  try await Stand.run(retention: 2) { stand in
    func memory() async throws -> Double { try await ServerNumbers(stand.redis).memory / 1_048_576 }
    try await stand.worker.go()
    try await stand.warmUp()
    try await settled(stand)
    let before = try await memory()
    var most = before
    let wave = 20_000
    for start in stride(from: 0, to: chains, by: wave) {
      let count = min(wave, chains - start)
      let links = stand.tally.links
      try await stand.queue.submit(Workload.chain.chains(count, named: "kept-\(start)"))
      most = max(most, try await memory())
      try await stand.tally.wait(links: links + count * 5)
      most = max(most, try await memory())
    }
    let ended = ContinuousClock.now
    try await settled(stand)
    let after = try await memory()
    report.add("before", before, "MiB")
    report.add("at most", most, "MiB")
    report.add("after all, and \(Int(seconds(.now - ended))) s", after, "MiB")
    report.add("more than before", after - before, "MiB", .atMost(max(1, before * 0.25)))
    let keys = try await stand.redis.send(RedisCommand("DBSIZE")).int ?? 0
    report.add("keys left", Double(keys), "keys")
  }
}

/// Waits until no more is removed: what ended long ago leaves the lists with a worker's beat, every five seconds.
private func settled(_ stand: Stand) async throws {
  var last = Double.infinity
  for _ in 0..<30 {
    try await Task.sleep(for: .seconds(6))
    let now = try await ServerNumbers(stand.redis).memory
    if now > last * 0.999 { return }
    last = now
  }
}
