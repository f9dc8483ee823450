import Fleet
import Rollout
import TestSupport
import Testing

@testable import RollEngine

/// Several groups in one go.
@Suite(.timeLimit(.minutes(2))) struct CampaignTests {
  /// Groups `a`, `b` and `c` of four servers each.
  private func withGroups(
    _ config: DeploymentConfig = .automatic, _ body: @escaping @Sendable (Stand) async throws -> Void
  ) async throws {
    try await Stand.run(servers: 12, config: config) { stand in
      for (index, name) in ["a", "b", "c"].enumerated() {
        var group = stand.group
        (group.name, group.servers) = (name, Array(stand.group.servers[index * 4..<index * 4 + 4]))
        try await stand.store.apply(group)
      }
      try await body(stand)
    }
  }

  private func follow(_ stand: Stand, to state: CampaignState) async throws -> Campaign {
    try await eventually("the campaign is \(state)") {
      try await stand.releases.campaign("night").campaign.state == state
    }
    return try await stand.releases.campaign("night").campaign
  }

  @Test func wavesFollowOneAnother() async throws {
    try await withGroups { stand in
      let releases = stand.releases
      await #expect(throws: ReleaseError.unknownCampaign("night")) { try await releases.campaign("night") }
      try await releases.createCampaign(
        "night", waves: [["a"], ["b", "c"]], versions: ["a": "2", "b": "2", "c": "3"], limit: 2, by: "ann")
      await #expect(throws: ReleaseError.campaignExists("night")) {
        try await releases.createCampaign("night", waves: [["a"]], versions: ["a": "2"], limit: 1, by: "bob")
      }
      try await releases.createCampaign("day", waves: [["a"]], versions: ["a": "2"], limit: 1, by: "bob")
      #expect(try await releases.campaigns().map(\.campaign.id).sorted() == ["day", "night"])
      try await releases.act(campaign: "day", .abort, by: "bob")
      try await releases.act(campaign: "night", .start, by: "ann")
      let end = try await follow(stand, to: .success)
      #expect(end.members.map(\.state) == [.success, .success, .success])
      #expect(stand.fleet.versions == ["2": 8, "3": 4])
      let ended = try #require(try await releases.look("a-1").deployment.endedAt)
      for id in ["b-1", "c-1"] {
        let deployment = try await releases.look(id).deployment
        #expect(deployment.campaign == "night")
        #expect(deployment.createdBy == "campaign night")
        #expect(deployment.createdAt >= ended)
      }
      await #expect(throws: ReleaseError.self) {
        try await releases.act(campaign: "night", .pause, by: "ann")
      }
    }
  }

  @Test func theSumOfFailuresBrakesAll() async throws {
    try await withGroups { stand in
      let releases = stand.releases
      stand.fleet.change {
        $0.failing = [.init(version: "2", stage: .verify, host: "web-02")]
        $0.gates = []
      }
      try await releases.createCampaign(
        "night", waves: [["a"], ["b", "c"]], versions: ["a": "2", "b": "2", "c": "2"], limit: 1, by: "ann")
      try await releases.act(campaign: "night", .start, by: "ann")
      let braked = try await follow(stand, to: .braked)
      #expect(braked.failures == 1)
      #expect(braked.members.map(\.started) == [true, false, false])
      await #expect(throws: ReleaseError.self) {
        try await releases.act(campaign: "night", .resume(more: nil), by: "ann")
      }
      stand.fleet.change { $0.failing = [] }
      try await eventually("a rests") { try await releases.look("a-1").isAtRest }
      // Mended, and let go on: the group that failed holds back the others until it has ended well.
      try await releases.act(campaign: "night", .resume(more: 1), by: "ann", reason: "mended")
      #expect(try await releases.campaign("night").campaign.members.map(\.started) == [true, false, false])
      try await releases.act("a-1", .retry, by: "ann")
      _ = try await follow(stand, to: .success)
      #expect(stand.fleet.versions == ["2": 12])
    }
  }

  @Test func aGroupThatIsRetriedUnderTheBrakeGoesOn() async throws {
    try await withGroups { stand in
      let releases = stand.releases
      stand.fleet.change { $0.failing = [.init(version: "2", stage: .verify, host: "web-02")] }
      try await releases.createCampaign(
        "night", waves: [["a"], ["b", "c"]], versions: ["a": "2", "b": "2", "c": "2"], limit: 1, by: "ann")
      try await releases.act(campaign: "night", .start, by: "ann")
      _ = try await follow(stand, to: .braked)
      try await stand.follow("a-1", to: .braked)
      stand.fleet.change { $0.failing = [] }
      try await releases.act("a-1", .retry, by: "ann")
      let mended = try await stand.follow("a-1", to: .success).deployment
      #expect(mended.log.count { $0.what == "BRAKED" } == 1)
      // What comes after it waits for the resume, which needs no override.
      #expect(try await releases.campaign("night").campaign.state == .braked)
      try await releases.act(campaign: "night", .resume(more: nil), by: "ann")
      _ = try await follow(stand, to: .success)
      #expect(stand.fleet.versions == ["2": 12])
    }
  }

  /// Both wait for the roll-out, of which one will fail.
  private func withTwoHalfWay(_ body: @escaping @Sendable (Stand) async throws -> Void) async throws {
    var config = DeploymentConfig.automatic
    config.gates.rollout = .manual
    config.rollback = RollbackPolicy(name: "together", onBrake: [.campaign], onBakeFailure: false)
    try await withGroups(config) { stand in
      let releases = stand.releases
      stand.fleet.change { $0.failing = [.init(version: "2", stage: .verify, host: "web-02")] }
      try await releases.createCampaign(
        "night", waves: [["a", "b"]], versions: ["a": "2", "b": "2"], limit: 1, by: "ann")
      try await releases.act(campaign: "night", .start, by: "ann")
      for group in ["a", "b"] {
        try await eventually("\(group) is started") {
          try await releases.deployments(group: group).count == 1
        }
      }
      for id in ["a-1", "b-1"] { try await stand.follow(id, to: .bakeSuccess) }
      try await body(stand)
    }
  }

  @Test func aPolicyAnswersTheBrakeOfTheSum() async throws {
    try await withTwoHalfWay { stand in
      let releases = stand.releases
      try await releases.act("a-1", .rollout, by: "ann")
      try await eventually("b is rolled back") {
        try await releases.deployments(group: "b").first.map {
          $0.origin == "b-1" && $0.state == .success
        } ?? false
      }
      let braked = try await releases.look("b-1").deployment
      let entry = try #require(braked.log.first { $0.what == "BRAKED" })
      #expect(entry.by == "coordinator")
      #expect(entry.why == "by the campaign night: 1 failed over all groups, the limit is 1")
      #expect(try await releases.look("b-2").deployment.createdBy == "policy together")
      for host in ["web-05", "web-06", "web-07", "web-08"] { #expect(stand.fleet.host(host).version == "1") }
      // Its own limit braked the one that failed, and the policy doesn't answer that.
      let failed = try await releases.look("a-1").deployment
      #expect(failed.state == .braked && failed.braked?.cause == .failures && failed.rollbackOrder == nil)
    }
  }

  @Test func noPolicyAnswersAPersonWhoBrakesTheCampaign() async throws {
    try await withTwoHalfWay { stand in
      let releases = stand.releases
      try await releases.act(campaign: "night", .brake, by: "bob", reason: "wait")
      for id in ["a-1", "b-1"] {
        let braked = try await stand.follow(id, to: .braked).deployment
        #expect(braked.braked?.cause == .person && braked.rollbackOrder == nil)
        #expect(braked.braked?.reason == "by the campaign night: bob: wait")
      }
      try await releases.act(campaign: "night", .resume(more: nil), by: "bob")
      for id in ["a-1", "b-1"] { try await stand.follow(id, to: .bakeSuccess) }
    }
  }
}
