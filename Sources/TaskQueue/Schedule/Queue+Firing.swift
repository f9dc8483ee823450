import RedisClient

/// What is due, as a scheduler reads it.
struct DueSchedules {
  struct Item {
    let id: ScheduleID
    let revision: String
    let expected: Int64
    let definition: [UInt8]
    /// The chain that it made last has not ended.
    let underWay: Bool
  }

  let now: Int64
  /// Until the next one; nil: none will be.
  let untilNext: Duration?
  let items: [Item]
}

enum FiringAnswer: Equatable {
  case done
  /// Left out: the chain before still runs.
  case busy
  /// Left out: this chain holds its unique key.
  case duplicate(of: ChainID)
  /// Somebody else did it, or the schedule was changed, paused or removed.
  case moved
  /// The server's clock went back.
  case early
  /// Parts of its workflow are not there: they were removed for having waited too long.
  case incomplete
}

extension Queue {
  /// What is due; for a while no other scheduler is given it.
  ///
  /// - Parameter passed: with their revisions, what this scheduler can't fire.
  func dueSchedules(atMost: Int, passing passed: [(ScheduleID, revision: String)] = []) async throws
    -> DueSchedules
  {
    var arguments: [RedisArgument] = [.integer(atMost), .integer(Scheduler.hold.milliseconds)]
    for (id, revision) in passed { arguments += [.string(id.rawValue), .string(revision)] }
    let answer = try await broker.call(Scripts.dueSchedules, arguments)
    guard let items = answer.array, items.count >= 2, items.count % 5 == 2, let now = items[0].int,
      let wait = items[1].int
    else { throw Broker.malformed("due_schedules") }
    let due = try stride(from: 2, to: items.count, by: 5).map { at throws(RedisError) in
      guard let id = items[at].string, let revision = items[at + 1].string, let expected = items[at + 2].int,
        let definition = items[at + 3].bytes, let underWay = items[at + 4].int
      else { throw Broker.malformed("due_schedules") }
      return DueSchedules.Item(
        id: ScheduleID(trusted: id), revision: revision, expected: Int64(expected), definition: definition,
        underWay: underWay == 1)
    }
    return DueSchedules(now: Int64(now), untilNext: wait < 0 ? nil : .milliseconds(wait), items: due)
  }

  /// - Parameters:
  ///   - expected: nil: by hand, and nothing is moved.
  ///   - chain: nil: the schedule is moved only.
  func fire(
    _ id: ScheduleID, _ revision: String, expected: Int64?, next: Int64?,
    chain: (time: Int64, chain: Chain, parts: Int)?, overlap: Schedule.Overlap = .allowed,
    leftOut: ClosedRange<Int64>? = nil
  ) async throws -> FiringAnswer {
    func text(_ time: Int64?) -> RedisArgument { .string(time.map { "\($0)" } ?? "") }
    var arguments: [RedisArgument] = [
      .string(id.rawValue), .string(revision), text(expected), text(next), text(chain?.time),
      overlap == .skip ? 1 : 0, .string(leftOut.map { "\($0.lowerBound) \($0.upperBound)" } ?? ""),
    ]
    if let chain { arguments += try chain.chain.arguments(retention, parts: chain.parts) }
    let answer = try await broker.call(Scripts.fireSchedule, arguments)
    try QueueFull.check(answer)
    guard let items = answer.array, let word = items.first?.string else {
      throw Broker.malformed("fire_schedule")
    }
    switch word {
    case "moved", "unknown": return .moved
    case "early": return .early
    case "incomplete": return .incomplete
    case "created", "existed", "none": return .done
    case "busy": return .busy
    case "held" where items.count == 2: return .duplicate(of: ChainID(trusted: items[1].string ?? ""))
    default: throw Broker.malformed("fire_schedule")
    }
  }

  /// A schedule that can't be fired now is looked at again after a time.
  ///
  /// - Parameter time: nil: at once, by schedulers that may know better.
  func putOff(_ item: DueSchedules.Item, for time: Duration?, because problem: String) async throws {
    _ = try await broker.call(
      Scripts.changeSchedule,
      [
        .string(item.id.rawValue), "put-off", .string(item.revision), .string("\(item.expected)"),
        .string(time.map { "\($0.milliseconds)" } ?? ""), .string(String(problem.prefix(500))),
      ])
  }
}
