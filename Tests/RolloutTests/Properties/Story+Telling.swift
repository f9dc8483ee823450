import Rollout

/// What a story came to.
struct Told {
  var decisions: Int
  var end: DeploymentState
}

/// A story that broke a rule.
struct BrokenStory: Error, CustomStringConvertible {
  var story: Story
  /// How much of it is needed.
  var violation: String

  var description: String {
    let config = (try? story.world()).map { "\($0.deployment.numbers), \($0.deployment.config)" } ?? ""
    return """
      seed \(story.seed): \(violation)
        \(config)
        shortest history found: \(story.happenings.map { "\($0)" }.joined(separator: ", "))
      """
  }
}

extension Story {
  /// Tells the story to its end.
  ///
  /// - Throws: ``BrokenStory`` with the shortest part of it that still breaks a rule.
  func tell() throws -> Told {
    do {
      return try told()
    } catch {
      throw shortened("\(error)")
    }
  }

  /// The story with everything left out that its failure does not need.
  private func shortened(_ violation: String) -> BrokenStory {
    var best = BrokenStory(story: self, violation: violation)
    var size = max(1, happenings.count / 2)
    while size >= 1 {
      var start = 0
      while start < best.story.happenings.count {
        var shorter = best.story
        shorter.happenings.removeSubrange(start..<min(start + size, shorter.happenings.count))
        do {
          _ = try shorter.told()
          start += size
        } catch {
          best = BrokenStory(story: shorter, violation: "\(error)")
        }
      }
      size /= 2
    }
    return best
  }

  private func told() throws -> Told {
    var teller = Teller(world: try world())
    try teller.perform(.start, more: 0)
    for happening in happenings {
      try teller.tell(happening)
      try teller.check()
    }
    return try teller.end(seed: seed)
  }
}

/// Makes a story happen, and looks that no rule is broken.
struct Teller {
  var world: World

  mutating func tell(_ happening: Happening) throws {
    switch happening {
    case .move(let number):
      let movable = world.movable
      guard !movable.isEmpty else { return try passTime(2_500) }
      try world.move(movable[number % movable.count])
      if number % 100 < (world.mustLook ? 90 : 60) { try world.look() }
    case .look: try world.look()
    case .time(let time): try passTime(time)
    case .act(let name, let more): try perform(name, more: more)
    case .lost: _ = try world.decided(.look)
    case .race(let name): try race(name)
    case .flag(let number):
      let host = world.name(number)
      let flagged = world.hosts[host]?.flag != nil
      world.hosts[host]?.flag = flagged ? nil : "operator: bob"
    case .toggle(let number):
      let host = world.name(number)
      if world.hosts[host]?.outByUs == false, world.chains[host]?.isOver ?? true {
        world.hosts[host]?.live.toggle()
        world.hosts[host]?.meddled = true
      }
    case .balancer: world.balancerAnswers.toggle()
    case .degrade:
      if world.isDegraded { world.degradation.restore() } else { try world.degrade() }
    case .brakeAll: world.brakeAll = world.brakeAll == nil ? "bob: fire" : nil
    case .forget(let number):
      let host = world.name(number)
      if world.chains[host]?.isOver == false {
        world.forget(host)
        world.settle(host)
      }
    case .list(let number): world.changeList(number)
    }
  }

  private mutating func passTime(_ time: Milliseconds) throws {
    world.now += time
    if let wake = world.wakes.min(), wake <= world.now { try world.look() }
  }

  /// A refusal changes nothing and says what is allowed instead.
  mutating func perform(_ name: ActionName, more: Int) throws {
    let before = world.deployment
    do {
      try world.act(name.action(more), reason: "because")
    } catch let refusal as Refusal {
      guard refusal.state == before.state || refusal.state == .braked, refusal.action == name,
        !refusal.reason.isEmpty,
        before.state.isTerminal || before.state == .revoking || !refusal.allowed.isEmpty
      else { throw Violation("\(refusal)") }
      guard world.deployment == before else { throw Violation("a refusal changed something") }
    }
    if before.state.isTerminal, world.deployment != before {
      throw Violation("something moved after \(before.state)")
    }
  }

  private mutating func race(_ name: ActionName) throws {
    let revision = world.revision
    let acted = try? world.decided(.action(name.action(2), by: "bob", reason: "race"))
    guard try world.commit(world.decided(.look), from: revision) else {
      throw Violation("the first of two was refused")
    }
    let moved = world.revision != revision
    if let acted, try world.commit(acted, from: revision) {
      guard !moved else { throw Violation("both of two were stored") }
    } else {
      try perform(name, more: 2)
    }
    if world.mustLook { try world.look() }
  }
}

extension ActionName {
  func action(_ more: Int) -> Action {
    switch self {
    case .start: .start
    case .bake: .bake
    case .rollout: .rollout
    case .pause: .pause
    case .continue: .continue
    case .brake: .brake
    case .retry: .retry
    case .resume: more % 2 == 0 ? .resume(override: Override(more: more)) : .resume(override: nil)
    case .accept: .accept
    case .abort: .abort(forced: false)
    }
  }
}
