import Fleet
import RollEngine
import Rollout
import TestSupport
import Testing

/// What people say beside releases: pulling servers out and in, and doing without systems.
@Suite(.timeLimit(.minutes(2))) struct PeopleTests {
  @Test func aServerIsPulledOutAndInAgain() async throws {
    try await Stand.run(servers: 6) { stand in
      let releases = stand.releases
      await #expect(throws: ReleaseError.unknownServer("web-99", group: "web")) {
        try await releases.pullOut(["web-02", "web-99"], of: "web", by: "ann", reason: "disk")
      }
      await #expect(throws: ReleaseError.self) {
        try await releases.pullOut(["web-02"], of: "web", by: "ann", reason: " ")
      }
      #expect(try await stand.store.flags(of: "web") == [:])
      try await releases.pullOut(["web-02"], of: "web", by: "ann", reason: "disk")
      try await eventually("it is out") { stand.fleet.outOfService == ["web-02"] }
      try await releases.create(group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      let view = try await stand.follow("web-1", to: .success)
      #expect(!view.deployment.targets.contains { $0.host == "web-02" })
      // It missed a release.
      await #expect(throws: ReleaseError.self) {
        try await releases.pullIn(["web-02"], of: "web", by: "bob", reason: "new disk")
      }
      try await releases.pullIn(["web-02"], of: "web", anyway: true, by: "bob", reason: "new disk")
      try await eventually("it is in") { stand.fleet.outOfService == [] }
      #expect(try await stand.store.flags(of: "web") == [:])
      let journal = try await releases.journal(of: "web")
      #expect(journal.map(\.what) == ["pull-out", "pull-in"])
      #expect(journal.map(\.by) == ["ann", "bob"])
      #expect(journal.map(\.on) == ["web-02", "web-02"])
      #expect(journal.map(\.why) == ["web-02: disk", "web-02: new disk"])
      try await releases.scaleOut("web", options: ReleaseOptions(start: true), by: "bob")
      try await stand.follow("web-2", to: .success)
      #expect(stand.fleet.versions == ["2": 6])
    }
  }

  @Test func whatCannotBeKnownIsNotPlanned() async throws {
    try await Stand.run(servers: 9) { stand in
      let releases = stand.releases
      stand.fleet.change {
        $0.failing = [
          .init(version: "2", stage: .verify, host: "web-02"),
          .init(version: "2", stage: .verify, host: "web-03"),
        ]
      }
      try await releases.create(group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      let braked = try await stand.follow("web-1", to: .braked)
      #expect(braked.choices == ["retry", "resume", "abort", "rollback"])
      stand.fleet.change { $0.reachable = false }
      let refusal = ReleaseError.balancer(group: "web", reason: "no answer")
      await #expect(throws: refusal) { try await releases.act("web-1", .retry, by: "ann") }
      await #expect(throws: refusal) { try await releases.rollback("web", by: "ann") }
      #expect(try await releases.look("web-1").deployment == braked.deployment)
      // On purpose, it is done without.
      try await releases.degrade([.loadBalancer], for: 60_000, by: "ann", reason: "it burns")
      stand.fleet.change { $0.failing = [] }
      try await releases.act("web-1", .retry, by: "ann")
      try await stand.follow("web-1", to: .success)
    }
  }

  @Test func aFailedServerThatIsPulledOutNoLongerCounts() async throws {
    try await Stand.run(servers: 9) { stand in
      stand.fleet.change {
        $0.failing = [
          .init(version: "2", stage: .verify, host: "web-02"),
          .init(version: "2", stage: .verify, host: "web-03"),
        ]
      }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      let braked = try await stand.follow("web-1", to: .braked)
      #expect(braked.failures == 2)
      try await stand.releases.pullOut(["web-02"], of: "web", by: "bob", reason: "broken")
      #expect(try await stand.releases.look("web-1").failures == 1)
      try await stand.releases.act("web-1", .resume(override: nil), by: "bob")
      let view = try await stand.follow("web-1", to: .failure)
      #expect(view.states == ["SUCCESS": 7, "VERIFY_FAILURE": 1, "EXCLUDED": 1])
      // It stays out, also through what the release owes it.
      #expect(stand.fleet.outOfService == ["web-02", "web-03"])
    }
  }

  @Test func aReleaseDoesWithoutTheBalancerAndMakesUpForIt() async throws {
    var config = DeploymentConfig.automatic
    // Servers whose Markup is owed count as out.
    (config.bastion, config.brakeRatio) = (false, 100)
    try await Stand.run(servers: 8, config: config) { stand in
      let releases = stand.releases
      await #expect(throws: ReleaseError.degradation(.noReason)) {
        try await releases.degrade([.loadBalancer], for: 1_000, by: "ann", reason: "")
      }
      stand.fleet.change { $0.gates = [.download] }
      try await releases.create(group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await eventually("the first batch is out") { stand.fleet.outOfService.count == 2 }
      let out = stand.fleet.outOfService
      // HAProxy dies for good, in the middle of a batch.
      try await releases.degrade([.loadBalancer], for: 3_600_000, by: "ann", reason: "HAProxy is replaced")
      stand.fleet.change {
        ($0.degraded, $0.reachable, $0.putBackFails, $0.gates) = (true, false, true, [])
      }
      #expect(
        try await releases.degradation().banners
          == ["DEGRADED: loadBalancer is left out, by ann: HAProxy is replaced"])
      let view = try await stand.follow("web-1", to: .success)
      #expect(stand.fleet.versions == ["2": 8])
      #expect(view.deployment.owedMarkups.sorted() == out)
      #expect(try await releases.leftOut().map(\.host) == out)
      // Another needs nothing but the package and Redis.
      try await releases.create(group: "web", version: "3", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-2", to: .success)
      #expect(stand.fleet.outOfService == out)
      stand.fleet.change { ($0.degraded, $0.reachable, $0.putBackFails) = (false, true, false) }
      try await releases.restore(by: "ann")
      #expect(try await releases.degradation().banners == [])
      #expect(try await releases.journal().map(\.what) == ["degrade", "restore"])
      try await releases.putBack(of: "web", by: "ann")
      try await eventually("all are in service") { stand.fleet.outOfService == [] }
    }
  }

  /// It failed in its Markup, and runs the version: without the balancer nobody knows that it is out still.
  @Test func whatIsSkippedWithoutTheBalancerIsNotForgottenOutside() async throws {
    var config = DeploymentConfig.automatic
    (config.bastion, config.brakeRatio) = (false, 100)
    try await Stand.run(servers: 8, config: config) { stand in
      let releases = stand.releases
      stand.fleet.change { $0.failing = [.init(version: "2", stage: .markup, host: "web-03")] }
      try await releases.create(group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .failure)
      #expect(stand.fleet.outOfService == ["web-03"])
      try await releases.degrade([.loadBalancer], for: 3_600_000, by: "ann", reason: "HAProxy is replaced")
      stand.fleet.change {
        ($0.degraded, $0.reachable, $0.putBackFails, $0.failing) = (true, false, true, [])
      }
      try await releases.act("web-1", .retry, by: "ann")
      let view = try await stand.follow("web-1", to: .success)
      #expect(view.deployment.targets.filter { $0.state == .skipped }.map(\.host).contains("web-03"))
      #expect(view.deployment.owedMarkups == ["web-03"])
      #expect(try await releases.leftOut().map(\.host) == ["web-03"])
      // It is put back as soon as the balancer is there again.
      stand.fleet.change { ($0.degraded, $0.reachable, $0.putBackFails) = (false, true, false) }
      try await releases.restore(by: "ann")
      try await eventually("all are in service") { stand.fleet.outOfService == [] }
    }
  }
}
