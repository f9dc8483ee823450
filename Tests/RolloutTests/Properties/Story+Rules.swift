import Foundation
import Rollout
import SeededRandom

/// What must hold at every moment, and at the end.
extension Teller {
  func check() throws {
    let deployment = world.deployment
    if deployment.rolloutOpenedAt == nil, world.rollingRan {
      throw Violation("a rolling batch ran before the roll-out was opened")
    }
    if deployment.state.isTerminal, !deployment.underWay.isEmpty {
      throw Violation("it ended with work under way")
    }
  }

  /// People go home: all that can happen by itself does. Then it has ended or waits for a person; and
  /// whatever an abort finds, it ends.
  mutating func end(seed: UInt64) throws -> Told {
    var random = SeededGenerator(seed: seed &+ 99)
    world.workersAreGone = random.chance(20)
    if !world.workersAreGone {
      world.brakeAll = nil
      world.balancerAnswers = true
      world.degradation.restore()
      world.fate = { _, _, _ in .works }
    }
    // Without workers it comes to rest by its deadlines; or an abort finds it before.
    if !world.workersAreGone || random.chance(50) {
      try world.run()
      try check()
      try checkRest()
    }
    let end = world.deployment.state
    try checkPlan()
    if !world.deployment.state.isTerminal {
      if world.deployment.state != .revoking { try perform(.abort, more: 0) }
      if random.chance(30), world.deployment.allowed == [.abort] {
        try world.act(.abort(forced: true), reason: "because")
      }
      let from = world.now
      try world.run()
      guard world.deployment.state == .revoked else {
        throw Violation("an abort ended in \(world.deployment.state)")
      }
      guard world.now - from <= world.deployment.config.revokeDeadline else {
        throw Violation("an abort outlived its deadline")
      }
      let out = world.deployment.targets.filter(\.out).map(\.host).sorted()
      guard let revoking = world.deployment.revoking, revoking.leftOut == out,
        Set(revoking.owed).isSubset(of: out)
      else { throw Violation("what was left out is not listed") }
    }
    try checkNothingForgotten()
    try decidesTheSameTwice()
    if seed % 16 == 0 { try survivesBeingStored() }
    return Told(decisions: world.decisions, end: end)
  }

  private func checkRest() throws {
    guard world.underWay.isEmpty else { throw Violation("it rests while \(world.underWay) run") }
    switch world.deployment.state {
    case .smoking, .baking, .revoking: throw Violation("it rests in \(world.deployment.state)")
    case .rollingOut where !world.deployment.allowed.contains(.continue):
      throw Violation("it rests in ROLLING_OUT and waits for nobody")
    case .success: try checkSuccess()
    default: break
    }
  }

  /// SUCCESS means that every server that was not excluded runs the version.
  private func checkSuccess() throws {
    for target in world.deployment.targets where target.state != .excluded {
      guard target.state.isGood, let host = world.hosts[target.host],
        host.onVersion || world.deployment.dayTwo != nil
      else {
        throw Violation("SUCCESS although \(target.host) is \(target.state) and not on the version")
      }
      guard
        host.live || host.flag != nil || host.meddled || target.out
          || (target.wasOut && world.deployment.dayTwo?.drained == false)
      else {
        throw Violation("SUCCESS although \(target.host) is out of service")
      }
    }
  }

  /// Every server that we took out and did not put back says so in its target.
  private func checkNothingForgotten() throws {
    for target in world.deployment.targets {
      if let host = world.hosts[target.host], host.outByUs, !host.live, !target.out {
        throw Violation("\(target.host) is out through us, and its target doesn't say so")
      }
    }
  }

  /// Batches share the servers out: each in one place, none lost, none made up.
  private func checkPlan() throws {
    let hosts = world.deployment.targets.map(\.host)
    guard Set(hosts).count == hosts.count else { throw Violation("a server is in the plan twice") }
    guard Set(hosts).isSuperset(of: world.planned), Set(hosts).isSubset(of: Set(world.hosts.keys)) else {
      throw Violation("the plan lost or made up a server")
    }
    guard world.deployment.numbers == world.numbers else { throw Violation("n, M or L changed") }
  }

  /// Looking again at the same facts changes nothing and does nothing new but wait.
  private mutating func decidesTheSameTwice() throws {
    let decision = try world.decided(.look)
    guard decision.deployment == world.deployment else { throw Violation("a second look changed something") }
    for effect in decision.effects {
      guard case .wake = effect else { throw Violation("a second look did \(effect)") }
    }
  }

  private func survivesBeingStored() throws {
    let stored = try JSONEncoder().encode(world.deployment)
    guard try JSONDecoder().decode(Deployment.self, from: stored) == world.deployment else {
      throw Violation("it differs after being stored")
    }
  }
}
