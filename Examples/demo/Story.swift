import Console
import DemoFleet
import RollEngine
import Rollout

/// What the demo shows, one release after another, and what it promises of each.
struct Story: Sendable {
  let house: House
  let terminal: Terminal
  private(set) var report = Report()
  private var clock = StageClock()
  private var promises: [(text: String, kept: Bool)] = []

  init(_ house: House, _ terminal: Terminal) {
    self.house = house
    self.terminal = terminal
  }

  /// Whether everything came as it was promised.
  var promisesKept: Bool { promises.allSatisfy(\.kept) }

  mutating func tell() async throws {
    // The load outlives each release: a request that fails between two of them counts as well.
    self = try await house.load.run { [self] in
      var story = self
      try await story.acts()
      return story
    }
    countRequests()
    report.stages = clock.times
    report.targetsByVersion = try await house.fleet.runningVersions().values
      .reduce(into: [:]) { $0[$1, default: 0] += 1 }
    promise("every server runs version 2", report.targetsByVersion == ["2": house.fleet.servers.count])
    promise("no request failed in any phase", report.requestsFailed == 0)
    terminal.show([Line(), Line("What it came to", .bold), Line()] + report.lines + [Line()])
    for promise in promises {
      terminal.show(promise.kept ? Line("✔ ", .green) + Line(promise.text) : Line("✘ \(promise.text)", .red))
    }
  }

  private mutating func acts() async throws {
    _ = try await house.fleet.publish("2")
    let second = try await release(
      "2", "A good version: the bastion first, its bake, then batches of 25 %.")
    promise("release 2 ended in SUCCESS", second.state == .success)

    _ = try await house.fleet.publish("3", broken: .everywhere)
    let third = try await release("3", "A version that becomes healthy nowhere: it ends at the bastion.")
    promise("release 3 ended at the bastion: SMOKE_FAILURE", third.state == .smokeFailure)
    promise("release 3 touched no other server", third.touched.count == 1)
    let back = try await rollBack(third)
    promise("its bastion was rolled back", back.state == .success && back.touched == third.touched)

    let casting = Casting(try await house.releases.preview(group: DemoFleet.app, version: "2"))
    _ = try await house.fleet.publish("4", broken: .on(casting.failing))
    let fourth = try await release(
      "4", "A version that passes on the bastion and fails on \(casting.failing.joined(separator: ", ")).")
    promise(
      "the brake stopped release 4 at \(fourth.limit) failed",
      fourth.state == .braked && fourth.targets.count(where: \.state.isFailure) == fourth.limit)
    promise(
      "\(casting.touched.count) servers were touched, \(house.fleet.servers.count - casting.touched.count) were not",
      fourth.touched == casting.touched)
    let last = try await rollBack(fourth)
    promise("what it touched was rolled back", last.state == .success && last.touched == fourth.touched)
  }

  private mutating func release(_ version: String, _ what: String) async throws -> Deployment {
    begin("release \(version)", what)
    let deployment = try await house.releases.create(
      group: DemoFleet.app, version: version, options: ReleaseOptions(start: true), by: "demo")
    return try await follow(deployment.id, as: "release \(version)")
  }

  private mutating func rollBack(_ origin: Deployment) async throws -> Deployment {
    let name = "rollback of \(origin.package.version)"
    begin(name, "Back on every server it touched, in two batches.")
    let rollback = try await house.releases.rollback(origin.id, by: "demo", reason: origin.state.rawValue)
    return try await follow(rollback.id, as: name)
  }

  private func begin(_ name: String, _ what: String) {
    house.load.begin(name)
    terminal.show([
      Line(), Line(name.prefix(1).uppercased() + name.dropFirst(), .bold) + Line("  \(what)", .faint),
    ])
  }

  /// Shows a deployment until it is at rest, and takes it into the report.
  private mutating func follow(_ id: String, as name: String) async throws -> Deployment {
    let begun = ContinuousClock.now
    var screen = Screen(terminal)
    var last: Board?
    while true {
      let view = try await house.releases.look(id)
      let board = Board(
        deployment: view.deployment, now: view.now, failures: view.failures, nextStepAt: view.nextStepAt)
      if terminal.isInteractive {
        screen.draw([loadLine] + board.lines(rows: max(10, terminal.size.rows - 6)))
      } else {
        terminal.show(Change.between(last, board).map(\.line))
      }
      last = board
      if view.isAtRest, Self.ends.contains(view.deployment.state) {
        clock.add(view.deployment)
        report.phases.append(
          Report.Phase(
            name: name, version: view.deployment.package.version, state: view.deployment.state.rawValue,
            requests: 0, requestsFailed: 0,
            targetsFailed: view.deployment.targets.count(where: \.state.isFailure),
            brakeLimit: view.deployment.limit, seconds: (ContinuousClock.now - begun) / .seconds(1)))
        return view.deployment
      }
      try await Task.sleep(for: .milliseconds(150))
    }
  }

  private static let ends: Set<DeploymentState> = [
    .success, .smokeFailure, .bakeFailure, .failure, .braked, .revoked,
  ]

  private var loadLine: Line {
    let phases = house.load.phases
    let failed = phases.reduce(0) { $0 + $1.failed }
    return Line("  load  ", .faint) + Line("\(phases.reduce(0) { $0 + $1.requests }) requests, ")
      + Line("\(failed) failed", failed == 0 ? .green : .red)
  }

  /// The load's phases are the report's; what came before the first counts for it.
  private mutating func countRequests() {
    for phase in house.load.phases {
      let index = report.phases.firstIndex { $0.name == phase.name } ?? 0
      guard report.phases.indices.contains(index) else { continue }
      report.phases[index].requests += phase.requests
      report.phases[index].requestsFailed += phase.failed
      for failure in phase.failures {
        terminal.show(Line("\(phase.name): a request failed: \(failure)", .red))
      }
    }
  }

  private mutating func promise(_ text: String, _ kept: Bool) {
    promises.append((text, kept))
  }
}

extension Deployment {
  fileprivate var targets: [Target] { batches.flatMap(\.targets) }
  fileprivate var touched: Set<String> { Set(targets.filter(\.touched).map(\.host)) }
}
