import FoundationEssentials
import Logging
import RedisClient
import RedisServer
import Subprocess
import TestSupport
import Testing

@testable import TaskQueue

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
            shown.out.contains("02:30:00  Europe/Berlin (UTC+") && shown.out.contains("say on queue nobody"),
            "\(shown.out)")

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

  /// What a schedule fires is a workflow as any: listed, and kept for a week at least.
  @Test(.timeLimit(.minutes(1))) func firedWorkflowsAreListed() async throws {
    try await Program.with { drawbar in
      let file = try drawbar.write("workflow: tick\nsteps:\n  - run: [\"true\"]\n", to: "tick.yaml")
      #expect(try await drawbar("schedule", "next", "--every", "1ms").code == 2)
      _ = try await drawbar.whileUp {
        let added = try await drawbar("schedule", "add", "often", "--every", "1s", "--workflow", file)
        #expect(added.out.contains("often is created and fires:"), "\(added.err)")
        try await eventually("two have been fired") {
          let list = try await drawbar("workflow", "ls").out
          return list.components(separatedBy: "often@").count > 2 && list.contains("  tick  ")
        }
        _ = try await drawbar("schedule", "pause", "often")
        let again = try await drawbar("schedule", "add", "often", "--every", "1s", "--workflow", file)
        #expect(
          again.out.contains("often is replaced, and stays paused; after drawbar schedule resume often"))
        // As the server keeps it.
        let redis = RedisClient(
          RedisConfiguration(.unix(path: "\(drawbar.state)/redis/redis.sock")),
          logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let list = try await drawbar("workflow", "ls", "--json").out
        let id = try #require(list.split(separator: "often@").dropFirst().first?.prefix { $0.isNumber })
        let left = try await redis.send(
          RedisCommand("PTTL", .string(Queue(redis: redis).broker.key(chain: ChainID("often@\(id)")))))
        #expect(try #require(left.int) > 6 * 86_400_000)
        await redis.close()
      }
    }
  }

  @Test func addedItFiresItsTask() async throws {
    try await RedisServer.run { server in
      try await with(server.configuration) { queue in
        try await Program.with { drawbar in
          let redis = "\(server.configuration)"
          let tried = try await drawbar(
            "schedule", "add", "nightly", "--cron", "30 2 * * *", "--zone", "Europe/Berlin", "--task", "say",
            "--dry-run")
          #expect(tried.code == 0 && tried.out.contains("would fire:"), "\(tried)")
          #expect(tried.out.contains("02:30:00  Europe/Berlin (UTC+"))
          #expect(try await queue.schedules().isEmpty)

          func add() async throws -> Program.Answer {
            try await drawbar(
              "schedule", "add", "poll", "--every", "6h", "--task", "say", "--input", #"{"to":"ops"}"#,
              "--queue",
              "nobody", "--missed", "all:3", "--skip-overlap", "--jitter", "30s", "--until",
              "2099-01-01T00:00:00Z",
              "--redis", redis)
          }
          #expect(try await add().out.contains("poll is created and fires:"))
          #expect(try await add().out.contains("poll is replaced and fires:"))
          let status = try #require(await queue.schedules().first)
          #expect(status.every == 21_600_000 && status.missed == "all:3" && status.overlap == "skip")
          #expect(status.jitter == 30_000 && status.queue == "nobody" && status.tasks == ["say"])
          #expect(status.endsAt == 4_070_908_800_000)
          #expect(try await drawbar("schedule", "fire", "poll", "--token", "t", "--redis", redis).code == 0)
          #expect(try await queue.status([ChainID("poll@t")])[0]?.state == .ready)
          let list = try await drawbar("schedule", "ls", "--redis", redis)
          #expect(list.out.contains("every 6h") && list.out.contains("waiting"), "\(list.out)")
          let next = try await drawbar("schedule", "next", "poll", "--json", "--count", "2", "--redis", redis)
          #expect(next.out.split(separator: "\n").count == 2 && next.out.contains(":00:00\""), "\(next.out)")
        }
      }
    }
  }

  @Test func drawbarUpRunsScheduledProgramsAndWorkflows() async throws {
    try await Program.with { drawbar in
      let out = drawbar.state + "/out"
      let file = try drawbar.write(
        """
        workflow: stamps
        params:
          word: none
        steps:
          - name: first
            run: [sh, -c, 'echo "$1 $2" >> \(out)', sh, "${word}", "${workflow.id}"]
        """, to: "stamps.yaml")
      let ended = try await drawbar.whileUp {
        #expect(
          try await drawbar(
            "schedule", "add", "prog", "--every", "6h", "--time-limit", "30s", "--program", "--", "sh", "-c",
            "echo \"$0 $DRAWBAR_CHAIN\" >> \(out)", "two words"
          ).code == 0)
        let added = try await drawbar(
          "schedule", "add", "flow", "--cron", "@yearly", "--workflow", file, "--set", "word=seen")
        #expect(added.code == 0, "\(added)")
        for id in ["prog", "flow"] {
          #expect(try await drawbar("schedule", "fire", id, "--token", "t").code == 0)
        }
        try await with(RedisConfiguration(.unix(path: drawbar.state + "/redis/redis.sock"))) { queue in
          let end = ContinuousClock.now + .seconds(30)
          while try await queue.schedules().contains(where: { $0.lastOutcome != .done }),
            ContinuousClock.now < end
          {
            try await Task.sleep(for: .milliseconds(10))
          }
        }
        let list = try await drawbar("schedule", "ls")
        #expect(!list.out.contains("waiting") && list.out.contains("done"), "\(list.out)")
        // Its steps can be looked at like those of any workflow.
        #expect(try await drawbar("workflow", "show", "flow@t").code == 0)
      }
      #expect(ended.isSuccess)
      let lines = try String(decoding: Data(contentsOf: URL(filePath: out)), as: UTF8.self)
      #expect(lines.contains("two words prog@t\n") && lines.contains("seen flow\n"), "\(lines)")
    }
  }

  @Test(arguments: [
    (["add", "a", "--every", "5m", "--program", "--task", "say", "--", "true"], "exclude each other"),
    (["add", "a", "--every", "5m", "--program"], "after --"),
    (["add", "a", "--every", "5m", "--", "true"], "needs --program"),
    (["add", "a", "--every", "5m", "--program", "--set", "a=b", "--", "true"], "not for --program"),
    (["add", "a", "--every", "5m", "--workflow", "/nowhere.yaml"], "no such file"),
    (["add", "a", "--every", "5m", "--workflow", "/nowhere.yaml", "--attempts", "3"], "stand in its file"),
    (["add", "a", "--cron", "61 * * * *", "--task", "say"], "minute"),
    (["add", "a", "--cron", "* * * * *", "--zone", "Mars/Crater", "--task", "say"], "Mars/Crater"),
    (["add", "a", "--task", "say"], "--cron with --zone, or --every"),
    (["add", "a", "--every", "5m", "--cron", "* * * * *", "--task", "say"], "exclude each other"),
    (["add", "a", "--every", "5m", "--zone", "Europe/Berlin", "--task", "say"], "goes by UTC"),
    (["add", "a", "--every", "5"], "is no duration"),
    (["add", "a", "--every", "10ms", "--task", "say"], "1 second to 10 years"),
    (["add", "a", "--every", "5m"], "say what it is to run"),
    (["add", "a", "--every", "5m", "--task", "say", "--input", "{"], "no JSON"),
    (["add", "a", "--every", "5m", "--task", "say", "--missed", "all:1000"], "all:N"),
    (["add", "a", "--every", "5m", "--task", "say", "--until", "soon"], "no time"),
    (["next"], "name a schedule"), (["next", "a", "--every", "5m"], "not both"),
    (["next", "--every", "5m", "--count", "0"], "1 to 1000"),
  ])
  func refuses(_ arguments: [String], _ says: String) async throws {
    try await Program.with { drawbar in
      let answer = try await drawbar.run("drawbar", ["schedule"] + arguments)
      #expect(answer.code == 2)
      #expect(answer.err.contains(says), "\(answer.err)")
    }
  }

  @Test func nextTimesInWords() async throws {
    try await Program.with { drawbar in
      // 29 February: always the same day of the week for four years, whenever this runs.
      let leap = try await drawbar(
        "schedule", "next", "--cron", "0 12 29 2 *", "--zone", "Asia/Kathmandu", "--count", "1")
      #expect(leap.out.contains("-02-29 12:00:00  Asia/Kathmandu (UTC+5:45)  "), "\(leap.out)")
      #expect(leap.out.contains("-02-29 06:15:00 UTC  in "))
      let year = try await drawbar(
        "schedule", "next", "--cron", "30 2 * * *", "--zone", "Europe/Berlin", "--count", "366")
      #expect(year.out.contains("03:00:00  Europe/Berlin (UTC+2)"), "the gap's end")
      #expect(
        year.out.contains("the clocks went forward by 1h") && year.out.contains("the clocks went back by 1h"))
    }
  }

  /// Daemons are killed at any moment, and others come: each second of each schedule has one chain.
  @Test func killedDaemonsLoseAndDoubleNothing() async throws {
    try await RedisServer.run { server in
      try await with(server.configuration) { queue in
        try await Program.with { drawbar in
          let names = (0..<5).map { "s\($0)" }
          for name in names {
            let trigger = ScheduleTrigger.every(.seconds(1))
            let links = [Link(named: "say", json: nil)]
            try await queue.schedule(
              Schedule(
                id: ScheduleID(name), trigger: trigger,
                chain: Chain(id: ChainID("x"), queue: QueueName("nobody"), links: links),
                missed: .all(upTo: 100)))
          }
          let first = try await queue.schedules().compactMap(\.nextAt)
          let redis = "\(server.configuration)"
          try await withThrowingTaskGroup { group in
            for keeper in 0..<3 {
              group.addTask {
                for life in 0..<4 {
                  let time = Duration.milliseconds(150 + 230 * keeper + 310 * life)
                  let ending = try await drawbar.untilKilled(
                    "drawbar-coordinator", ["--redis", redis], once: "scheduler is up", after: time)
                  #expect(ending == .signaled(9))
                }
              }
            }
            try await group.waitForAll()
          }
          // What one had taken when it was killed falls to another after some seconds.
          let ending = try await drawbar.whileRunning(
            "drawbar-coordinator", ["--redis", redis], once: "scheduler is up"
          ) { _ in
            let end = ContinuousClock.now + .seconds(30)
            while try await queue.schedules().contains(where: { $0.fired < 5 }), ContinuousClock.now < end {
              try await Task.sleep(for: .milliseconds(10))
            }
          }
          #expect(ending == .exited(0))
          for (name, first) in zip(names, first) {
            let status = try #require(await queue.schedules([ScheduleID(name)])[0])
            let next = try #require(status.nextAt)
            #expect(status.fired >= 5 && Int64(status.fired) == (next - first) / 1_000)
            let times = stride(from: first, to: next, by: 1_000)
            let chains = try await queue.status(times.map { try ChainID("\(name)@\($0)") })
            #expect(chains.allSatisfy { $0 != nil })
          }
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
