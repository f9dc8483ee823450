/// What must become of one chain of the load.
public struct Expectation: Sendable {
  public enum End: String, Sendable, Equatable {
    case finished, dead, cancelled
  }

  public var chain: String
  public var steps: [Step]
  public var end: End
  /// Whether a cancel was asked for, which may come in time or not.
  public var mayBeCancelled = false
  /// When the queue had said yes to a cancel that was to be heard at once.
  public var cancelledAt: Moment?
  /// Not before this time, by the wall clock in microseconds.
  public var notBefore: Int64?
  /// Chains that must have ended before it begins.
  public var after: [String] = []

  public init(chain: String, steps: [Step], end: End) {
    (self.chain, self.steps, self.end) = (chain, steps, end)
  }

  /// The failure that it dies of.
  public var code = ""
  /// The chain and the link of which it is a member.
  public var parent: (chain: String, link: Int)?
  public var unique: Int?

  /// Links that run or are groups, in their order, when nothing stops the chain.
  public var path: [Int] {
    var path: [Int] = []
    var link = 0
    while link < steps.count {
      path.append(link)
      if link == deadAt { break }
      link += 1 + steps[link].skips
    }
    return path
  }

  /// The link that the chain dies at.
  public var deadAt: Int?

  public func members(_ link: Int) -> [String] {
    (steps[link].group ?? []).indices.map { "\(chain)/\(link)/\($0)" }
  }
}

extension Expectation {
  /// What must become of a chain and of all chains that are part of it.
  static func all(_ planned: PlannedChain) -> [Expectation] {
    var expected = Expectation(chain: planned.id, steps: planned.steps, end: .finished)
    expected.unique = planned.unique
    var parts: [Expectation] = []
    var failed = 0
    for (link, step) in planned.steps.enumerated() {
      // A chain that died begins no more of its groups; and its members before know nothing of it.
      if expected.deadAt != nil { break }
      if step.fatal { (expected.deadAt, expected.code) = (link, "fatal") }
      if step.kills { (expected.deadAt, expected.code) = (link, "lost") }
      guard let group = step.group else { continue }
      var members: [Expectation] = []
      for (number, steps) in group.enumerated() {
        var inner = all(PlannedChain(id: "\(planned.id)/\(link)/\(number)", steps: steps))
        inner[0].parent = (planned.id, link)
        members.append(inner[0])
        parts += inner[1...]
      }
      let bad = members.count { $0.end != .finished }
      failed += bad
      if let brake = planned.brake, failed >= brake, bad > 0 {
        (expected.deadAt, expected.code) = (link, "brake")
        for index in members.indices { members[index].mayBeCancelled = true }
      } else if bad > 0, !step.goesOn {
        (expected.deadAt, expected.code) = (link, "group")
      }
      parts += members
    }
    if expected.deadAt != nil {
      expected.end = .dead
      if planned.hasErrorCallback {
        var callback = Expectation(
          chain: planned.id + "/failed", steps: PlannedChain.errorCallback, end: .finished)
        callback.after = [planned.id]
        parts.append(callback)
      }
    }
    return [expected] + parts
  }
}

extension PlannedChain {
  public static let errorCallback = [Step(time: 1), Step(time: 1)]
}

/// What the submitter wrote down of one item.
public struct Submission: Sendable, Equatable {
  public var item: Int
  /// Just before it was first sent.
  public var asked: Moment
  /// When the queue had said yes; nil: it never did, and the item may exist or not.
  public var acknowledged: Moment?
  public var cancelled: Moment?
  /// The queue refused it, since another chain held its unique key.
  public var refused: Moment?
  /// The chain had been given up, and was put back.
  public var requeued: Moment?

  /// Whether nothing more is to be submitted of it.
  public var isSettled: Bool { acknowledged != nil || refused != nil }
}

extension Item {
  /// What follows from this item's having been acknowledged.
  public func expectations(_ submission: Submission) -> [Expectation] {
    switch work {
    case .chain(let chain):
      if submission.refused != nil { return [] }
      var all = Expectation.all(chain)
      if chain.delay > 0 { all[0].notBefore = submission.asked.wall + Int64(chain.delay) * 1_000 }
      all[0].mayBeCancelled = cancel != nil
      all[0].cancelledAt = cancel == .now ? submission.cancelled : nil
      return all
    case .group(let group):
      var callback = Expectation.all(group.callback)
      callback[0].after = group.members.map(\.id)
      var all = group.members.flatMap { Expectation.all($0) } + callback
      if let limit = group.limit, group.members.count(where: { $0.steps[0].fatal }) >= limit.bound {
        var tripped = Expectation.all(limit.onTripped)
        tripped[0].chain += ".1"
        all += tripped
      }
      return all
    }
  }
}

/// The submitter's own history.
public struct Submissions: Sendable {
  public private(set) var byItem: [Int: Submission] = [:]
  public private(set) var unread: [String] = []

  public init(_ text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 4, let item = Int(words[1]), let boot = Int64(words[2]), let wall = Int64(words[3])
      else {
        unread.append(String(line))
        continue
      }
      let moment = Moment(boot: boot, wall: wall)
      switch words[0] {
      case "T": if byItem[item] == nil { byItem[item] = Submission(item: item, asked: moment) }
      case "A": byItem[item]?.acknowledged = moment
      case "C": byItem[item]?.cancelled = moment
      case "D": byItem[item]?.refused = moment
      case "R": byItem[item]?.requeued = moment
      default: unread.append(String(line))
      }
    }
  }
}

extension HistoryFile {
  public enum SubmissionMark: String {
    case asked = "T"
    case acknowledged = "A"
    case cancelled = "C"
    case refused = "D"
    case requeued = "R"
  }

  public func mark(_ mark: SubmissionMark, item: Int) {
    let now = Moment.now
    append(mark.rawValue, item, now.boot, now.wall)
  }
}
