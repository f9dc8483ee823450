import RedisClient

/// A chain with everything that is kept of it: for people who look, and for tools that show it.
public struct ChainInspection: Sendable {
  public struct Link: Sendable {
    public enum Work: Sendable, Equatable {
      case task(String)
      case group(GroupID)
      /// The chain's links were written by another version, and can't be read here.
      case unreadable
    }

    public let index: Int
    public let work: Work
    /// Where it waits, if not in its chain's queue.
    public let queue: QueueName?
    /// How it ended; nil for one that did not run, or not yet.
    public let outcome: ChainStatus.LinkOutcome?
    /// Its result as JSON, where one is kept in the chain.
    public let result: [UInt8]?
  }

  public let status: ChainStatus
  public let priority: Priority
  public let lane: String
  /// The group that it is a member of.
  public let group: GroupID?
  public let links: [Link]
  public let headers: [String: String]
  /// The key of which it is the only chain, if it has one.
  public let unique: String?
  /// Whom it follows, if it is an error callback.
  public let cause: ChainID?
  /// The group that runs when it is given up.
  public let onFailure: GroupID?
  /// When it is to go on, for one that waits for a time: server's milliseconds.
  public let dueAt: Int64?
  /// How many lines its tasks wrote, of those that are kept.
  public let lines: Int
}

/// A group: how many of its members have ended, and how they stand.
public struct GroupInspection: Sendable {
  public let id: GroupID
  public let size: Int
  /// Members that have not ended.
  public let left: Int
  /// Members that were given up.
  public let failed: Int
  /// Members that did not end well: given up or cancelled.
  public let bad: Int
  /// nil while it is being staged.
  public let sealedAt: Int64?
  public let settledAt: Int64?
  /// The chain whose link it is.
  public let waiting: ChainID?
  public let limit: LimitID?
  /// The first member that did not end well, and why.
  public let why: String?
  /// Without their outcomes. Of a group of its own, which has no workflow, only those that have not ended: nothing
  /// lists the others.
  public let members: [ChainStatus]
}

extension Queue {
  /// Reads one chain with all that is kept of it; nil where there is none.
  public func inspect(_ chain: ChainID) async throws -> ChainInspection? {
    let answers = try await ask([
      RedisCommand("HGETALL", .string(broker.key(chain: chain))),
      RedisCommand("LLEN", .string(broker.key("log:\(chain)"))),
    ])
    guard let fields = answers[0].pairs, let status = ChainStatus(id: chain, fields: fields) else {
      return nil
    }
    let due =
      status.state == .due
      ? try await ask([RedisCommand("ZSCORE", .string(broker.key("due")), "\(chain):\(status.generation)")])
      : []
    return ChainInspection(
      status, fields, dueAt: due.first?.int.map { Int64($0) }, lines: answers[1].int ?? 0)
  }

  /// Reads a group and how its members stand; nil where there is none, or its retention is over.
  ///
  /// - Parameter most: so many members are read at most.
  public func inspect(group: GroupID, most: Int = 10_000) async throws -> GroupInspection? {
    let answer = try await broker.redis.send(
      RedisCommand(
        "HMGET", .string(broker.key(group: group)), "size", "left", "failed", "bad", "sealed", "fired", "up",
        "limit", "why"))
    guard let fields = answer.array, fields.count == 9, let size = fields[0].int else { return nil }
    let waiting = fields[6].string.map { ChainID(trusted: $0) }
    let ids: [ChainID]
    if waiting != nil {
      ids = (0..<min(size, most)).map { ChainID(trusted: "\(group)/\($0)") }
    } else if group.rawValue.hasSuffix("/failed"), size == 1 {
      ids = [ChainID(trusted: group.rawValue)]
    } else {
      ids = try await scan("SSCAN", "m:\(group)", most: most).map { ChainID(trusted: $0) }
    }
    return GroupInspection(
      id: group, size: size, left: fields[1].int ?? 0, failed: fields[2].int ?? 0, bad: fields[3].int ?? 0,
      sealedAt: fields[4].int.map { Int64($0) }, settledAt: fields[5].int.map { Int64($0) },
      waiting: waiting, limit: fields[7].string.map { LimitID(trusted: $0) }, why: fields[8].string,
      members: try await brief(ids).compactMap(\.self))
  }

  /// How chains stand, without their links, results and outcomes: little to read even for very many.
  func brief(_ chains: [ChainID]) async throws -> [ChainStatus?] {
    let names = ["v", "d", "a", "k", "e", "E", "N", "C", "pr"]
    var statuses: [ChainStatus?] = []
    for start in stride(from: 0, to: chains.count, by: 1_000) {
      let slice = chains[start..<min(start + 1_000, chains.count)]
      let answers = try await ask(
        slice.map { RedisCommand("HMGET", [.string(broker.key(chain: $0))] + names.map { .string($0) }) })
      for (id, answer) in zip(slice, answers) {
        let fields = zip(names, answer.array ?? []).filter { !$0.1.isNull }
        statuses.append(
          ChainStatus(id: id, fields: Dictionary(fields, uniquingKeysWith: { first, _ in first })))
      }
    }
    return statuses
  }

  /// The members of a set, or the fields of a hash, read in steps that never keep Redis for long.
  func scan(_ command: String, _ key: String, most: Int) async throws -> [String] {
    var found: Set<String> = []
    var cursor = "0"
    repeat {
      let page = try await broker.redis.send(
        RedisCommand(command, .string(broker.key(key)), .string(cursor), "COUNT", 500))
      guard let items = page.array, items.count == 2, let next = items[0].string else {
        throw Broker.malformed(command)
      }
      cursor = next
      let names = items[1].array ?? []
      for at in stride(from: 0, to: names.count, by: command == "HSCAN" ? 2 : 1) {
        if let name = names[at].string { found.insert(name) }
      }
    } while cursor != "0" && found.count < most
    return found.sorted().prefix(most).map(\.self)
  }
}

extension ChainInspection {
  init(_ status: ChainStatus, _ fields: [String: RedisValue], dueAt: Int64?, lines: Int) {
    self.status = status
    self.dueAt = dueAt
    self.lines = lines
    // d: queue level lane keep/keepDead group number limit created
    let words = fields["d"]?.string?.split(separator: " ").map(String.init) ?? []
    func word(_ index: Int) -> String? {
      words.indices.contains(index) && words[index] != "~" ? words[index] : nil
    }
    priority = word(1).flatMap { Int($0) }.flatMap(Priority.init(rawValue:)) ?? .normal
    lane = word(2) ?? "-"
    group = word(4).map { GroupID(trusted: $0) }
    let spec = fields["S"]?.bytes.flatMap { Spec($0) }
    headers = spec.map { Spec.headers($0.headers) } ?? [:]
    unique = fields["U"]?.string?.split(separator: "|").dropFirst().first.map(String.init)
    cause = fields["O"]?.string.map { ChainID(trusted: $0) }
    onFailure = fields["F"]?.string.map { GroupID(trusted: $0) }
    links = (0..<status.linkCount).map { index in
      let plan = LinkPlan(fields["p\(index)"]?.string ?? "")
      let step = spec.flatMap { $0.steps.indices.contains(index) ? $0.steps[index] : nil }
      let work: Link.Work =
        if let group = plan.group { .group(group) } else { step.map { .task($0.task) } ?? .unreadable }
      return Link(
        index: index, work: work, queue: plan.queue, outcome: status.outcomes[index],
        result: fields["R\(index)"]?.bytes)
    }
  }
}

/// What the scripts know of a link, as `chain.lua` reads it: `q|queue|level;d|ms;k|key|at most;t|…;g|group`.
struct LinkPlan {
  var queue: QueueName?
  var level: Int?
  var key: String?
  var group: GroupID?

  init(_ text: String) {
    for part in text.split(separator: ";") {
      let words = part.split(separator: "|").map(String.init)
      guard words.count > 1 else { continue }
      switch words[0] {
      case "q": (queue, level) = (QueueName(trusted: words[1]), words.count > 2 ? Int(words[2]) : nil)
      case "k": key = words[1]
      case "g": group = GroupID(trusted: words[1])
      default: break
      }
    }
  }
}
