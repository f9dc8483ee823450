import FaultRun
import Foundation
import Logging
import RedisClient
import ServiceLifecycle
import TaskQueue
import UnixSignals

/// A real worker, whose one task does what its step says and writes down when.
func work(_ queue: Queue, _ history: HistoryFile, _ options: Options, _ logger: Logger) async throws {
  let worker = Worker(
    queue: queue,
    tasks: TaskRegistry(StepTask(queue: queue, history: history), CollectTask(history: history)),
    configuration: WorkerConfiguration(
      queues: [.default, .other],
      concurrency: options.number("concurrency"), prefetch: options.number("prefetch"),
      lease: .milliseconds(options.number("lease")), shutdownGrace: .seconds(1), crashCap: 3,
      name: options.text("name")),
    logger: logger)
  try await ServiceGroup(services: [worker], gracefulShutdownSignals: [.sigterm], logger: logger).run()
}

struct StepTask: QueueTask {
  static let name = "fault.step"
  let queue: Queue
  let history: HistoryFile

  func run(_ step: Step, _ context: TaskContext) async throws -> Int {
    try await history.record(context) { _ in try await perform(step, context) }
  }

  private func perform(_ step: Step, _ context: TaskContext) async throws -> Int {
    try await Task.sleep(for: context.attempt <= step.hangs ? .seconds(60) : .milliseconds(step.time))
    if step.kills { kill(getpid(), SIGKILL) }
    if step.fatal { throw TaskFailure(code: "fatal", message: "as told", retry: .never) }
    if step.heals, try await !isHealed(context.chain) {
      throw TaskFailure(code: "fatal", message: "until it is put back", retry: .never)
    }
    if context.attempt <= step.failures { throw TaskFailure(code: "again", message: "as told") }
    if let limit = step.opens { try await open(LimitID(limit)) }
    if step.skips > 0 { throw ChainControl.jump(to: context.link + 1 + step.skips, note: "as told") }
    return Step.result(of: context.chain.rawValue)
  }

  private func isHealed(_ chain: ChainID) async throws -> Bool {
    while true {
      do {
        return try await queue.redis.send(RedisCommand("EXISTS", .string("healed:\(chain)"))).int == 1
      } catch {
        try Task.checkCancellation()
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }

  /// Lets the members go on that a limit holds back; said again until it is done.
  private func open(_ limit: LimitID) async throws {
    var commit = Commit()
    commit.limits = [Limit(id: limit, bound: 1_000)]
    while true {
      do {
        _ = try await queue.commit(commit)
        return
      } catch {
        try Task.checkCancellation()
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }
}

/// Takes the results of a group's members, and writes down what they were.
struct CollectTask: QueueTask {
  static let name = "fault.collect"
  let history: HistoryFile

  func run(_ results: [Int?], _ context: TaskContext) async throws -> Int {
    try await history.record(context) { run in
      history.took(results, run)
      try await Task.sleep(for: .milliseconds(5))
      return Step.result(of: context.chain.rawValue)
    }
  }
}

extension HistoryFile {
  /// Writes down that a run begins, and how it ended.
  func record(_ context: TaskContext, _ body: (Run) async throws -> Int) async throws -> Int {
    let run = Run(
      chain: context.chain.rawValue, link: context.link, attempt: context.attempt,
      generation: context.generation,
      session: context.session, pid: getpid(), began: .now)
    began(run)
    do {
      let result = try await body(run)
      ended(run, .done, at: .now)
      return result
    } catch let control as ChainControl {
      ended(run, .done, at: .now)
      throw control
    } catch let failure as TaskFailure {
      ended(run, .failed, at: .now)
      throw failure
    } catch {
      ended(run, .stopped, at: .now)
      throw error
    }
  }
}
