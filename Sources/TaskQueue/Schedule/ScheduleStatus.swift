import RedisClient

/// How a schedule stands: for people who look, and for scripts. Times are the server's milliseconds since 1970.
public struct ScheduleStatus: Sendable, Equatable, Codable {
  public enum State: String, Sendable, Codable {
    case active
    case paused
    /// No time of it lies ahead.
    case ended
  }

  /// What became of the chain that it made last.
  public enum Outcome: String, Sendable, Codable {
    /// It waits for a worker, for a time, or to be tried again; none of its links has ended.
    case waiting
    case running
    case done
    /// It was given up.
    case failed
    case cancelled
  }

  public let id: String
  public let state: State
  /// The cron expression; nil for one that fires in intervals.
  public var cron: String?
  public var zone: String?
  /// Milliseconds between two firings, where it isn't by cron.
  public var every: Int?
  /// When its intervals begin.
  public var from: Int64?
  public let nextAt: Int64?
  public var missed: String?
  public var overlap: String?
  public var jitter: Int?
  public var endsAt: Int64?
  public var queue: String?
  /// The tasks of its chain; `group` stands for a group.
  public var tasks: [String] = []
  /// The time that fired last, and when that was done.
  public let lastAt: Int64?
  public let firedAt: Int64?
  public let lastChain: String?
  /// nil: it has made none, or it is long ago and the chain is no longer kept.
  public var lastOutcome: Outcome?
  /// Why the last chain failed, or what it is to be tried again for.
  public var lastFailure: String?
  /// How many chains it has made, by hand too.
  public let fired: Int
  /// Firings left out because the one before still ran, or its unique key was held.
  public let skipped: Int
  /// Between these times firings were missed, the last time that it happened.
  public let missedFrom: Int64?
  public let missedTo: Int64?
  /// Why it can't be fired, or read.
  public var problem: String?

  init?(_ id: ScheduleID, _ fields: [String: RedisValue]) {
    guard let definition = fields["def"]?.bytes else { return nil }
    func time(_ name: String) -> Int64? { fields[name]?.int.map { Int64($0) } }
    self.id = id.rawValue
    nextAt = time("next")
    state = fields["paused"] != nil ? .paused : nextAt == nil ? .ended : .active
    lastAt = time("last")
    firedAt = time("at")
    lastChain = fields["chain"]?.string
    fired = fields["fired"]?.int ?? 0
    skipped = fields["skipped"]?.int ?? 0
    let missed = (fields["missed"]?.string ?? "").split(separator: " ").compactMap { Int64($0) }
    missedFrom = missed.first
    missedTo = missed.last
    problem = fields["problem"]?.string
    do {
      let schedule = try StoredSchedule.decode(definition, id)
      switch schedule.trigger {
      case .cron(let expression, let zone): (cron, self.zone) = (expression.description, zone.name)
      case .every(let interval, let from): (every, self.from) = (interval.milliseconds, from)
      }
      self.missed = schedule.missed.description
      overlap = schedule.overlap.rawValue
      jitter = schedule.jitter.milliseconds
      endsAt = schedule.endsAt
      queue = schedule.chain.queue.rawValue
      tasks = schedule.chain.links.map { if case .task(let name, _) = $0.work { name } else { "group" } }
    } catch {
      if problem == nil { problem = "\(error)" }
    }
  }
}

extension ScheduleStatus {
  fileprivate mutating func tell(of chain: ChainStatus?) {
    guard let chain else { return }
    lastOutcome =
      switch chain.state {
      case .finished: .done
      case .dead: .failed
      case .cancelled: .cancelled
      case .granted, .waiting: .running
      case .ready, .due: chain.cursor > 0 ? .running : .waiting
      }
    lastFailure = chain.failure.map { "\($0.code): \($0.message)" }
  }
}

extension Queue {
  /// How schedules stand; nil for one that there isn't.
  public func schedules(_ ids: [ScheduleID]) async throws -> [ScheduleStatus?] {
    var statuses: [ScheduleStatus?] = []
    for start in stride(from: 0, to: ids.count, by: 100) {
      let slice = ids[start..<min(start + 100, ids.count)]
      let answers = try await ask(slice.map { RedisCommand("HGETALL", .string(broker.key(schedule: $0))) })
      statuses += zip(slice, answers).map { ScheduleStatus($0, $1.pairs ?? [:]) }
    }
    let made = statuses.indices.filter { statuses[$0]?.lastChain != nil }
    let chains = try await status(made.map { ChainID(trusted: statuses[$0]?.lastChain ?? "") })
    for (index, chain) in zip(made, chains) { statuses[index]?.tell(of: chain) }
    return statuses
  }

  /// All schedules, those that fire next first.
  public func schedules() async throws -> [ScheduleStatus] {
    let answer = try await broker.redis.send(RedisCommand("ZRANGE", .string(broker.key("schedules")), 0, -1))
    let ids = (answer.array ?? []).compactMap(\.string).map { ScheduleID(trusted: $0) }
    return try await schedules(ids).compactMap { $0 }
  }
}
