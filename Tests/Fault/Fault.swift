import FaultRun
import SeededRandom

/// The kinds of faults.
enum Fault: String, CaseIterable, Sendable {
  case workerKilled = "worker killed"
  case workerStopped = "worker stopped beyond its lease"
  case workerPaused = "worker stopped for a moment"
  case workerEnded = "worker ended in good order"
  case submitterKilled = "submitter killed"
  case schedulerKilled = "scheduler killed"
  case schedulerStopped = "scheduler stopped for a while"
  case redisKilled = "redis-server killed"
  case redisStopped = "redis-server stopped beyond the lease"
  case connectionCut = "connections cut"
  case connectionReset = "connections reset"
  case halfClosed = "connections half closed"
  case delayed = "traffic delayed"
  case repliesSwallowed = "replies swallowed"
  case cutOff = "cut off beyond the lease"
  case refused = "connections refused"
  case scriptsFlushed = "scripts flushed"
  case clientsKilled = "clients killed by the server"
  case memoryFull = "memory full"
  case readOnly = "server read-only"

  /// What it happens to.
  enum Target { case worker, submitter, scheduler, anyProxy, server }

  var target: Target {
    switch self {
    case .workerKilled, .workerStopped, .workerPaused, .workerEnded: .worker
    case .submitterKilled: .submitter
    case .schedulerKilled, .schedulerStopped: .scheduler
    case .connectionCut, .connectionReset, .halfClosed, .delayed, .repliesSwallowed, .cutOff, .refused:
      .anyProxy
    case .redisKilled, .redisStopped, .scriptsFlushed, .clientsKilled, .memoryFull, .readOnly: .server
    }
  }

  /// How often it is chosen, against others.
  private var weight: Int {
    switch self {
    case .workerKilled: 5
    case .workerStopped, .redisKilled, .repliesSwallowed, .cutOff: 3
    case .submitterKilled, .schedulerKilled, .memoryFull, .readOnly, .connectionCut: 2
    default: 1
    }
  }

  private static let urn = allCases.flatMap { Array(repeating: $0, count: $0.weight) }

  /// Faults in the order in which they happen: each kind once before chance decides.
  static func sequence(_ count: Int, seed: UInt64) -> [Fault] {
    var random = SeededGenerator(seed: seed)
    let every = allCases.shuffled(using: &random)
    let more = (0..<max(0, count - every.count)).map { _ in urn.randomElement(using: &random)! }
    return every.prefix(count) + more
  }
}
