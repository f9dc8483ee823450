import Foundation
import Logging
import RedisClient
import RedisServer
import ServiceLifecycle
import Synchronization
import TaskQueue

@testable import Programs

#if canImport(Glibc)
  import Glibc
#endif

/// What programs wrote, as it was told.
final class Told: Sendable {
  private let lines = Mutex<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
}

let quiet = {
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  return logger
}()

/// Runs the task by itself, without a queue.
func runProgram(_ input: ProgramInput, told: Told = Told()) async throws -> ProgramResult {
  let context = TaskContext(
    chain: try ChainID("night/3"), link: 2, attempt: 1, crashes: 0, generation: 7, session: "s",
    logger: quiet)
  return try await ProgramTask().run(input, context) { told.add($0) }
}

/// A shell script of a test; values reach it as arguments.
func shell(_ script: String, _ arguments: String...) -> ProgramInput {
  ProgramInput(["sh", "-c", script, "sh"] + arguments)
}

func withDirectory(_ body: (String) async throws -> Void) async throws {
  let directory = "/tmp/drawbar-programs-\(UInt32.random(in: .min ... .max))"
  try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: directory) }
  try await body(directory)
}

/// A queue on a redis-server of its own, with a worker that knows programs.
func withProgramWorker(_ body: @escaping @Sendable (Queue) async throws -> Void) async throws {
  try await RedisServer.run { server in
    let redis = RedisClient(server.configuration, logger: quiet)
    let queue = Queue(redis: redis)
    let worker = Worker(
      queue: queue, tasks: TaskRegistry(ProgramTask()),
      configuration: WorkerConfiguration(concurrency: 4, lease: .seconds(3)), logger: quiet)
    let group = ServiceGroup(configuration: .init(services: [.init(service: worker)], logger: quiet))
    try await withThrowingTaskGroup { tasks in
      tasks.addTask { try await group.run() }
      do { try await body(queue) } catch {
        tasks.cancelAll()
        throw error
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    await redis.close()
  }
}

struct NotInTime: Error { var what: String }

/// Waits for a condition that another process brings about.
func eventually(
  _ what: String, within limit: Duration = .seconds(20), _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(5))
  }
  throw NotInTime(what: what)
}

/// The process group that a script wrote down, once it has.
func group(in file: String) async throws -> Int32 {
  var number: Int32 = 0
  try await eventually("\(file) is written") {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8), text.hasSuffix("\n") else {
      return false
    }
    number = Int32(text.split(whereSeparator: \.isWhitespace)[0]) ?? 0
    return number > 1
  }
  return getpgid(number)
}

/// Whether any process of the group lives. One that is dead and not collected doesn't.
func lives(_ group: Int32) -> Bool {
  guard kill(-group, 0) == 0 else { return false }
  let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
  return names.compactMap { Int32($0) }.contains { process in
    guard getpgid(process) == group,
      let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    else { return false }
    return !text.contains(") Z ")
  }
}
