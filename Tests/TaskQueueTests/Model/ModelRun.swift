import RedisClient
import RedisServer
import Synchronization
import TestSupport

@testable import TaskQueue

/// Many short runs, each from an empty namespace and a seed of its own, some of them at a time.
struct ModelRun {
  var operations: Int
  var seed: UInt64
  /// A change to the scripts, to see that it is noticed.
  var changing: @Sendable (RedisScript) -> String = { $0.source }

  /// For how long a sequence that fails is made shorter.
  var shortening = Duration.seconds(120)

  static let length = 200

  struct Failure: CustomStringConvertible {
    var seed: UInt64
    var what: String
    var operations: [Operation]

    var description: String {
      """
      server and reference part: \(what)
      again with DRAWBAR_MODEL_SEED=\(seed); what it takes, for replay(_:):
      \(operations.map { "  \($0)," }.joined(separator: "\n"))
      """
    }
  }

  /// The first failure, made short; nil where there is none.
  func run() async throws -> Failure? {
    try await RedisServer.run { (server) async throws -> Failure? in
      let redis = RedisClient(server.configuration, logger: quiet)
      let runs = Runs(count: max(1, operations / Self.length))
      let started = ContinuousClock.now
      let scripts = try ScriptsInVirtualTime(changing: changing)
      try await scripts.load(into: redis)
      try await withThrowingTaskGroup { group in
        for _ in 0..<3 {
          group.addTask {
            while let index = runs.next() {
              if let (operations, what) = try await one(index, redis, scripts) {
                runs.fail(index, operations, what)
              }
            }
          }
        }
        try await group.waitForAll()
      }
      let time = ContinuousClock.now - started
      print("model: \(runs.begun * Self.length) operations from seed \(seed) in \(time)")
      var failure: Failure?
      if let (index, operations, first) = runs.failed {
        _ = try await redis.send(RedisCommand("FLUSHALL"))
        let replay = Replay(redis: redis, scripts: scripts)
        let short = try await shortened(operations, within: shortening) { try await replay.fails($0)?.after }
        let what = try await replay.fails(short)?.what
        failure = Failure(
          seed: seed &+ UInt64(index), what: what ?? "not this time; at first: \(first)", operations: short)
      }
      await redis.close()
      return failure
    }
  }

  /// One run; returns its operations up to where it failed.
  private func one(_ index: Int, _ redis: RedisClient, _ scripts: ScriptsInVirtualTime) async throws
    -> (operations: [Operation], what: String)?
  {
    var generator = Generator(seed: seed &+ UInt64(index))
    var player = try await Player(redis: redis, scripts: scripts, root: "m\(index):{p0}")
    var played: [Operation] = []
    do {
      for _ in 1...Self.length {
        let operation = generator.next(player.reference)
        played.append(operation)
        try await player.play(operation)
      }
      // Most of what goes wrong shows in an answer; the rest stays to be seen here, and is traced back by shortening.
      try await player.compare()
    } catch let divergence as Divergence {
      return (played, divergence.description)
    }
    try await player.remove()
    return nil
  }
}

/// Which runs there are still to do, for those that do them side by side.
private final class Runs: Sendable {
  private struct State {
    var next = 0
    var failed: (index: Int, operations: [Operation], what: String)?
  }
  private let state = Mutex(State())
  let count: Int

  init(count: Int) { self.count = count }

  func next() -> Int? {
    state.withLock {
      if $0.next >= count || $0.failed != nil { return nil }
      $0.next += 1
      return $0.next - 1
    }
  }

  func fail(_ index: Int, _ operations: [Operation], _ what: String) {
    state.withLock { if $0.failed == nil { $0.failed = (index, operations, what) } }
  }

  var begun: Int { state.withLock(\.next) }
  var failed: (index: Int, operations: [Operation], what: String)? { state.withLock(\.failed) }
}

/// Plays a given sequence, comparing after every step where it is short.
struct Replay {
  let redis: RedisClient
  let scripts: ScriptsInVirtualTime

  /// What goes wrong, and after how many of them; nil where nothing does.
  func fails(_ operations: [Operation]) async throws -> (after: Int, what: String)? {
    var player = try await Player(redis: redis, scripts: scripts, root: "replay:{p0}")
    var played = 0
    var what: String?
    do {
      for operation in operations {
        played += 1
        try await player.play(operation)
        if operations.count < 50 || played % 10 == 0 { try await player.compare() }
      }
      try await player.compare()
    } catch let divergence as Divergence {
      what = divergence.description
    }
    try await player.remove()
    return what.map { (played, $0) }
  }
}
