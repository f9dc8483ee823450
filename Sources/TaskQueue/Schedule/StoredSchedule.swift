import FoundationEssentials

/// A schedule as it is stored: JSON, with names of its own, so that the library's types may change under it.
struct StoredSchedule: Codable {
  var trigger: ScheduleTrigger
  var missed: Schedule.Missed
  var overlap: Schedule.Overlap
  var jitter: Int
  var endsAt: Int64?
  var chain: StoredChain

  /// - Throws: ``InvalidSchedule`` for inputs that are no UTF-8.
  init(_ schedule: Schedule) throws(InvalidSchedule) {
    trigger = schedule.trigger
    missed = schedule.missed
    overlap = schedule.overlap
    jitter = schedule.jitter.milliseconds
    endsAt = schedule.endsAt
    do { chain = try StoredChain(schedule.chain) } catch {
      throw InvalidSchedule(id: schedule.id, reason: "an input of its chain is no UTF-8")
    }
  }

  func schedule(_ id: ScheduleID) throws -> Schedule {
    try Schedule(
      id: id, trigger: trigger, chain: chain.chain(), missed: missed, overlap: overlap,
      jitter: .milliseconds(jitter), endsAt: endsAt)
  }

  /// - Throws: what it can't read, in words.
  static func decode(_ bytes: [UInt8], _ id: ScheduleID) throws -> Schedule {
    do {
      return try JSONDecoder().decode(StoredSchedule.self, from: Data(bytes)).schedule(id)
    } catch let error as DecodingError {
      throw StoredLink.Unreadable(what: "\(error)")
    }
  }

  static func json(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value))
  }
}

/// What of a schedule says when it fires. While it is the same, the next time stays.
struct StoredTimes: Codable {
  var trigger: ScheduleTrigger
  var endsAt: Int64?
}

struct StoredChain: Codable {
  var queue: String
  var lane: String
  var priority: Priority
  var delay: Int?
  var shared: String?
  var links: [StoredLink]
  var expiresAfter: Int?
  var unique: StoredUnique?
  var keptFor: Int?
  var onFailure: [StoredLink]?
  var headers: [String: String]?
  var brake: Int?

  init(_ chain: Chain) throws(StoredLink.NotText) {
    queue = chain.queue.rawValue
    lane = chain.lane
    priority = chain.priority
    delay = chain.delay > .zero ? chain.delay.milliseconds : nil
    shared = chain.shared.isEmpty ? nil : try StoredLink.text(chain.shared)
    links = try chain.links.map(StoredLink.init)
    expiresAfter = chain.expiresAfter?.milliseconds
    unique = chain.unique.map(StoredUnique.init)
    keptFor = chain.keptFor?.milliseconds
    onFailure = chain.onFailure.isEmpty ? nil : try chain.onFailure.map(StoredLink.init)
    headers = chain.headers.isEmpty ? nil : chain.headers
    brake = chain.brake
  }

  func chain() throws -> Chain {
    var chain = try Chain(
      id: ChainID(trusted: "template"), queue: QueueName(queue), lane: lane, priority: priority,
      delay: .milliseconds(delay ?? 0), shared: Array((shared ?? "").utf8), links: links.map { try $0.link() }
    )
    chain.expiresAfter = expiresAfter.map { .milliseconds($0) }
    chain.unique = try unique?.unique()
    chain.keptFor = keptFor.map { .milliseconds($0) }
    chain.onFailure = try (onFailure ?? []).map { try $0.link() }
    chain.headers = headers ?? [:]
    chain.brake = brake
    return chain
  }
}

struct StoredUnique: Codable {
  var key: String
  /// `queued`, `ended`, or milliseconds.
  var span: String

  init(_ unique: Unique) {
    key = unique.key.rawValue
    span =
      switch unique.span {
      case .whileQueued: "queued"
      case .untilEnded: "ended"
      case .lasting(let time): "\(time.milliseconds)"
      }
  }

  func unique() throws -> Unique {
    let key = try Identifier<Gate>(key)
    switch span {
    case "queued": return Unique(key, .whileQueued)
    case "ended": return Unique(key, .untilEnded)
    default:
      guard let time = Int(span) else { throw StoredLink.Unreadable(what: "unique: \(span)") }
      return Unique(key, .lasting(.milliseconds(time)))
    }
  }
}
