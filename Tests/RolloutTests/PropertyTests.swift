import Foundation
import Rollout
import Testing

/// Random fleets, failures and people, driven through the decisions against a small world that keeps score.
@Suite struct PropertyTests {
  /// Releases in each of the eight parts; `DRAWBAR_RELEASES` asks for more.
  static let releases = ProcessInfo.processInfo.environment["DRAWBAR_RELEASES"].flatMap { UInt64($0) } ?? 60

  /// Each seed is a release of its own; a failure names it.
  @Test(arguments: 0..<8) func whatMustNeverHappen(part: UInt64) throws {
    var decisions = 0
    for seed in (part * Self.releases)..<((part + 1) * Self.releases) {
      do {
        decisions += try release(seed: seed)
      } catch {
        Issue.record("seed \(seed): \(error)")
      }
    }
    #expect(decisions > 60 * Int(Self.releases), "too few decisions to mean anything")
  }

  private func release(seed: UInt64) throws -> Int {
    var random = SeededGenerator(seed: seed)
    var world = try makeWorld(&random)
    try perform(.start, &world)
    for _ in 0..<Int.random(in: 20...400, using: &random) {
      try step(&world, &random)
      try check(world)
    }
    // People go home: all that can happen by itself does, and then it ended or waits for a person.
    world.brakeAll = nil
    world.balancerAnswers = true
    world.fate = { _, _, _ in .works }
    try world.run()
    try check(world)
    guard world.underWay.isEmpty else { throw Violation("it rests while \(world.underWay) run") }
    switch world.deployment.state {
    case .smoking, .baking, .revoking: throw Violation("it rests in \(world.deployment.state)")
    case .rollingOut where !world.deployment.allowed.contains(.continue):
      throw Violation("it rests in ROLLING_OUT and waits for nobody")
    default: break
    }
    // An abort always ends.
    if !world.deployment.state.isTerminal {
      try world.act(.abort(forced: random.chance(30)))
      try world.run()
      guard world.deployment.state == .revoked else {
        throw Violation("an abort ended in \(world.deployment.state)")
      }
      guard world.deployment.revoking?.leftOut == world.deployment.targets.filter(\.out).map(\.host).sorted()
      else { throw Violation("what was left out is not listed") }
    }
    try decidesTheSameTwice(world)
    return world.decisions
  }

  private func makeWorld(_ random: inout SeededGenerator) throws -> World {
    let n = Int.random(in: 1...24, using: &random)
    var config = DeploymentConfig.automatic(
      ratio: Int.random(in: 1...50, using: &random),
      brake: random.chance(50) ? Int.random(in: 1...100, using: &random) : nil,
      bastion: random.chance(75), wait: random.chance(50) ? 5_000 : 0,
      list: random.chance(25) ? [.count(1), .percent(Int.random(in: 1...60, using: &random))] : nil,
      minInService: random.chance(30) ? .count(Int.random(in: 0...max(1, n / 2), using: &random)) : nil)
    if random.chance(40) { config.gates.bake = .manual }
    if random.chance(40) { config.gates.rollout = .manual }
    if random.chance(20) { config.gates.batches = .manual }
    if random.chance(20) { config.batchDeadline = 60_000 }
    config.stageDeadline = 20_000
    var servers = fleet(n)
    for index in servers.indices {
      servers[index].site = random.chance(50) ? "east" : "west"
      servers[index].inService = !random.chance(10)
    }
    let plan = try makePlan(servers: servers, config: config, production: true)
    let live = Set(servers.filter { $0.inService == true }.map(\.host))
    var world = World(deployment(plan)) { live.contains($0) }
    let (salt, rate) = (random.next(), Int.random(in: 0...40, using: &random))
    world.fate = { host, stage, attempt in
      var dice = SeededGenerator(
        seed: salt &+ UInt64(attempt) &* 131 &+ UInt64(stage.index) &* 31
          &+ host.utf8.reduce(0) { $0 &* 17 &+ UInt64($1) })
      guard dice.chance(rate / 4 + 1) else { return .works }
      return dice.chance(20) ? .hangs : .fails(.script)
    }
    return world
  }

  private func step(_ world: inout World, _ random: inout SeededGenerator) throws {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<70:
      if let host = world.movable.randomElement(using: &random) {
        try world.move(host)
      } else {
        try passTime(&world)
      }
      if random.chance(world.mustLook ? 80 : 40) { try world.look() }
    case 70..<78: try world.look()
    case 78..<84: try passTime(&world)
    case 84..<93: try perform(randomAction(&random), &world)
    case 93..<95:
      // Somebody pulls a server out, or in.
      if let host = world.hosts.keys.sorted().randomElement(using: &random) {
        let pulledOut = world.hosts[host]?.flag != nil
        world.hosts[host]?.flag = pulledOut ? nil : "operator: bob"
      }
    case 95..<97:
      // A server that we left in service goes down by itself, or comes back.
      let steady = world.hosts.filter { !$0.value.outByUs && !world.underWay.contains($0.key) }.keys.sorted()
      if let host = steady.randomElement(using: &random) { world.hosts[host]?.live.toggle() }
    case 97: world.balancerAnswers.toggle()
    case 98: world.brakeAll = world.brakeAll == nil ? "bob: fire" : nil
    default: break
    }
  }

  private func passTime(_ world: inout World) throws {
    world.now += 2_500
    if let wake = world.wakes.min(), wake <= world.now { try world.look() }
  }

  private func randomAction(_ random: inout SeededGenerator) -> Action {
    let actions: [Action] = [
      .bake, .rollout, .pause, .continue, .continue, .retry, .retry, .brake, .resume(override: nil),
      .resume(override: Override(more: 2)), .accept, .abort(forced: false), .start,
    ]
    let action = actions.randomElement(using: &random)!
    return action == .abort(forced: false) && random.chance(80) ? .retry : action
  }

  /// A refusal changes nothing and says what is allowed instead.
  private func perform(_ action: Action, _ world: inout World) throws {
    let state = world.deployment.state
    do {
      try world.act(action, reason: "because")
    } catch let refusal as Refusal {
      guard refusal.state == state, refusal.action == action.name, !refusal.reason.isEmpty,
        state.isTerminal || state == .revoking || !refusal.allowed.isEmpty
      else { throw Violation("\(refusal)") }
    }
  }

  private func check(_ world: World) throws {
    try world.checkBound()
    let deployment = world.deployment
    let hosts = deployment.targets.map(\.host)
    guard Set(hosts).count == hosts.count else { throw Violation("a server is in the plan twice") }
    if deployment.rolloutOpenedAt == nil,
      world.history.contains(where: { deployment.batches[$0.batch].kind == .rolling })
    {
      throw Violation("a rolling batch ran before the roll-out was opened")
    }
    if deployment.state.isTerminal, deployment.isTerminalAndRuns {
      throw Violation("it ended with work under way")
    }
  }

  /// Looking again at the same facts changes nothing and does nothing new but wait.
  private func decidesTheSameTwice(_ world: World) throws {
    let decision = try decide(world.deployment, .look, world.situation)
    guard decision.deployment == world.deployment else { throw Violation("a second look changed something") }
    for effect in decision.effects {
      guard case .wake = effect else { throw Violation("a second look did \(effect)") }
    }
  }
}

extension Deployment {
  fileprivate var isTerminalAndRuns: Bool { !underWay.isEmpty }
}
