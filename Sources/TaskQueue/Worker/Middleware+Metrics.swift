public import CoreMetrics
import Synchronization

/// Counts and times links, by swift-metrics.
///
/// | metric | kind | labels | what it tells |
/// | --- | --- | --- | --- |
/// | `drawbar.links` | counter | task, outcome | links that ended: `done`, `retried`, `dead`, `snoozed`, `stopped` |
/// | `drawbar.link.failures` | counter | task, code | failures, by the code that the task gave |
/// | `drawbar.link.duration` | timer | task | how long links ran that were not stopped |
/// | `drawbar.links.running` | meter | task | links that run now |
///
/// A link whose task ignores its time limit is settled without it; it counts as running until it really ends.
public final class MeasureLinks: TaskMiddleware {
  private struct Meters {
    var ended: [String: Counter] = [:]
    var failures: [String: Counter] = [:]
    var durations: [String: Timer] = [:]
    var running: [String: Meter] = [:]
  }

  private let factory: any MetricsFactory
  private let meters = Mutex(Meters())

  /// - Parameter factory: where to; nil: the backend that the program has bootstrapped.
  public init(factory: (any MetricsFactory)? = nil) { self.factory = factory ?? MetricsSystem.factory }

  public func handle(
    _ run: TaskRun, next: @Sendable () async throws -> TaskOutput
  ) async throws -> TaskOutput {
    let running = meters.withLock { meters in
      Self.kept(&meters.running, run.task) {
        Meter(label: "drawbar.links.running", dimensions: [("task", run.task)], factory: factory)
      }
    }
    running.increment()
    defer { running.decrement() }
    return try await run.watch(next) { ending, _, duration in count(run.task, ending, duration) }
  }

  private func count(_ task: String, _ ending: TaskEnding, _ duration: Duration) {
    let (ended, failures, time) = meters.withLock { meters in
      let ended = Self.kept(&meters.ended, "\(task) \(ending.word)") {
        Counter(
          label: "drawbar.links", dimensions: [("task", task), ("outcome", ending.word)], factory: factory)
      }
      let failures = ending.code.map { code in
        Self.kept(&meters.failures, "\(task) \(code)") {
          Counter(
            label: "drawbar.link.failures", dimensions: [("task", task), ("code", code)], factory: factory)
        }
      }
      let time = Self.kept(&meters.durations, task) {
        Timer(label: "drawbar.link.duration", dimensions: [("task", task)], factory: factory)
      }
      return (ended, failures, time)
    }
    ended.increment()
    failures?.increment()
    if ending != .stopped { time.recordNanoseconds(duration.nanoseconds) }
  }

  /// Making one costs a look-up in the backend, so they are kept. Names come with the chains: whoever sends
  /// ever new ones doesn't fill the memory.
  private static func kept<Kind>(
    _ all: inout [String: Kind], _ name: String, _ make: () -> Kind
  ) -> Kind {
    if let known = all[name] { return known }
    let new = make()
    if all.count < 1_000 { all[name] = new }
    return new
  }
}

extension Duration {
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
