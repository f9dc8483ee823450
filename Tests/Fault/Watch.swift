import FaultRun
import RedisClient
import Synchronization
import TaskQueue

/// Looks at the queue while the run goes on, and remembers what must never change.
actor Watch {
  private let queue: Queue
  private var outcomes: [ChainID: [Int: ChainStatus.LinkOutcome]] = [:]
  private var ended: [ChainID: ChainStatus] = [:]
  private(set) var changes: [Violation] = []
  private(set) var audits = 0
  private(set) var crowded: [Disruption] = []

  /// Chains that go on after a death, since they are put back.
  private let healing: @Sendable (ChainID) -> Bool

  init(_ queue: Queue, healing: @escaping @Sendable (ChainID) -> Bool) {
    (self.queue, self.healing) = (queue, healing)
  }

  /// Looks at all of these that had not ended yet, and says how many have not.
  func look(_ chains: [ChainID]) async throws -> [ChainID] {
    let open = chains.filter { ended[$0] == nil }
    for (chain, status) in zip(open, try await queue.status(open)) {
      guard let status else { continue }
      compare(chain, status)
      outcomes[chain] = status.outcomes
      if status.hasEnded, status.state != .dead || !healing(chain) { ended[chain] = status }
    }
    return open.filter { ended[$0] == nil }
  }

  /// The last look, at all of them.
  func standings(_ chains: [ChainID]) async throws -> [String: Standing] {
    var standings: [String: Standing] = [:]
    for (chain, status) in zip(chains, try await queue.status(chains)) {
      guard let status else { continue }
      compare(chain, status)
      if let before = ended[chain], before != status {
        changes.append(Violation(.changed, chain.rawValue, "\(before), then \(status)"))
      }
      standings[chain.rawValue] = Standing(status)
    }
    return standings
  }

  private func compare(_ chain: ChainID, _ status: ChainStatus) {
    for (link, outcome) in outcomes[chain] ?? [:] where status.outcomes[link] != outcome {
      changes.append(
        Violation(
          .changed, chain.rawValue,
          "link \(link): \(outcome), then \(String(describing: status.outcomes[link]))"))
    }
  }

  /// Looks into Redis itself, and remembers what is wrong there.
  func auditPlaces(_ redis: RedisClient) async throws {
    for violation in try await audit(redis) where changes.count < 100 && !changes.contains(violation) {
      changes.append(violation)
    }
    audits += 1
  }

  /// Notes whether chains wait to be run alone.
  func lookForSuspects(since: Int64) async throws {
    let overview = try await queue.overview()
    guard overview.queues.contains(where: { $0.suspects > 0 }) else { return }
    crowded.append(Disruption("suspects", worker: nil, from: since, to: Moment.now.boot))
  }
}

extension Standing {
  init(_ status: ChainStatus) {
    let end: Expectation.End? =
      switch status.state {
      case .finished: .finished
      case .dead: .dead
      case .cancelled: .cancelled
      default: nil
      }
    self.init(
      end: end, ended: status.endedAt, failure: end == .dead ? status.failure?.code : nil,
      outcomes: status.outcomes.mapValues {
        Outcome(ended: $0.endedAt, attempt: $0.attempt, generation: $0.generation)
      })
  }
}
