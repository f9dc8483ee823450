import RedisClient
import Rollout
import TestSupport
import Testing

@testable import Fleet
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

  /// It is gone with all that it had, or there with all that it had.
  @Test func whoeverWinsAgainstAReleaseNothingIsLost() async throws {
    try await Stand.run(servers: 2, workers: 0, coordinators: 0) { stand in
      let releases = stand.releases
      for round in 0..<20 {
        try await stand.store.apply(stand.group)
        try await stand.store.setFlag(.fault, on: "web-02", of: "web", by: "ann", reason: "RAM")
        async let removed: Void? = {
          do { return try await releases.removeGroup("web", by: "ann") } catch is ReleaseError { return nil }
        }()
        async let created: Deployment? = {
          do { return try await releases.create(group: "web", version: "2", by: "bob") } catch is ReleaseError
          {
            return nil
          }
        }()
        let (isRemoved, deployment) = try await (removed != nil, created)
        #expect(isRemoved == (deployment == nil), "round \(round)")
        #expect(try await (stand.store.group("web") == nil) == isRemoved)
        #expect(try await stand.store.flags(of: "web").isEmpty == isRemoved)
        if let deployment { try await releases.act(deployment.id, .abort(forced: true), by: "bob") }
      }
    }
  }

  @Test func oneThatCantBeReadIsForgotten() async throws {
    try await Stand.run(servers: 2, workers: 0, coordinators: 0) { stand in
      try await stand.spoil("web")
      await #expect(throws: FleetStoreError.self) { try await stand.releases.sync(group: "web") }
      try await stand.releases.removeGroup("web", by: "ann")
      #expect(try await stand.store.names() == [])
      // Or mended by a file.
      try await stand.releases.apply(stand.group)
      try await stand.spoil("web")
      #expect(try await stand.releases.apply(stand.group) == .changed(revision: 3))
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

extension Stand {
  /// Makes a group one that this version can't read.
  func spoil(_ name: String) async throws {
    try await store.redis.send(RedisCommand("HSET", .init(store.prefix + "groups"), .init(name), "{}"))
    try await store.redis.send(RedisCommand("HINCRBY", .init(store.prefix + "revisions"), .init(name), 1))
  }
}
