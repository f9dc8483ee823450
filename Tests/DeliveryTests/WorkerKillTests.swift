import Delivery
import DemoFleet
import Fleet
import Foundation
import Logging
import RedisClient
import RedisServer
import Rollout
import Subprocess
import Synchronization
import TaskQueue
import TestSupport
import Testing
import Workflows

/// Real worker processes, killed while they work.
@Suite struct WorkerKillTests {
  /// The process that runs now.
  private final class Current: Sendable {
    let process = Mutex<Int32>(0)
  }

  /// A worker as a process of its own; ends when the task is cancelled.
  private func worker(_ fleet: DemoFleet, redis: String, began: @Sendable (Int32) -> Void) async throws {
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let worker = URL(filePath: program).deletingLastPathComponent().appending(path: "drawbar-worker").path
    var options = PlatformOptions()
    options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(10))]
    _ = try await run(
      .name("sh"),
      arguments: [
        "-c", #"exec "$@" >>"$LOG" 2>&1"#, "sh", worker, "--packages", fleet.packages.directory, "--redis",
        redis,
        "--lease", "3", "--concurrency", "4",
      ],
      environment: .inherit.updating(["LOG": "\(fleet.directory)/worker.log"]),
      platformOptions: options, input: .none, output: .discarded, error: .discarded
    ) { execution in
      began(execution.processIdentifier.value)
    }
  }

  @Test func aReleaseGoesOnAfterEveryKill() async throws {
    try await withDirectory { directory in
      try await RedisServer.run(directory: "\(directory)/redis") { server in
        try await DemoFleet.run(in: directory, size: 6) { fleet in
          let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
          let redis = RedisClient(server.configuration, logger: logger)
          let queue = Queue(redis: redis)
          let package = try await fleet.publish("2")
          let url = "unix://\(server.directory)/redis.sock"
          let load = LoadGenerator(url: fleet.url, clients: 8, rate: 150)
          let current = Current()
          try await load.run {
            try await withThrowingTaskGroup { group in
              group.addTask {
                while true {
                  try await worker(fleet, redis: url) { process in current.process.withLock { $0 = process } }
                  try Task.checkCancellation()
                }
              }
              for batch in [0..<2, 2..<4, 4..<6] {
                let chains = try batch.map { index in
                  try TargetChain.make(
                    id: ChainID("target-\(index)"), input: fleet.input(index, package), stages: Stage.rolling,
                    retries: 0)
                }
                _ = try await queue.submit(chains)
                // Killed at another point each time: whatever it does when so much of a stage is done.
                try await eventually("work has begun") {
                  try await queue.status(chains.map(\.id)).contains { $0?.started == true }
                }
                try await Task.sleep(for: .milliseconds(.random(in: 0...900)))
                let process = current.process.withLock { $0 }
                try #require(process > 1)
                kill(process, SIGKILL)
                try await eventually("the batch ends") {
                  try await queue.status(chains.map(\.id)).allSatisfy { $0?.hasEnded == true }
                }
                for status in try await queue.status(chains.map(\.id)) {
                  #expect(status?.state == .finished, "\(String(describing: status))")
                }
              }
              group.cancelAll()
            }
          }
          #expect(load.phases.map(\.failed) == [0], "\(load.phases.flatMap(\.failures))")
          #expect(try await fleet.runningVersions().values.filter { $0 == "2" }.count == 6)
          let states = try await HAProxyBalancer(fleet.endpoint).servers()
          #expect(states.values.filter(\.isInService).count == 6)
          await redis.close()
        }
      }
    }
  }
}
