import Foundation
import Rollout
import SeededRandom
import Testing

/// What is told of a deployment's changes. That replaying it makes the same deployment at every moment is
/// among the properties.
@Suite struct EventTests {
  private func told(_ before: Deployment, _ after: Deployment) -> [DeploymentEvent] {
    events(from: before, to: after)
  }

  @Test func whatABastionsStartTells() throws {
    var world = World(try deployment(4, .automatic()))
    let before = world.deployment
    try world.act(.start)
    let events = told(before, world.deployment)
    #expect(events.contains(.moved(from: .pending, to: .smoking)))
    #expect(
      events.contains {
        if case .logged(let entry) = $0 { entry.what == "start" && entry.by == "ann" } else { false }
      })
    #expect(events.contains { if case .target("web-01", .pending, _) = $0 { true } else { false } })
    #expect(
      events.contains {
        if case .batch(0, .pending, let fields) = $0 { fields.state == .deploying } else { false }
      })
    #expect(told(world.deployment, world.deployment).isEmpty)
  }

  @Test func aWholeReleaseIsToldAndReplayed() throws {
    var world = World(try deployment(12, .automatic()))
    world.fate = { host, stage, attempt in
      attempt == 1 && ["web-02", "web-07"].contains(host) && stage == .verify ? .fails(.script) : .works
    }
    var history = events(from: nil, to: world.deployment)
    func note(_ before: Deployment) { history += told(before, world.deployment) }
    var before = world.deployment
    try world.act(.start)
    note(before)
    for _ in 0..<5_000 where !world.deployment.state.isTerminal {
      before = world.deployment
      if world.mustLook {
        try world.look()
      } else if let host = world.movable.first {
        try world.move(host)
        try world.look()
      } else if world.deployment.state == .braked {
        try world.act(.retry)
      } else {
        world.now += 1_000
        try world.look()
      }
      note(before)
      #expect(replay(history) == world.deployment)
    }
    #expect(world.deployment.state == .success)
    let stored = try JSONEncoder().encode(history)
    #expect(replay(try JSONDecoder().decode([DeploymentEvent].self, from: stored)) == world.deployment)
    #expect(replay(history.dropFirst()) == nil)
  }

  /// A coordinator looks seldom, and what it learns then happened before.
  @Test func serversAreReplayedAtTheStagesWhereTheyWere() throws {
    var world = World(try deployment(12, .automatic()))
    world.fate = { host, stage, attempt in
      attempt == 1 && ["web-02", "web-07"].contains(host) && stage == .verify ? .fails(.script) : .works
    }
    var tellings = [Telling(at: world.now, events: events(from: nil, to: world.deployment))]
    var truth: [(at: Milliseconds, host: String, state: TargetState)] = []
    func changing(_ change: () throws -> Void) rethrows {
      let before = world.deployment
      try change()
      tellings.append(Telling(at: world.now, events: told(before, world.deployment)))
    }
    try changing { try world.act(.start) }
    var dice = SeededGenerator(seed: 7)
    for _ in 0..<5_000 where !world.deployment.state.isTerminal {
      world.now += 1
      if world.mustLook {
        try changing { try world.look() }
      } else if let host = world.movable.randomElement(using: &dice) {
        try world.move(host)
        switch world.chains[host]?.progress {
        case .running(let stage): truth.append((world.now, host, .running(stage)))
        case .between(let stage): truth.append((world.now, host, .succeeded(stage)))
        case .failed(let stage, _): truth.append((world.now, host, .failed(stage)))
        // It was only asked, and has made no step.
        case .skipped: truth.remove(at: truth.lastIndex { $0.host == host }!)
        default: break
        }
      } else if world.deployment.state == .braked {
        try changing { try world.act(.retry) }
      } else {
        world.now += 1_000
        try changing { try world.look() }
      }
    }
    #expect(world.deployment.state == .success)
    #expect(truth.count > 100)
    for (at, host, state) in truth {
      let seen = replay(tellings, at: at)?.targets.first { $0.host == host }
      #expect(seen?.state == state, "\(host) at \(at)")
      #expect(seen?.failure == nil || state.isFailure)
    }
    // Each step is told once, where the one before led.
    var history = Replaying()
    var steps: [TargetStep] = []
    for event in tellings.flatMap(\.events) {
      if case .target(let host, _, let target) = event { steps += target.steps(since: history.target(host)) }
      history.apply(event)
    }
    #expect(Set(steps.map { "\($0.host) \($0.at) \($0.to)" }).count == steps.count)
    for (at, host, state) in truth {
      #expect(steps.contains { $0.at == at && $0.host == host && $0.to == state }, "\(host) \(state)")
    }
    #expect(replay(tellings, at: world.now) == world.deployment)
    #expect(replay(tellings, at: tellings[0].at - 1) == nil)
  }

  @Test func aReplacedBastionIsToldAsAnArrangement() throws {
    var world = World(try deployment(4, .automatic()))
    world.fate = { host, stage, _ in host == "web-01" && stage == .verify ? .fails(.script) : .works }
    try world.act(.start)
    try world.run()
    world.hosts["web-01"]?.flag = "operator: bob"
    let before = world.deployment
    try world.act(.retry)
    let events = told(before, world.deployment)
    #expect(
      events.contains {
        if case .arranged(let batches) = $0 { batches[0].hosts == ["web-01", "web-02"] } else { false }
      })
    var replaying = Replaying()
    for event in [.created(before)] + events { replaying.apply(event) }
    #expect(replaying.deployment == world.deployment)
  }
}
