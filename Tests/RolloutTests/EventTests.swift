import Foundation
import Rollout
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
