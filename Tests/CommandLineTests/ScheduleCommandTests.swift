import Logging
import RedisClient
import RedisServer
import Subprocess
import TaskQueue
import Testing

/// Schedules as an operator handles them.
@Suite struct ScheduleCommandTests {
  @Test func lookAndAct() async throws {
    try await RedisServer.run { server in
      try await with(server.configuration) { queue in
        try await Program.with { drawbar in
          let redis = "\(server.configuration)"
          #expect(try await drawbar("schedule", "ls", "--redis", redis).out.contains("No schedules yet"))
          try await queue.schedule(
            schedule(
              "nightly", .cron(CronExpression("30 2 * * *"), in: TimeZoneRules(named: "Europe/Berlin"))))

          let list = try await drawbar("schedule", "ls", "--redis", redis)
          #expect(list.out.contains("nightly") && list.out.contains("30 2 * * * Europe/Berlin"))
          let shown = try await drawbar("schedule", "show", "nightly", "--redis", redis)
          #expect(
            shown.out.contains("02:30:00 there") && shown.out.contains("say on queue nobody"), "\(shown.out)")

          let paused = try await drawbar("schedule", "pause", "nightly", "--json", "--redis", redis)
          #expect(paused.code == 0 && paused.out.contains(#""state":"paused""#))
          #expect(
            try await drawbar("schedule", "resume", "nightly", "--redis", redis).out.contains("fires next at")
          )

          for _ in 0..<2 {
            let fired = try await drawbar("schedule", "fire", "nightly", "--token", "t", "--redis", redis)
            #expect(fired.out.contains("nightly@t"))
          }
          #expect(try await queue.schedules().first?.fired == 1)

          #expect(try await drawbar("schedule", "rm", "nightly", "--redis", redis).code == 0)
          for action in ["show", "pause", "resume", "fire", "rm"] {
            let answer = try await drawbar("schedule", action, "nightly", "--redis", redis)
            #expect(answer.code == 2)
            #expect(answer.err.contains("there is no schedule nightly"))
          }
          #expect(try await drawbar("schedule", "rm", "a b", "--redis", redis).code == 2)
        }
      }
    }
  }

  @Test func drawbarUpFires() async throws {
    try await Program.with { drawbar in
      let ended = try await drawbar.whileUp {
        try await with(RedisConfiguration(.unix(path: drawbar.state + "/redis/redis.sock"))) { queue in
          try await queue.schedule(schedule("tick", .every(.seconds(1))))
          let end = ContinuousClock.now + .seconds(30)
          while try await queue.schedules().first?.fired == 0, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(10))
          }
          #expect(try await queue.schedules().first?.fired ?? 0 > 0)
        }
      }
      #expect(ended.isSuccess)
    }
  }

  /// Its chains wait in a queue that no worker serves.
  private func schedule(_ id: String, _ trigger: ScheduleTrigger) throws -> Schedule {
    let links = [Link(named: "say", json: nil)]
    return try Schedule(
      id: ScheduleID(id), trigger: trigger,
      chain: Chain(id: ChainID("x"), queue: QueueName("nobody"), links: links))
  }

  private func with(_ configuration: RedisConfiguration, _ body: (Queue) async throws -> Void) async throws {
    let redis = RedisClient(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    do { try await body(Queue(redis: redis)) } catch {
      await redis.close()
      throw error
    }
    await redis.close()
  }
}
