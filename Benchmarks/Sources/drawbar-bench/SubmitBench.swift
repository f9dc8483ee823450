import Foundation
import TaskQueue

/// Chains of five links into a Redis that nobody takes them from.
func benchSubmit(_ report: inout Report) async throws {
  print("Submitting chains of five links, 200 B of arguments, from one process")
  var single: [Double] = []
  var concurrent: [Double] = []
  var bulk: [Double] = []
  var redisCPU: [Double] = []
  var ownCPU: [Double] = []
  for _ in 0..<3 {
    try await Stand.run { stand in
      let queue = stand.queue
      single.append(
        try await rate(of: 10_000, named: "single") { chains in
          for chain in chains { try await queue.submit(chain) }
        })
      let callers = 512
      concurrent.append(
        try await rate(of: 100 * callers, named: "concurrent") { chains in
          try await withThrowingDiscardingTaskGroup { group in
            for caller in 0..<callers {
              group.addTask {
                for index in stride(from: caller, to: chains.count, by: callers) {
                  try await queue.submit(chains[index])
                }
              }
            }
          }
        })
      let count = 50_000
      let redis = try await ServerNumbers(stand.redis).cpu
      let own = cpuSeconds(of: getpid())
      bulk.append(try await rate(of: count, named: "bulk") { try await queue.submit($0) })
      redisCPU.append((try await ServerNumbers(stand.redis).cpu - redis) / Double(count) * 1e6)
      ownCPU.append((cpuSeconds(of: getpid()) - own) / Double(count) * 1e6)
    }
  }
  report.add("one by one, each awaited", median(single), "chains/s", .atLeast(10_000))
  report.add("by 512 callers at once, each awaits its own", median(concurrent), "chains/s", .atLeast(120_000))
  report.add("in bulk", median(bulk), "chains/s", .atLeast(200_000))
  report.add("redis-server's CPU a chain, in bulk", median(redisCPU), "µs")
  report.add("the submitting process' CPU a chain, in bulk, making the chains included", median(ownCPU), "µs")
}

private func rate(
  of count: Int, named name: String, _ submit: ([Chain]) async throws -> Void
) async throws -> Double {
  let chains = try Workload.chain.chains(count, named: name)
  let start = ContinuousClock.now
  try await submit(chains)
  return Double(count) / seconds(.now - start)
}
