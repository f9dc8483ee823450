import Fleet
import Rollout
import TestSupport
import Testing

@testable import RollEngine

/// Groups that are forgotten, and marks that are taken back.
@Suite(.timeLimit(.minutes(2))) struct RemovingTests {
  @Test func aGroupIsForgottenOnceNothingNeedsIt() async throws {
    try await Stand.run(servers: 4) { stand in
      let releases = stand.releases
      await #expect(throws: ReleaseError.unknownGroup("nowhere")) {
        try await releases.removeGroup("nowhere", by: "ann")
      }
      let deployment = try await releases.create(group: "web", version: "2", by: "ann")
      await #expect(throws: ReleaseError.self) { try await releases.removeGroup("web", by: "ann") }
      #expect(try await stand.store.group("web") != nil)
      try await releases.act(deployment.id, .abort(forced: false), by: "ann")
      try await stand.follow(deployment.id, to: .revoked)

      try await releases.createCampaign(
        "night", waves: [["web"]], versions: ["web": "2"], limit: 1, by: "ann")
      let error = await #expect(throws: ReleaseError.self) {
        try await releases.removeGroup("web", by: "ann")
      }
      #expect(error?.description.contains("the campaign night has it") == true)
      try await releases.act(campaign: "night", .abort, by: "ann")

      try await stand.store.setFlag(.operator, on: "web-01", of: "web", by: "ann", reason: "disk")
      try await releases.removeGroup("web", by: "ann", reason: "moved")
      #expect(try await stand.store.group("web") == nil)
      #expect(try await stand.store.flags(of: "web").isEmpty)
      await #expect(throws: ReleaseError.unknownGroup("web")) {
        try await releases.create(group: "web", version: "2", by: "ann")
      }
      #expect(try await releases.journal(of: "web").last?.what == "remove")
      // Its past is known, and one of its name goes on with it.
      #expect(try await releases.look(deployment.id).deployment.state == .revoked)
      #expect(try await stand.store.apply(stand.group) == .created)
      let next = try await releases.create(group: "web", version: "2", by: "ann")
      #expect(next.number == deployment.number + 1)
    }
  }

  @Test func aMarkIsTakenBack() async throws {
    try await Stand.run(servers: 2, coordinators: 0) { stand in
      let releases = stand.releases
      await #expect(throws: ReleaseError.notBad(app: "shop", version: "2")) {
        try await releases.unmarkBad(app: "shop", version: "2", by: "ann", reason: "why")
      }
      try await releases.markBad(app: "shop", version: "2", by: "ann", reason: "leaks")
      await #expect(throws: ReleaseError.self) {
        try await releases.preview(group: "web", version: "2")
      }
      try await releases.unmarkBad(app: "shop", version: "2", by: "bob", reason: "it was the database")
      _ = try await releases.preview(group: "web", version: "2")
      #expect(try await releases.journal().last?.on == "shop 2")
    }
  }
}
