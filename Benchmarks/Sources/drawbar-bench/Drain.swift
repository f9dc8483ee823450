import RedisServer
import TaskQueue

/// One measurement of how fast one worker's process does what waits in Redis.
struct Drain {
  /// Links, or a group's members, a second.
  var rate: Double
  /// Microseconds of processor time a link.
  var workerCPU: Double
  var redisCPU: Double

  /// Submits all the chains, then lets the worker go.
  static func once(
    _ work: Workload, chains count: Int, _ appendOnly: RedisServer.AppendOnly = .off,
    worker change: (inout WorkerSpec) -> Void = { _ in },
    beside: @escaping @Sendable (Queue) async throws -> Void = { _ in }
  ) async throws -> Drain {
    try await Stand.run(appendOnly, worker: change) { stand in
      try await stand.queue.submit(work.chains(count, named: "chain"))
      return try await withThrowingTaskGroup { group in
        group.addTask { try await beside(stand.queue) }
        let drain = try await stand.drain(work, chains: count) { try await stand.worker.go() }
        group.cancelAll()
        return drain
      }
    }
  }
}

extension Stand {
  /// From `start` until all links, and the groups' callbacks, have run.
  func drain(_ work: Workload, chains count: Int, start: () async throws -> Void) async throws -> Drain {
    let links = Double(count * work.links)
    let groups = if case .group = work { count } else { 0 }
    let (linksBefore, callbacksBefore) = (tally.links, tally.callbacks)
    let redisBefore = try await ServerNumbers(redis).cpu
    let workerBefore = cpuSeconds(of: worker.pid)
    let began = ContinuousClock.now
    try await start()
    try await tally.wait(links: linksBefore + count * work.links, callbacks: callbacksBefore + groups)
    let wall = seconds(.now - began)
    let workerUsed = cpuSeconds(of: worker.pid) - workerBefore
    return Drain(
      rate: links / wall, workerCPU: workerUsed / links * 1e6,
      redisCPU: (try await ServerNumbers(redis).cpu - redisBefore) / links * 1e6)
  }
}

extension [Drain] {
  var rate: Double { median(map(\.rate)) }
  var workerCPU: Double { median(map(\.workerCPU)) }
  var redisCPU: Double { median(map(\.redisCPU)) }
}
