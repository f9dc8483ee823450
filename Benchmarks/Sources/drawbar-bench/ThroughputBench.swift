import RedisServer
import TaskQueue

// How much one worker's process does in a second. It has all of its work before it when it begins: so many chains
// are in flight as there are, and nobody submits meanwhile.

private func drains(
  _ work: Workload, chains: Int, _ appendOnly: RedisServer.AppendOnly, times: Int = 3
) async throws -> [Drain] {
  var drains: [Drain] = []
  for _ in 0..<times { drains.append(try await .once(work, chains: chains, appendOnly)) }
  return drains
}

func benchChains(_ report: inout Report) async throws {
  print("Chains of five no-op links, 200 B of arguments, one worker process, 40,000 chains in flight")
  for (appendOnly, name, rate) in [
    (RedisServer.AppendOnly.off, "AOF off", 120_000.0), (.everySecond, "AOF everysec", 90_000),
  ] {
    let runs = try await drains(.chain, chains: 40_000, appendOnly)
    report.add("links, \(name)", runs.rate, "links/s", .atLeast(rate))
    report.add("worker's CPU a link, \(name)", runs.workerCPU, "µs")
    report.add("redis-server's CPU a link, \(name)", runs.redisCPU, "µs")
    report.add(
      "both together, \(name)", runs.workerCPU + runs.redisCPU, "µs", appendOnly == .off ? .atMost(15) : nil)
  }
}

func benchCodable(_ report: inout Report) async throws {
  print("The same, each link decodes 200 B of JSON and encodes as many, 20,000 chains")
  for appendOnly in [RedisServer.AppendOnly.off, .everySecond] {
    let name = appendOnly == .off ? "AOF off" : "AOF everysec"
    let runs = try await drains(.codable(keepsResult: true), chains: 20_000, appendOnly)
    report.add(
      "links, result kept, \(name)", runs.rate, "links/s", appendOnly == .off ? .atLeast(45_000) : nil)
    report.add("worker's CPU a link, result kept, \(name)", runs.workerCPU, "µs")
  }
  let runs = try await drains(.codable(keepsResult: false), chains: 20_000, .off)
  report.add("links, result not kept, AOF off", runs.rate, "links/s", .atLeast(45_000))
}

func benchSingle(_ report: inout Report) async throws {
  print("Single tasks without arguments, 100,000 of them")
  for appendOnly in [RedisServer.AppendOnly.off, .everySecond] {
    let runs = try await drains(.single, chains: 100_000, appendOnly)
    let name = appendOnly == .off ? "AOF off" : "AOF everysec"
    report.add("tasks, \(name)", runs.rate, "tasks/s", appendOnly == .off ? .atLeast(100_000) : nil)
    report.add("worker's CPU a task, \(name)", runs.workerCPU, "µs")
    report.add("redis-server's CPU a task, \(name)", runs.redisCPU, "µs")
  }
}

func benchGroups(_ report: inout Report) async throws {
  print("Groups of 100 with a callback that takes their results, 500 of them")
  for appendOnly in [RedisServer.AppendOnly.off, .everySecond] {
    let runs = try await drains(.group, chains: 500, appendOnly)
    let name = appendOnly == .off ? "AOF off" : "AOF everysec"
    report.add("members, \(name)", runs.rate, "tasks/s", appendOnly == .off ? .atLeast(60_000) : nil)
    report.add("worker's CPU a member, \(name)", runs.workerCPU, "µs")
    report.add("redis-server's CPU a member, \(name)", runs.redisCPU, "µs")
  }
}

/// Whether many waiting chains slow the queue down.
func benchLinearity(_ report: inout Report) async throws {
  print("Links a second by the number of chains in flight")
  var few: [Double] = []
  var many: [Double] = []
  for _ in 0..<3 {
    // A burst of 1,000 is over in no time: many of them, the worker held while each is submitted.
    few.append(
      try await Stand.run { stand in
        try await stand.worker.go()
        try await stand.warmUp()
        var time = 0.0
        let bursts = 40
        for burst in 0..<bursts {
          let chains = try Workload.chain.chains(1_000, named: "burst-\(burst)")
          stand.worker.hold()
          try await stand.queue.submit(chains)
          let drain = try await stand.drain(.chain, chains: 1_000) { stand.worker.letGo() }
          time += 5_000 / drain.rate
        }
        return Double(bursts * 5_000) / time
      })
    many.append(try await Drain.once(.chain, chains: 100_000).rate)
  }
  report.add("1,000 chains in flight", median(few), "links/s")
  report.add("100,000 chains in flight", median(many), "links/s")
  report.add("100,000 slower than 1,000 by", (1 - median(many) / median(few)) * 100, "%", .atMost(15))
}
