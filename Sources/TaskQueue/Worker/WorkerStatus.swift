import Synchronization

/// What a worker does at this moment, as it knows by itself: nobody asks Redis.
public struct WorkerStatus: Sendable, Equatable {
  public enum State: String, Sendable, Equatable {
    /// It was not started, or has ended.
    case down
    /// It has no session: Redis wasn't reached yet, or its lease was lost and it begins anew.
    case starting
    /// It has a session, and takes work.
    case serving
    /// It was told from afar to be quiet: it takes nothing new until it is told to work again, and what runs runs on.
    case quiet
    /// It was told to stop: it takes nothing new, and ends when what runs has ended.
    case draining
    /// Too many of its tasks never returned: it takes nothing new and ends, to be started again. See ``WorkerStuck``.
    case stuck
  }

  public let name: String
  public let state: State
  /// The session's name in Redis; nil without one.
  public let session: String?
  /// Links that may run at once.
  public let slots: Int
  /// Links that run.
  public let running: Int
  /// Chains that it holds: running, waiting for a slot, or ended and not yet told to Redis.
  public let held: Int
  /// Tasks that ignored their cancel and still run, beyond the slots. They hold memory and threads until they
  /// end: see ``WorkerConfiguration/setAsideLimit``.
  public let setAside: Int
}

extension Worker {
  /// What it does now. A value of `Worker` that runs several times at once tells of the latest.
  public var status: WorkerStatus { pulse.status(of: configuration) }
}

/// Lets others look at the slots of a worker while it runs.
final class Pulse: Sendable {
  private let desk = Mutex<Desk?>(nil)

  func begin(_ desk: Desk) { self.desk.withLock { $0 = desk } }

  func end(_ desk: Desk) { self.desk.withLock { if $0 === desk { $0 = nil } } }

  func status(of configuration: WorkerConfiguration) -> WorkerStatus {
    guard let desk = desk.withLock({ $0 }) else {
      return WorkerStatus(
        name: configuration.name, state: .down, session: nil, slots: configuration.concurrency, running: 0,
        held: 0, setAside: 0)
    }
    return desk.read { slots in
      let session = slots.session.isEmpty ? nil : slots.session
      return WorkerStatus(
        name: configuration.name,
        state: slots.stuck != nil
          ? .stuck
          : slots.draining ? .draining : session == nil ? .starting : slots.quiet ? .quiet : .serving,
        session: session,
        slots: slots.concurrency, running: slots.runningCount, held: slots.heldCount,
        setAside: slots.setAside)
    }
  }
}
