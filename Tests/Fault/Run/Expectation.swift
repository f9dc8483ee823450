/// What must become of one chain of the load.
public struct Expectation: Sendable, Equatable {
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

  init(_ planned: PlannedChain) {
    let end: End = planned.steps.contains { $0.fatal || $0.kills } ? .dead : .finished
    self.init(chain: planned.id, steps: planned.steps, end: end)
  }

  /// Links that run, in their order, when nothing stops the chain.
  public var path: [Int] {
    var path: [Int] = []
    var link = 0
    while link < steps.count {
      path.append(link)
      if steps[link].fatal || steps[link].kills { break }
      link += 1 + steps[link].skips
    }
    return path
  }
}

/// What the submitter wrote down of one item.
public struct Submission: Sendable, Equatable {
  public var item: Int
  /// Just before it was first sent.
  public var asked: Moment
  /// When the queue had said yes; nil: it never did, and the item may exist or not.
  public var acknowledged: Moment?
  public var cancelled: Moment?
}

extension Item {
  /// What follows from this item's having been acknowledged.
  public func expectations(_ submission: Submission) -> [Expectation] {
    switch work {
    case .chain(let chain):
      var expected = Expectation(chain)
      if chain.delay > 0 { expected.notBefore = submission.asked.wall + Int64(chain.delay) * 1_000 }
      expected.mayBeCancelled = cancel != nil
      expected.cancelledAt = cancel == .now ? submission.cancelled : nil
      return [expected]
    case .group(let group):
      var callback = Expectation(group.callback)
      callback.after = group.members.map(\.id)
      var all = group.members.map { Expectation($0) } + [callback]
      if let limit = group.limit, group.members.count(where: { $0.steps[0].fatal }) >= limit.bound {
        var tripped = Expectation(limit.onTripped)
        tripped.chain += ".1"
        all.append(tripped)
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
  }

  public func mark(_ mark: SubmissionMark, item: Int) {
    let now = Moment.now
    append(mark.rawValue, item, now.boot, now.wall)
  }
}
