import AsyncHTTPClient
import Logging
import NIOCore
import RedisClient
import RedisServer
import Subprocess
import TaskQueue
import Testing

/// The programs for units and containers: how they end, and what they show.
@Suite struct DaemonTests {
  @Test(arguments: [
    ("drawbar-worker", ["--packages", "/tmp", "--http", "nowhere"], "no address to listen on"),
    ("drawbar-worker", ["--packages", "/tmp", "--http", "0:65536"], "no address to listen on"),
    ("drawbar-worker", ["--packages", "/tmp", "--lease", "1"], "--lease must be 3 to 600, not 1"),
    ("drawbar-worker", ["--packages", "tmp"], "must be an absolute path, not tmp"),
    ("drawbar-worker", ["--packages", "/tmp", "--redis", "http://x"], "--redis"),
    ("drawbar-worker", ["--packages", "/tmp", "--queue", "a b"], "--queue"),
    ("drawbar-coordinator", ["--log-level", "loud"], "loud is no log level"),
    ("drawbar-coordinator", ["--namespace", ""], "--namespace"),
    ("drawbar-coordinator", ["--frobnicate"], "--frobnicate"),
  ])
  func optionsThatCantBeUsedEndItWithStatus2(
    _ program: String, _ arguments: [String], _ says: String
  ) async throws {
    try await Program.with { drawbar in
      let answer = try await drawbar.run(program, arguments)
      #expect(answer.code == 2)
      #expect(answer.err.contains(says), "\(answer.err)")
    }
  }

  @Test func helpIsStatus0() async throws {
    try await Program.with { drawbar in
      for program in ["drawbar-worker", "drawbar-coordinator"] {
        let answer = try await drawbar.run(program, ["--help"])
        #expect(answer.code == 0)
        #expect(answer.out.contains("--http <[host:]port>"))
      }
    }
  }

  @Test(arguments: [
    ("drawbar-worker", ["--packages", "/tmp"], "worker"), ("drawbar-coordinator", [], "coordinator"),
  ])
  func eachShowsItsHealthAndItsMetricsAndEndsOnSIGTERM(
    _ program: String, _ arguments: [String], _ worker: String
  ) async throws {
    try await RedisServer.run { server in
      try await Program.with { drawbar in
        let ending = try await drawbar.whileRunning(
          program, arguments + ["--redis", "\(server.configuration)", "--http", "0"],
          once: "session \(worker)-"
        ) { log in
          let address = try #require(
            log.split(separator: "http://").dropFirst().first?.prefix { !$0.isWhitespace })
          #expect(address.hasPrefix("127.0.0.1:"))
          let ready = try await get("http://\(address)/health/ready")
          #expect(ready.hasPrefix("ready\nredis: answers\nworker \(worker): session \(worker)-"), "\(ready)")
          let metrics = try await get("http://\(address)/metrics")
          #expect(metrics.contains("\ndrawbar_worker_serving{worker=\"\(worker)\"} 1\n"))
        }
        #expect(ending == .exited(0))
      }
    }
  }

  /// Without a release: from its start it looks for drift.
  @Test func aCoordinatorBeginsTheRegularLooksAtOnce() async throws {
    try await RedisServer.run { server in
      try await Program.with { drawbar in
        let redis = RedisClient(server.configuration, logger: Logger(label: "test"))
        let queue = Queue(redis: redis)
        _ = try await drawbar.whileRunning(
          "drawbar-coordinator", ["--redis", "\(server.configuration)"], once: "session coordinator-"
        ) { _ in
          let end = ContinuousClock.now + .seconds(20)
          var begun = false
          while !begun, ContinuousClock.now < end {
            let round = try await queue.record(RecordID("clock")).now / 900_000
            let chains = try await queue.status(
              [round, round + 1].map { try ChainID("@drift/\($0)") })
            begun = chains.contains { $0 != nil }
            try await Task.sleep(for: .milliseconds(20))
          }
          #expect(begun)
        }
        await redis.close()
      }
    }
  }

  private func get(_ url: String) async throws -> String {
    let answer = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(20))
    return String(buffer: try await answer.body.collect(upTo: 1 << 20))
  }
}
