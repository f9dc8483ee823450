import Delivery
import Fleet
import Logging
import Rollout
import TaskQueue

extension Releases {
  /// What the checks have found since a release ended.
  ///
  /// - Throws: `RedisError`.
  func checks(of id: String) async throws -> [CheckResult] {
    let record = try await queue.record(Names.checks(id))
    return try record.fields.values.map { try JSON.decode($0, "a check of \(id)") }
  }

  /// Keeps results; the latest few hundred.
  func keep(_ results: [CheckResult], of id: String) async throws {
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let record = try await queue.record(Names.checks(id))
      var change = Commit.Change(try Names.checks(id), expecting: record.revision, set: [:])
      for result in results { change.set["\(result.at)/\(result.name)"] = try JSON.encode(result) }
      let old = record.fields.keys.sorted().prefix(max(0, record.fields.count + results.count - 400))
      change.remove = Array(old)
      var commit = Commit()
      commit.changes = [change]
      if try await queue.commit(commit) == .committed { return }
    }
    throw ReleaseError.contended(id)
  }

  /// A round of checks, at its time.
  func watch(_ id: String, _ watch: Watch, until: Milliseconds, at: Milliseconds) throws -> Chain {
    var chain = try Chain(
      id: Names.watch(id, at), queue: Names.coordinators(),
      links: [
        Link(
          WatchTask.self, .init(deployment: id, watch: watch, until: until, at: at), retry: Self.patience,
          timeLimit: .seconds(600))
      ])
    chain.notBefore = at
    return chain
  }
}

/// Makes the checks of a release that has ended well, keeps what they find, and looks where one has failed.
struct WatchTask: QueueTask {
  struct Input: Codable, Sendable {
    var deployment: String
    var watch: Watch
    var until: Milliseconds
    var at: Milliseconds
  }
  static let name = "release.watch"
  let releases: Releases
  let probe = CheckProbe()

  func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
    let results = try await withThrowingTaskGroup(of: CheckResult.self) { tasks in
      for check in input.watch.checks {
        tasks.addTask {
          let failure = try await probe.make(check)
          return CheckResult(name: check.name, at: try await releases.now(), failure: failure)
        }
      }
      return try await tasks.reduce(into: []) { $0.append($1) }
    }
    try await releases.keep(results, of: input.deployment)
    for result in results {
      if let failure = result.failure {
        context.logger.warning("\(input.deployment): the check \(result.name) failed: \(failure)")
      }
    }
    if results.contains(where: { $0.failure != nil }) { try await releases.advance(input.deployment) }
    let next = max(input.at + input.watch.every, try await releases.now())
    let ordered = try await releases.load(input.deployment).deployment.rollbackOrder != nil
    if next <= input.until, !ordered {
      try await releases.queue.submit(
        releases.watch(input.deployment, input.watch, until: input.until, at: next))
    }
    return Nothing()
  }
}

/// Takes a release back, as its policy has decided. The ledger says whether that is still to be done.
struct RollBackTask: QueueTask {
  struct Input: Codable, Sendable { var deployment: String }
  static let name = "release.rollback"
  let releases: Releases

  func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
    try await releases.takeBackAsOrdered(input.deployment)
    return Nothing()
  }
}

extension Releases {
  /// Writes into a deployment's record what was done beside it.
  func tell(_ id: String, what: String, by: String, reason: String?) async throws {
    _ = try await move(id, .told(what: what, by: by, reason: reason))
  }
}
