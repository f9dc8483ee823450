import Foundation
import RedisClient
import RedisServer
import Synchronization
import TaskQueue
import TestSupport

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

/// A queue on a redis-server of its own, with a worker that knows programs.
func withProgramWorker(_ body: (Queue) async throws -> Void) async throws {
  try await RedisServer.run { server in
    let redis = RedisClient(server.configuration, logger: quiet)
    let queue = Queue(redis: redis)
    let worker = Worker(
      queue: queue, tasks: TaskRegistry(ProgramTask()),
      configuration: WorkerConfiguration(concurrency: 4, lease: .seconds(3)), logger: quiet)
    try await whileRunning([worker]) { try await body(queue) }
    await redis.close()
  }
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
