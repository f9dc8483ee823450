import Logging
import RedisClient
import RedisServer

/// INCR over one connection: by callers that each wait for their answer, and in pipelines.
func benchRedis(_ report: inout Report) async throws {
  print("RedisClient: INCR on one connection, unix socket")
  for inFlight in [1, 16, 128, 1_024] {
    let total = inFlight == 1 ? 50_000 : inFlight == 16 ? 400_000 : 2_097_152
    try await rate("INCR, \(inFlight) in flight, each awaited by a caller of its own", total, &report) {
      redis in
      try await withThrowingDiscardingTaskGroup { group in
        for _ in 0..<inFlight {
          group.addTask(executorPreference: redis.taskExecutor) {
            for _ in 0..<(total / inFlight) { _ = try await redis.send(RedisCommand("INCR", "n")) }
          }
        }
      }
    }
    guard inFlight > 1 else { continue }
    let block = Array(repeating: RedisCommand("INCR", "n"), count: inFlight)
    try await rate("INCR, \(inFlight) in flight, as one pipeline", total, &report) { redis in
      for _ in 0..<(total / inFlight) { _ = try await redis.pipeline(block) }
    }
  }
}

private func rate(
  _ name: String, _ total: Int, _ report: inout Report, _ body: (RedisClient) async throws -> Void
) async throws {
  var rates: [Double] = []
  try await RedisServer.run { server in
    let redis = RedisClient(server.configuration, logger: Logger(label: "bench"))
    _ = try await redis.connect()
    for _ in 0..<3 {
      let start = ContinuousClock.now
      try await body(redis)
      rates.append(Double(total) / seconds(.now - start))
    }
    await redis.close()
  }
  report.add(name, median(rates), "commands/s")
}
