import Delivery
import DemoFleet
import Fleet
import RollEngine
import Rollout
import TestSupport
import Testing

/// Releases whose workers and coordinators are killed, each at several moments of one release.
@Suite(.serialized) struct DeathTests {
  enum Victim: String, CaseIterable, CustomTestStringConvertible {
    case worker, coordinator, both
    var testDescription: String { rawValue }
  }

  /// In each of the first rolling batches, as soon as one of its servers is seen in this stage or beyond.
  static let moments: [Stage] = [.install, .verify, .markup]

  @Test(arguments: Victim.allCases)
  func aReleaseComesToItsRightEndWhoeverIsKilledAndWhenever(_ victim: Victim) async throws {
    try await Site.open(servers: 8, config: .brisk) { site in
      var worker = try site.worker()
      var coordinator = try site.coordinator()
      var witness = Witness()
      let id = try await site.releases.create(
        group: DemoFleet.app, version: "2", options: ReleaseOptions(start: true), by: "test"
      ).id
      var deaths = 0
      for (index, stage) in Self.moments.enumerated() {
        // The batches of 7 rolling servers at 33 % are 2, 2, 2, 1.
        guard
          try await site.follow(id, &witness, until: { $0.hasReached(stage, rollingBatch: index + 1) }).isBusy
        else { break }
        if victim != .coordinator { site.kill(worker) }
        if victim != .worker { site.kill(coordinator) }
        deaths += 1
        if victim != .coordinator { worker = try site.worker() }
        if victim != .worker { coordinator = try site.coordinator() }
      }
      #expect(deaths == Self.moments.count)
      let end = try await site.follow(id, &witness, until: { _ in false })
      #expect(end.deployment.state == .success)
      try await site.expectAllInService(on: "2", after: end.deployment, witness)
    }
  }

  @Test func twoWorkersAndTwoCoordinatorsBringOneReleaseToTheSameEnd() async throws {
    try await Site.open(servers: 8, config: .brisk) { site in
      let programs = try [site.worker(), site.worker(), site.coordinator(), site.coordinator()]
      var witness = Witness()
      let id = try await site.releases.create(
        group: DemoFleet.app, version: "2", options: ReleaseOptions(start: true), by: "test"
      ).id
      let end = try await site.follow(id, &witness, until: { _ in false })
      #expect(end.deployment.state == .success)
      try await site.expectAllInService(on: "2", after: end.deployment, witness)
      for program in programs { #expect(try await site.terminate(program) == .status(0)) }
    }
  }
}

extension DeploymentView {
  var isBusy: Bool { !isAtRest || !deployment.state.isTerminal }

  /// Whether a batch runs, and one of its servers is in this stage or beyond. A look can be slower than a
  /// stage, so the stage itself may go by unseen; a later batch counts as well.
  func hasReached(_ stage: Stage, rollingBatch number: Int) -> Bool {
    deployment.rollingBatches.dropFirst(number - 1).contains { batch in
      batch.targets.contains { target in
        target.isUnderWay && (target.times.last.map { $0.stage >= stage } ?? false)
      }
    }
  }
}

extension Site {
  /// Looks again and again until the moment comes, or the deployment has ended.
  func follow(
    _ id: String, _ witness: inout Witness, until moment: (DeploymentView) -> Bool
  ) async throws -> DeploymentView {
    let end = ContinuousClock.now + .seconds(90)
    var last: DeploymentView?
    var looks = 0
    while ContinuousClock.now < end {
      let view = try await releases.look(id)
      last = view
      let isOver = view.deployment.state.isTerminal
      if isOver || looks % 20 == 0 { try await witness.look(self) }
      if moment(view) || isOver { return view }
      looks += 1
      try await Task.sleep(for: .milliseconds(10))
    }
    throw NotInTime(what: id, state: last.map { "\($0.deployment)" } ?? "")
  }

  /// What every release that ended well must leave: each server on the version and in service, and no stage
  /// of any server accepted twice.
  func expectAllInService(on version: String, after deployment: Deployment, _ witness: Witness) async throws {
    #expect(deployment.targets.allSatisfy { $0.state == .success })
    #expect(deployment.targets.allSatisfy { $0.times.map(\.stage) == Stage.rolling })
    #expect(witness.changed == [])
    #expect(load.phases.flatMap(\.failures) == [])
    let running = try await fleet.runningVersions()
    #expect(running.count == fleet.servers.count)
    #expect(Set(running.values) == [version])
    let states = try await Balancers().balancer(.haproxy(fleet.endpoint)).servers()
    for server in fleet.servers { #expect(states[server.host]?.isInService == true, "\(server.host)") }
  }
}
