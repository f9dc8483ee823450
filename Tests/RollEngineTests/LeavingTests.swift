import Delivery
import Fleet
import RollEngine
import Rollout
import TestSupport
import Testing

/// Servers that leave their group while it is released: what they did no longer holds anything up.
@Suite(.timeLimit(.minutes(2))) struct LeavingTests {
  @Test func aBrakedReleaseGoesOnWithoutTheServersThatLeft() async throws {
    var config = DeploymentConfig.automatic
    // Batches of 3, and 2 failures brake.
    (config.bastion, config.brakeRatio) = (false, 17)
    try await Stand.run(servers: 12, config: config) { stand in
      stand.fleet.change {
        $0.failing = [
          .init(version: "2", stage: .verify, host: "web-01"),
          .init(version: "2", stage: .verify, host: "web-02"),
        ]
      }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      let braked = try await stand.follow("web-1", to: .braked)
      #expect(braked.states == ["SUCCESS": 1, "VERIFY_FAILURE": 2, "PENDING": 9])
      // One that failed, one that succeeded and serves no more, one whose turn has not come.
      try await stand.changeGroup(remove: ["web-01", "web-03", "web-12"])
      stand.fleet.change {
        $0.failing.removeLast()
        $0.hosts["web-03"]?.state = .maint
      }
      // Only a retry follows the group's list.
      await #expect(throws: ReleaseError.self) {
        try await stand.releases.act("web-1", .resume(override: nil), by: "ann")
      }
      try await stand.releases.act("web-1", .retry, by: "ann")
      let view = try await stand.follow("web-1", to: .success)
      #expect(view.states == ["SUCCESS": 9, "EXCLUDED": 3])
      #expect(view.failures == 0)
      let gone = view.deployment.targets.filter { $0.state == .excluded }
      #expect(Set(gone.map(\.host)) == ["web-01", "web-03", "web-12"])
      #expect(gone.allSatisfy { $0.note == "no longer in the group" })
      #expect(stand.fleet.host("web-01").begun[.install] == 1)
      #expect(stand.fleet.host("web-12").begun == [:])
    }
  }

  @Test func theNextOneTakesThePlaceOfABastionThatLeft() async throws {
    try await Stand.run(servers: 4) { stand in
      stand.fleet.change { $0.failing = [.init(version: "2", stage: .verify, host: "web-01")] }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .smokeFailure)
      try await stand.changeGroup(remove: ["web-01"])
      try await stand.releases.act("web-1", .retry, by: "ann")
      let view = try await stand.follow("web-1", to: .success)
      #expect(view.deployment.bastion?.host == "web-02")
      #expect(view.states == ["SUCCESS": 3, "EXCLUDED": 1])
    }
  }

  @Test func oneThatWasPulledOutAndThenLeftIsNotReleased() async throws {
    var config = DeploymentConfig.automatic
    config.gates.bake = .manual
    try await Stand.run(servers: 4, config: config) { stand in
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .smokeSuccess)
      try await stand.releases.pullOut(["web-04"], of: "web", by: "bob", reason: "goes to the scrap yard")
      try await eventually("it is out") { stand.fleet.outOfService == ["web-01", "web-04"] }
      try await stand.changeGroup(remove: ["web-04"])
      try await stand.releases.act("web-1", .bake, by: "ann")
      let view = try await stand.follow("web-1", to: .success)
      #expect(view.states == ["SUCCESS": 3, "EXCLUDED": 1])
      #expect(stand.fleet.host("web-04").begun == [:])
      #expect(stand.fleet.outOfService == ["web-04"])
      // Nothing is under way any more: the next file takes its flag as well.
      try await stand.changeGroup()
      #expect(try await stand.store.flags(of: "web") == [:])
    }
  }
}
