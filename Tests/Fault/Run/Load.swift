import SeededRandom

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
  /// Fails as a fatal one does, until the submitter has put its chain back.
  public var heals = false
  /// Takes the results of the group before it.
  public var collects = false
  /// Chains that run side by side: then this is no task but a group.
  public var group: [[Step]]?
  /// What the chain does when one of them fails.
  public var goesOn = false
  /// A key under which no more than ``atMost`` links run at once.
  public var key: Int?
  /// Whether it runs on the queue `other`.
  public var elsewhere = false
  /// Milliseconds between the link before and this one.
  public var wait = 0

  public init(time: Int) { self.time = time }

  public static let atMost = 2
  public static let timeLimit: Duration = .milliseconds(300)
}

public struct PlannedChain: Sendable, Equatable {
  public var id: String
  public var steps: [Step]
  public var delay = 0
  public var priority = 1
  public var lane = "-"
  /// Chains that name the same one don't live at the same time.
  public var unique: Int?
  /// Failed members after which no more are started.
  public var brake: Int?
  /// Whether another chain follows its death.
  public var hasErrorCallback = false

  public var heals: Bool { steps.contains { $0.heals } }

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
    case 24..<36: return Item(work: .chain(workflow(name, &random)))
    case 36..<40:
      var chain = chain(name, &random)
      for index in chain.steps.indices { chain.steps[index] = Step(time: 5) }
      chain.steps[Int.random(in: chain.steps.indices, using: &random)].heals = true
      return Item(work: .chain(chain))
    case 40..<46:
      var chain = chain(name, &random)
      chain.unique = Int.random(in: 0..<4, using: &random)
      return Item(work: .chain(chain))
    default: return Item(work: .chain(chain(name, &random)))
    }
  }

  /// Groups within a chain, at most two deep.
  private func workflow(_ id: String, _ random: inout SeededGenerator) -> PlannedChain {
    var collecting = Step(time: 5)
    collecting.collects = true
    func grouped(_ depth: Int, _ failing: Int, _ random: inout SeededGenerator) -> Step {
      var step = Step(time: 0)
      step.goesOn = random.chance(50)
      step.group = (0..<Int.random(in: 1...5, using: &random)).map { _ in
        var member = (0..<Int.random(in: 1...2, using: &random)).map { _ in
          Step(time: Int.random(in: 0...30, using: &random))
        }
        if random.chance(failing) { member[0].fatal = true }
        if random.chance(10) { member[0].failures = 1 }
        if random.chance(10) { member[0].key = Int.random(in: 0..<3, using: &random) }
        if depth < 2, random.chance(25) {
          member.append(grouped(depth + 1, failing, &random))
          member.append(collecting)
        }
        return member
      }
      return step
    }
    let failing = random.chance(50) ? 0 : 15
    var steps = random.chance(50) ? [Step(time: 5)] : []
    steps.append(grouped(1, failing, &random))
    steps.append(collecting)
    if random.chance(30) { steps.append(grouped(1, failing, &random)) }
    var chain = PlannedChain(id: id, steps: steps)
    chain.hasErrorCallback = random.chance(50)
    if random.chance(20) {
      chain.brake = Int.random(in: 1...3, using: &random)
      // What a brake counts is the members of the chain's own groups.
      for index in chain.steps.indices {
        chain.steps[index].group = chain.steps[index].group.map {
          $0.map { $0.filter { $0.group == nil && !$0.collects } }
        }
      }
    }
    return chain
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
    case 45..<55: chain.steps[at].key = Int.random(in: 0..<3, using: &random)
    case 55..<65: chain.steps[at].elsewhere = true
    case 65..<70: chain.steps[at].wait = Int.random(in: 50...500, using: &random)
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
