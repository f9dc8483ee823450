import Foundation
import RedisClient
import RedisServer
import Subprocess
import TaskQueue

/// What a worker that has nothing to do costs, and how soon it begins when there is something.
func benchIdle(_ report: inout Report) async throws {
  print("A worker process with nothing to do")
  let samples = 2_000
  try await Stand.run { stand in
    try await stand.worker.go()
    try await stand.warmUp()

    try await Task.sleep(for: .seconds(2))
    let began = ContinuousClock.now
    let memory = residentMiB(of: stand.worker.pid).now
    let cpu = cpuSeconds(of: stand.worker.pid)
    let commands = try await commandsSent(to: stand.server, during: .seconds(12))
    let time = seconds(.now - began)
    report.add("commands that it sends", Double(commands) / time, "commands/s", .atMost(2))
    report.add("its CPU", (cpuSeconds(of: stand.worker.pid) - cpu) / time * 1e3, "ms/s")
    report.add("its resident memory", memory, "MiB", .atMost(40))

    var latencies: [Double] = []
    for sample in 0..<samples {
      let chain = try Chain(id: ChainID("begin-\(sample)"), links: [Link(Begin.self)])
      // It settles the last one, and goes back to listening.
      try await Task.sleep(for: .microseconds(Int.random(in: 3_000...6_000)))
      let before = stand.tally.links
      let sent = monotonicNanoseconds()
      try await stand.queue.submit(chain)
      try await stand.tally.wait(links: before + 1, within: .seconds(10))
      latencies.append(Double(stand.tally.begun - sent) / 1e6)
    }
    report.add(
      "from submit to the task's first line, p50 of \(samples)", percentile(0.5, of: latencies), "ms",
      .atMost(0.2))
    report.add(
      "from submit to the task's first line, p99", percentile(0.99, of: latencies), "ms", .atMost(0.5))
  }
}

/// What clients send while a time goes by, as `MONITOR` shows it; without what scripts do inside the server.
private func commandsSent(to server: RedisServer, during time: Duration) async throws -> Int {
  guard case .unix(let socket) = server.configuration.address else { return 0 }
  let seconds = time.components.seconds
  let watched = try await Subprocess.run(
    .name("timeout"), arguments: ["\(seconds)", "redis-cli", "-s", socket, "MONITOR"],
    output: .string(limit: 4 << 20))
  let lines = watched.standardOutput.split(separator: "\n")
  return lines.count { $0.contains("\"") && !$0.contains(" lua]") }
}
