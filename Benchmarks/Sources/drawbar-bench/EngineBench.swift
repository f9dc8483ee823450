import Delivery
import Fleet
import Foundation
import Logging
import RedisClient
import RedisServer
import RollEngine
import Rollout
import ServiceLifecycle
import Subprocess
import TaskQueue

/// What a stage does in a measurement.
enum StageWork: Sendable {
  case nothing
  /// One shell that does nothing, started as a program with an argument list.
  case shell

  func run() async throws {
    guard case .shell = self else { return }
    let result = try await Subprocess.run(
      .name("sh"), arguments: ["-c", ":"], output: .discarded, error: .discarded)
    guard result.terminationStatus.isSuccess else { throw TaskFailure(code: "script", message: "sh failed") }
  }
}

protocol BenchStage: QueueTask where Input == StageInput, Output == Nothing {
  var work: StageWork { get }
}

extension BenchStage {
  func run(_ input: StageInput, _ context: TaskContext) async throws -> Nothing {
    try await work.run()
    return Nothing()
  }
}

// The five stages by the names that releases ask for.
struct BenchMarkdown: BenchStage {
  static let name = "release.markdown"
  let work: StageWork
}
struct BenchDownload: BenchStage {
  static let name = "release.download"
  let work: StageWork
}
struct BenchInstall: BenchStage {
  static let name = "release.install"
  let work: StageWork
}
struct BenchVerify: BenchStage {
  static let name = "release.verify"
  let work: StageWork
}
struct BenchMarkup: BenchStage {
  static let name = "release.markup"
  let work: StageWork
}

/// One release from start to SUCCESS, batches of 25 %, no waits: what the engine costs a stage.
func benchEngine(_ report: inout Report) async throws {
  print("Release engine: one worker, one coordinator, batches of 25 %")
  for targets in [100, 1_000, 10_000] {
    try await release(targets, .nothing, "stages that do nothing", &report)
  }
  for targets in [100, 1_000] {
    try await release(targets, .shell, "a shell each stage", &report)
    try xargs(targets * 5, &report, targets)
  }
}

private func release(_ targets: Int, _ work: StageWork, _ what: String, _ report: inout Report) async throws {
  var logger = Logger(label: "bench")
  logger.logLevel = .error
  var walls: [Double] = []
  var cpus: [Double] = []
  var redisCPUs: [Double] = []
  for _ in 0..<(targets > 1_000 || work == .shell ? 1 : 3) {
    try await RedisServer.run(options: .init(appendOnly: .everySecond)) { server in
      let redis = RedisClient(server.configuration, logger: logger)
      let queue = Queue(redis: redis, retention: Releases.retention)
      let store = FleetStore(redis: redis)
      let packages = try await onePackage(in: server.directory + "/packages")
      let releases = Releases(
        queue: queue, fleet: store, packages: packages, balancers: { _ in NoBalancer() }, logger: logger)
      try await store.apply(group(of: targets))
      let tasks = TaskRegistry(
        BenchMarkdown(work: work), BenchDownload(work: work), BenchInstall(work: work),
        BenchVerify(work: work),
        BenchMarkup(work: work))
      let worker = Worker(
        queue: queue, tasks: tasks,
        configuration: WorkerConfiguration(concurrency: work == .shell ? 4 : 64), logger: logger)
      let services = ServiceGroup(
        services: [worker, try Coordinator.worker(releases, logger: logger)], logger: logger)
      try await withThrowingTaskGroup { group in
        group.addTask { try await services.run() }
        let cpu = cpuSeconds()
        let redisCPU = try await ServerNumbers(redis).cpu
        let start = ContinuousClock.now
        let id = try await releases.create(
          group: "bench", version: "1", options: ReleaseOptions(start: true), by: "bench"
        ).id
        // The state alone: looking at every target would be measured too.
        while try await releases.deployments(group: "bench", last: 1).first?.state.isTerminal != true {
          try await Task.sleep(for: .milliseconds(targets / 20 + 5))
        }
        let stages = Double(targets * 5)
        walls.append(seconds(.now - start) / stages * 1e6)
        cpus.append((cpuSeconds() - cpu) / stages * 1e6)
        redisCPUs.append((try await ServerNumbers(redis).cpu - redisCPU) / stages * 1e6)
        let end = try await releases.look(id).deployment
        guard end.state == .success else {
          throw TaskFailure(code: "bench", message: "ended in \(end.state)")
        }
        await services.triggerGracefulShutdown()
        try await group.waitForAll()
      }
      await redis.close()
    }
  }
  report.add("\(what), \(targets) targets: wall time a stage", median(walls), "µs")
  report.add("\(what), \(targets) targets: engine's CPU a stage", median(cpus), "µs")
  report.add("\(what), \(targets) targets: redis-server's CPU a stage", median(redisCPUs), "µs")
}

/// The same commands without an engine: the floor.
private func xargs(_ commands: Int, _ report: inout Report, _ targets: Int) throws {
  let process = Process()
  process.executableURL = URL(filePath: "/bin/sh")
  process.arguments = ["-c", "seq \(commands) | xargs -P2 -I{} sh -c :"]
  let start = ContinuousClock.now
  try process.run()
  process.waitUntilExit()
  report.add(
    "xargs -P2, the same \(commands) shells: wall time each", seconds(.now - start) / Double(commands) * 1e6,
    "µs")
}

private func group(of count: Int) -> Fleet.Group {
  Fleet.Group(
    name: "bench", app: "bench",
    servers: (0..<count).map {
      Server(
        host: "host-\($0)", address: "127.0.0.1", port: 8_000 + $0 % 1_000, directory: "/srv/host-\($0)")
    },
    config: DeploymentConfig(
      maxPullOutRatio: 25, batchWait: 0,
      gates: Gates(bake: .auto(after: 0), rollout: .auto(after: 0), batches: .auto())),
    balancer: .none, baselineVersion: nil)
}

private func onePackage(in directory: String) async throws -> PackageStore {
  let store = PackageStore(directory: directory)
  let tree = directory + "/tree"
  try FileManager.default.createDirectory(atPath: tree, withIntermediateDirectories: true)
  try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: tree + "/run"))
  try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tree + "/run")
  _ = try await Subprocess.run(
    .name("tar"), arguments: ["-czf", directory + "/bench.tar.gz", "-C", tree, "run"], output: .discarded)
  _ = try await store.publish(app: "bench", version: "1", archive: directory + "/bench.tar.gz")
  return store
}
