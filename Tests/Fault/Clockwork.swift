import FaultRun
import Foundation
import RedisClient
import TaskQueue

/// Keeps schedules going beside the load, and looks at what became of them.
struct Clockwork {
  let queue: Queue
  private var first: [Int64] = []

  /// States the schedules, before anything fires them.
  init(_ queue: Queue) async throws {
    self.queue = queue
    for planned in PlannedSchedule.all {
      let schedule = try Schedule(
        id: ScheduleID(planned.id), trigger: .every(.milliseconds(planned.interval)),
        chain: Chain(id: ChainID(planned.id), links: planned.steps.map { try Link(scheduled: $0) }),
        missed: planned.rule == .once ? .once : .all(upTo: 100),
        overlap: planned.rule == .alone ? .skip : .allowed)
      try await queue.schedule(schedule)
      guard let next = try await queue.schedules([schedule.id])[0]?.nextAt else {
        throw UnknownSchedule(id: schedule.id)
      }
      first.append(next)
    }
  }

  /// Lets nothing more be fired, and says what was.
  func stop() async throws -> [Fired] {
    var all: [Fired] = []
    for (planned, first) in zip(PlannedSchedule.all, first) {
      let id = try ScheduleID(planned.id)
      try await queue.pauseSchedule(id)
      guard let status = try await queue.schedules([id])[0], let next = status.nextAt else { continue }
      let prefix = Site.partition + "c:\(planned.id)@"
      let keys = try await queue.redis.send(RedisCommand("KEYS", .string(prefix + "*"))).array ?? []
      let times = keys.compactMap { $0.string.flatMap { Int64($0.dropFirst(prefix.count)) } }
      all.append(
        Fired(planned, first: first, next: next, made: status.fired, leftOut: status.skipped, times: times))
    }
    return all
  }
}

extension Link {
  fileprivate init(scheduled step: Step) throws {
    if let group = step.group {
      self = .group(try group.map { try $0.map { try Link(scheduled: $0) } })
    } else if step.collects {
      self = Link(named: "fault.collect", json: nil, from: .previous)
    } else {
      self = Link(named: "fault.step", json: Array(try JSONEncoder().encode(step)))
    }
  }
}

extension Fired {
  var expectations: [Expectation] { times.flatMap { schedule.expectations(at: $0) } }
}
