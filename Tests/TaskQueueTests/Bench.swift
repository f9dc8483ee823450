import Foundation
import RedisClient
import RedisServer
import Synchronization
import TestSupport

@testable import TaskQueue

/// A queue on a redis-server of its own.
func withQueue(_ body: (Queue) async throws -> Void) async throws {
  try await RedisServer.run { server in
    let redis = RedisClient(server.configuration, logger: quiet)
    do {
      try await body(Queue(redis: redis))
    } catch {
      await redis.close()
      throw error
    }
    await redis.close()
  }
}

/// What tasks saw, in order.
final class Log: Sendable {
  private let lines = Mutex<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
  func count(_ line: String) -> Int { all.count { $0 == line } }
}

/// Writes its input into a log.
struct Say: QueueTask {
  static let name = "say"
  let log: Log
  func run(_ input: String, _ context: TaskContext) async throws -> Nothing {
    log.add(input)
    return Nothing()
  }
}

/// Fails with its input as the code, until the attempt given.
struct Fail: QueueTask {
  struct Input: Codable {
    var code: String
    var until = Int.max
  }
  static let name = "fail"
  func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
    if context.attempt < input.until { throw TaskFailure(code: input.code, message: "as told") }
    return Nothing()
  }
}

/// Runs until it is cancelled, or its gate opens.
struct Hang: QueueTask {
  static let name = "hang"
  let log: Log
  var stubborn = false
  func run(_ input: String, _ context: TaskContext) async throws -> Nothing {
    log.add("begun \(input)")
    if stubborn {
      // Ignores its cancellation for a while, as bad code does.
      await withTaskGroup { group in
        group.addTask { await Self.deaf(for: .milliseconds(1_500)) }
      }
    } else {
      do { try await Task.sleep(for: .seconds(60)) } catch {
        log.add("stopped \(input)")
        throw error
      }
    }
    return Nothing()
  }

  private static func deaf(for time: Duration) async {
    let end = ContinuousClock.now + time
    while ContinuousClock.now < end { await Task.yield() }
  }
}

/// Heeds no cancel, and ends when its gate is opened.
struct Deaf: QueueTask {
  static let name = "deaf"
  let gate: Latch
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
    await gate.wait()
    return Nothing()
  }
}

/// Holds its callers, cancelled or not, until it is opened.
final class Latch: Sendable {
  private struct State {
    var isOpen = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())
  var waiting: Int { state.withLock { $0.waiting.count } }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}

func chain(_ id: String, queue: QueueName = .default, _ links: Link...) throws -> Chain {
  try Chain(id: ChainID(id), queue: queue, links: links)
}
