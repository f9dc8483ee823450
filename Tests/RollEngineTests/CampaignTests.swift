import Fleet
import Rollout
import Testing

@testable import RollEngine

/// Several groups in one go.
@Suite(.timeLimit(.minutes(2))) struct CampaignTests {
  /// Groups `a`, `b` and `c` of four servers each.
  private func withGroups(_ body: @escaping @Sendable (Stand) async throws -> Void) async throws {
    try await Stand.run(servers: 12) { stand in
      for (index, name) in ["a", "b", "c"].enumerated() {
        var group = stand.group
        (group.name, group.servers) = (name, Array(stand.group.servers[index * 4..<index * 4 + 4]))
        try await stand.store.apply(group)
      }
      try await body(stand)
    }
  }

  private func follow(_ stand: Stand, to state: CampaignState) async throws -> Campaign {
    try await stand.eventually("the campaign is \(state)") {
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
      try await stand.eventually("a rests") { try await releases.look("a-1").isAtRest }
      // Mended, and let go on: the group that failed holds back the others until it has ended well.
      try await releases.act(campaign: "night", .resume(more: 1), by: "ann", reason: "mended")
      #expect(try await releases.campaign("night").campaign.members.map(\.started) == [true, false, false])
      try await releases.act("a-1", .retry, by: "ann")
      _ = try await follow(stand, to: .success)
      #expect(stand.fleet.versions == ["2": 12])
    }
  }
}
