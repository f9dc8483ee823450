import Delivery
import DemoFleet
import Fleet
import RollEngine
import Rollout
import TestSupport
import Testing

/// HAProxy is killed and started again in the middle of releases.
@Suite(.serialized) struct BalancerRestartTests {
  /// In the first rolling batch, as soon as one of its servers is seen in this stage or beyond.
  @Test(arguments: [Stage.install, .verify, .markup])
  func noRequestFailsOnceItIsBack(_ stage: Stage) async throws {
    try await Site.open(servers: 8, config: .brisk) { site in
      let programs = try [site.worker(), site.coordinator()]
      var witness = Witness()
      let id = try await site.releases.create(
        group: DemoFleet.app, version: "2", options: ReleaseOptions(start: true), by: "test"
      ).id
      let met = try await site.follow(id, &witness, until: { $0.hasReached(stage, rollingBatch: 1) })
      #expect(met.isBusy)
      try await site.restartBalancer()
      let end = try await site.end(of: id, &witness)
      #expect(end.deployment.state == .success, "\(end.deployment.log)")
      #expect(site.failures(besides: "down") == [])
      #expect(witness.changed == [])
      for program in programs { _ = try await site.terminate(program) }
    }
  }

  /// Nobody works on a bastion that waits for its bake: the coordinator sees to it.
  @Test func theBastionThatWaitsIsOutAgain() async throws {
    var config = DeploymentConfig.brisk
    config.gates.bake = .manual
    try await Site.open(servers: 3, config: config, keepsStates: false) { site in
      let programs = try [site.worker(), site.coordinator()]
      var witness = Witness()
      let id = try await site.releases.create(
        group: DemoFleet.app, version: "2", options: ReleaseOptions(start: true), by: "test"
      ).id
      _ = try await site.follow(id, &witness, until: { $0.deployment.state == .smokeSuccess })
      let balancer = Balancers().balancer(.haproxy(site.fleet.endpoint))
      #expect(try await balancer.server("web-01").state == .maint)
      try await site.restartBalancer()
      try await eventually("it is out again", within: .seconds(60)) {
        try await balancer.server("web-01").state == .maint
      }
      try await site.releases.act(id, .bake, by: "test")
      let end = try await site.end(of: id, &witness)
      #expect(end.deployment.state == .success)
      try await eventually("all are in service", within: .seconds(60)) {
        try await balancer.servers().values.allSatisfy(\.isInService)
      }
      for program in programs { _ = try await site.terminate(program) }
    }
  }

  /// A coordinator that can't ask HAProxy tells everybody, for as long as it can't.
  @Test func everybodyIsToldThatItIsNotAsked() async throws {
    try await Site.open(servers: 2, config: .brisk) { site in
      let program = try site.coordinator()
      try await site.store.setFlag(
        .operator, on: "web-01", of: DemoFleet.app, by: "ann", reason: "a server that is out is watched")
      try await site.fleet.haproxy.stop()
      try await eventually("the coordinator says so", within: .seconds(60)) {
        let said = try await site.store.openCircuits()
        return said.map(\.process.name) == ["drawbar-coordinator"] && said[0].system == .loadBalancer
          && said[0].endpoint.hasSuffix("haproxy.sock") && said[0].process.pid == Int(program.pid)
      }
      try await site.fleet.haproxy.start()
      try await eventually("it has taken that back", within: .seconds(60)) {
        try await site.store.openCircuits().isEmpty
      }
      _ = try await site.terminate(program)
    }
  }
}

extension Site {
  /// Kills HAProxy and starts it again. What fails meanwhile counts for the phase `down`.
  func restartBalancer() async throws {
    load.begin("down")
    // Requests that began in the phase before are over once every client has asked again and again.
    try await eventually("all clients have asked again", within: .seconds(60)) {
      (load.phases.last?.requests ?? 0) > 24
    }
    try await fleet.haproxy.stop()
    try await fleet.haproxy.start()
    load.begin("back")
  }

  func failures(besides phase: String) -> [String] {
    load.phases.filter { $0.name != phase }.flatMap(\.failures)
  }

  func end(of id: String, _ witness: inout Witness) async throws -> DeploymentView {
    try await follow(id, &witness, until: { $0.isAtRest })
  }
}
