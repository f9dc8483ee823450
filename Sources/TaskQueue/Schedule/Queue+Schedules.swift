import FoundationEssentials
import RedisClient

extension Queue {
  public enum Scheduled: Sendable, Equatable {
    case created
    /// There was one of this id. Where its times are the same, the next one stays; a pause stays in any case.
    case replaced
  }

  /// So many schedules may be in a namespace.
  public static let maximumSchedules = 10_000

  /// Creates a schedule, or replaces the one of its id. Sent again it changes nothing, so that a program may state
  /// its schedules whenever it starts.
  ///
  /// - Throws: ``InvalidSchedule``, also where no firing lies ahead or there are too many; ``InvalidChain`` and
  ///   ``PayloadTooLarge`` for what its firings would be refused for; `RedisError`.
  @discardableResult
  public func schedule(_ schedule: Schedule) async throws -> Scheduled {
    // What a firing would be refused for is refused now. This time has as many digits as any.
    let sample = try schedule.firing(at: 9_999_999_999_999)
    _ = try sample.isWorkflow ? Workflow(sample).size : sample.arguments(retention).count
    let definition = try StoredSchedule.json(StoredSchedule(schedule))
    guard definition.count <= PayloadTooLarge.limit else {
      throw PayloadTooLarge(chain: sample.id, bytes: definition.count)
    }
    let answers = try await ask([
      RedisCommand("TIME"), RedisCommand("HMGET", .string(broker.key(schedule: schedule.id)), "last"),
    ])
    let now = try Self.milliseconds(answers[0])
    let last = answers[1].array?.first?.int.map { Int64($0) } ?? now
    // The clock may have been ahead: what fired then doesn't fire again.
    guard let next = schedule.next(after: max(now, last)) else {
      throw InvalidSchedule(id: schedule.id, reason: "it would never fire: no time of it lies ahead")
    }
    let times = try StoredSchedule.json(StoredTimes(trigger: schedule.trigger, endsAt: schedule.endsAt))
    let answer = try await broker.call(
      Scripts.planSchedule,
      [
        .string(schedule.id.rawValue), .bytes(definition), .bytes(times), .string("\(next)"),
        .integer(Self.maximumSchedules),
      ])
    switch answer.array?.first?.int {
    case 1: return .created
    case 0: return .replaced
    case -1:
      throw InvalidSchedule(
        id: schedule.id, reason: "there are \(Self.maximumSchedules) schedules already; remove some")
    default: throw Broker.malformed("plan_schedule")
    }
  }

  /// Stops a schedule's firings until it is resumed. What it has fired runs on.
  ///
  /// - Throws: ``UnknownSchedule``.
  public func pauseSchedule(_ id: ScheduleID) async throws {
    guard try await change(id, "pause") == 1 else { throw UnknownSchedule(id: id) }
  }

  /// Lets a paused schedule fire again, from its next time after now: what passed meanwhile doesn't count as missed.
  ///
  /// - Returns: the next time, in milliseconds since 1970; nil: its end has passed.
  /// - Throws: ``UnknownSchedule``.
  @discardableResult
  public func resumeSchedule(_ id: ScheduleID) async throws -> Int64? {
    while true {
      let (schedule, revision, now) = try await stored(id)
      let next = schedule.next(after: now)
      switch try await change(id, "resume", [.string(revision), .string(next.map { "\($0)" } ?? "")]) {
      case 1: return next
      case 0: throw UnknownSchedule(id: id)
      // Replaced meanwhile: its times may be others.
      default: continue
      }
    }
  }

  /// Removes a schedule. What it has fired runs on.
  ///
  /// - Returns: whether there was one.
  @discardableResult
  public func removeSchedule(_ id: ScheduleID) async throws -> Bool { try await change(id, "remove") == 1 }

  /// Submits a schedule's chain now, by hand: also while it is paused, and whatever its former firing does. Its
  /// times stay as they are.
  ///
  /// - Parameter token: the chain's id is `<schedule>@<token>`. Sent again with the same one, it is fired once.
  /// - Throws: ``UnknownSchedule``, ``QueueFull``, `RedisError`.
  @discardableResult
  public func fireSchedule(
    _ id: ScheduleID, token: String = "by-hand-" + String(UInt64.random(in: 1 << 32...(.max)), radix: 36)
  ) async throws -> ChainID {
    let (schedule, revision, now) = try await stored(id)
    let chain = traced(try schedule.firing(named: Identifier<Schedule>(token).rawValue, at: now))
    let parts = try await stageParts(of: chain)
    switch try await fire(id, revision, expected: nil, next: nil, chain: (now, chain, parts)) {
    case .done: return chain.id
    case .duplicate(let holder):
      throw InvalidChain(id: chain.id, reason: "chain \(holder) holds its unique key")
    case .moved: throw UnknownSchedule(id: id)
    case .busy, .early, .incomplete: throw Broker.malformed("fire_schedule")
    }
  }

  private func change(_ id: ScheduleID, _ what: RedisArgument, _ more: [RedisArgument] = []) async throws
    -> Int
  {
    let answer = try await broker.call(Scripts.changeSchedule, [.string(id.rawValue), what] + more)
    guard let code = answer.int else { throw Broker.malformed("change_schedule") }
    return code
  }

  private func stored(_ id: ScheduleID) async throws -> (Schedule, revision: String, now: Int64) {
    let answers = try await ask([
      RedisCommand("HMGET", .string(broker.key(schedule: id)), "def", "rev"), RedisCommand("TIME"),
    ])
    guard let fields = answers[0].array, fields.count == 2, let definition = fields[0].bytes,
      let revision = fields[1].string
    else { throw UnknownSchedule(id: id) }
    return (try StoredSchedule.decode(definition, id), revision, try Self.milliseconds(answers[1]))
  }

  static func milliseconds(_ time: RedisValue) throws(RedisError) -> Int64 {
    guard let parts = time.array, parts.count == 2, let seconds = parts[0].int, let micros = parts[1].int
    else {
      throw Broker.malformed("TIME")
    }
    return Int64(seconds) * 1_000 + Int64(micros / 1_000)
  }
}

/// There is no such schedule.
public struct UnknownSchedule: Error, Sendable, CustomStringConvertible {
  public let id: ScheduleID
  public var description: String { "there is no schedule \(id)" }

  public init(id: ScheduleID) { self.id = id }
}

extension Broker {
  func key(schedule: ScheduleID) -> String { "\(root):sch:\(schedule)" }
}
