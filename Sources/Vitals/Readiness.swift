import TaskQueue

/// Whether this process can do work, and if not, why.
struct Readiness: Sendable, Equatable {
  var isReady: Bool
  /// One for each thing that was looked at.
  var lines: [String]

  /// - Parameters:
  ///   - redis: what its last answer was: nothing, or why there is none.
  init(redis: (any Error)?, workers: [WorkerStatus]) {
    isReady = redis == nil && workers.allSatisfy { $0.state == .serving || $0.state == .quiet }
    lines = [redis.map { "redis: no: \(Self.line($0))" } ?? "redis: answers"]
    lines += workers.map { worker in
      let doing = "\(worker.running) of \(worker.slots) slots run"
      return switch worker.state {
      case .serving: "worker \(worker.name): session \(worker.session ?? ""), \(doing)"
      // A person wants it so, and nothing is wrong with it.
      case .quiet:
        "worker \(worker.name): quiet: it was told to take nothing new, session \(worker.session ?? ""), \(doing)"
      case .starting: "worker \(worker.name): no: it has no session yet, or lost its lease and begins anew"
      case .draining: "worker \(worker.name): no: it was told to stop and takes nothing new, \(doing)"
      case .stuck:
        "worker \(worker.name): no: \(worker.setAside) of its tasks never returned; it ends, to be started again"
      case .down: "worker \(worker.name): no: it has not begun, or has ended"
      }
    }
  }

  var page: String { ([isReady ? "ready" : "not ready"] + lines).map { $0 + "\n" }.joined() }

  private static func line(_ error: any Error) -> String {
    String("\(error)".prefix(300).map { $0.isNewline ? " " : $0 })
  }
}
