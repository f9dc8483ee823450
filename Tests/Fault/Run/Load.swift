/// What one link of the load does. It is the task's input as well.
public struct Step: Codable, Sendable, Equatable {
  /// Milliseconds that it takes.
  public var time: Int
  /// Attempts that fail before one doesn't.
  public var failures = 0
  /// Every attempt fails, and says that trying again can't help.
  public var fatal = false
  /// Attempts that hang until the time limit stops them.
  public var hangs = 0
  /// Kills its own worker, each time.
  public var kills = false
  /// Ends the chain, or jumps over this many links.
  public var skips = 0
  /// The limit that it opens.
  public var opens: String?

  public init(time: Int) { self.time = time }

  public static let timeLimit: Duration = .milliseconds(300)
}

public struct PlannedChain: Sendable, Equatable {
  public var id: String
  public var steps: [Step]
  public var delay = 0
  public var priority = 1
  public var lane = "-"

  public init(id: String, steps: [Step]) { (self.id, self.steps) = (id, steps) }
}

public struct PlannedGroup: Sendable, Equatable {
  public var id: String
  public var members: [PlannedChain]
  public var callback: PlannedChain
  public var limit: PlannedLimit?
}

public struct PlannedLimit: Sendable, Equatable {
  public var id: String
  public var bound: Int
  public var onTripped: PlannedChain
}

/// One thing that is submitted and acknowledged as a whole.
public struct Item: Sendable, Equatable {
  public enum Work: Sendable, Equatable {
    case chain(PlannedChain)
    case group(PlannedGroup)
  }

  public enum Cancel: String, Sendable {
    case now, afterLink
  }

  public var work: Work
  /// Asked for some items after the submission.
  public var cancel: Cancel?
}

/// An endless list of work, the same for the same seed.
public struct Load: Sendable {
  public let seed: UInt64
  /// Milliseconds after which a worker that isn't heard of is taken for dead.
  public let lease: Int
  /// Every so many items there is a chain that kills its workers; 0: there is none.
  public let killerEvery: Int

  public init(seed: UInt64, lease: Int, killerEvery: Int) {
    (self.seed, self.lease, self.killerEvery) = (seed, lease, killerEvery)
  }

  public subscript(index: Int) -> Item {
    var random = SeededGenerator(seed: seed &* 0x1_0000_0001 &+ UInt64(index))
    let name = "\(seed).\(index)"
    if killerEvery > 0, index % killerEvery == killerEvery / 2 {
      var step = Step(time: 20)
      step.kills = true
      return Item(work: .chain(PlannedChain(id: name, steps: [Step(time: 5), step, Step(time: 5)])))
    }
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<12: return Item(work: .group(group(name, limited: false, &random)))
    case 12..<16: return Item(work: .group(group(name, limited: true, &random)))
    case 16..<24:
      let cancel: Item.Cancel = random.chance(60) ? .now : .afterLink
      return Item(work: .chain(chain(name, &random)), cancel: cancel)
    default: return Item(work: .chain(chain(name, &random)))
    }
  }

  private func chain(_ id: String, _ random: inout SeededGenerator) -> PlannedChain {
    var chain = PlannedChain(
      id: id,
      steps: (0..<Int.random(in: 1...6, using: &random)).map { _ in
        Step(time: Int.random(in: 0...30, using: &random))
      })
    let at = Int.random(in: chain.steps.indices, using: &random)
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<8: chain.steps[at].time = Int.random(in: lease * 5 / 4...lease * 2, using: &random)
    case 8..<20: chain.steps[at].failures = Int.random(in: 1...3, using: &random)
    case 20..<25: chain.steps[at].fatal = true
    case 25..<28: chain.steps[at].hangs = 1
    case 28..<33: chain.steps[at].skips = Int.random(in: 1...3, using: &random)
    case 33..<45: chain.delay = Int.random(in: 100...2_000, using: &random)
    default: break
    }
    chain.priority = random.chance(20) ? Int.random(in: 0...2, using: &random) : 1
    chain.lane = random.chance(30) ? "lane\(Int.random(in: 0..<4, using: &random))" : "-"
    return chain
  }

  private func group(_ name: String, limited: Bool, _ random: inout SeededGenerator) -> PlannedGroup {
    let count = Int.random(in: limited ? 5...12 : 1...8, using: &random)
    var members = (0..<count).map { number in
      let steps = (0..<Int.random(in: 1...3, using: &random)).map { _ in
        Step(time: Int.random(in: 0...40, using: &random))
      }
      return PlannedChain(id: "\(name).\(number)", steps: steps)
    }
    for index in members.indices where random.chance(limited ? 40 : 8) {
      members[index].steps[0].fatal = true
    }
    for index in members.indices where random.chance(8) { members[index].steps[0].failures = 1 }
    var group = PlannedGroup(
      id: name, members: members,
      callback: PlannedChain(id: "\(name).settled", steps: [Step(time: 1), Step(time: 1)]))
    guard limited else { return group }
    var opening = Step(time: 20)
    opening.opens = name
    group.limit = PlannedLimit(
      id: name, bound: Int.random(in: 1...4, using: &random),
      onTripped: PlannedChain(id: "\(name).tripped", steps: [Step(time: 100), opening]))
    return group
  }
}
