import Logging
import RedisClient
import RedisServer

/// INCR over one connection, by callers that each wait for their answer.
func benchRedis(_ report: inout Report) async throws {
  print("RedisClient: INCR on one connection, unix socket")
  for inFlight in [1, 16, 128, 1_024] {
    var rates: [Double] = []
    try await RedisServer.run { server in
      let redis = RedisClient(server.configuration, logger: Logger(label: "bench"))
      _ = try await redis.connect()
      let total = inFlight == 1 ? 50_000 : inFlight == 16 ? 400_000 : 2_000_000
      for _ in 0..<3 {
        let start = ContinuousClock.now
        try await withThrowingDiscardingTaskGroup { group in
          for _ in 0..<inFlight {
            group.addTask {
              for _ in 0..<(total / inFlight) { _ = try await redis.send(RedisCommand("INCR", "n")) }
            }
          }
        }
        rates.append(Double(total) / seconds(.now - start))
      }
      await redis.close()
    }
    report.add("INCR, \(inFlight) in flight", median(rates), "commands/s")
  }
}
