import Fleet
import Foundation
import Logging
import RedisClient
import Rollout
import Synchronization
import TaskQueue
import TestSupport
import Testing

@testable import RollEngine

/// Webhooks of a group, told by coordinators.
@Suite(.timeLimit(.minutes(2))) struct NotifyingTests {
  /// What a webhook was told.
  private struct Told: Decodable {
    var event, state, by, at, text: String
    var deployment, group, app, version, reason, campaign: String?
    var groups: [String]?
    var failures, limit: Int?
  }

  private func told(_ request: HTTPServer.Request) throws -> Told {
    try JSONDecoder().decode(Told.self, from: Data(request.body))
  }

  /// A stand whose group has these webhooks, each a path at a server of the test's.
  private func withHooks(
    _ hooks: [NoticeHook], servers: Int = 5, _ config: DeploymentConfig = .automatic,
    _ body: @escaping @Sendable (Stand, HTTPServer) async throws -> Void
  ) async throws {
    try await HTTPServer.run { server in
      try await Stand.run(servers: servers, config: config) { stand in
        var group = stand.group
        group.notify = hooks
        for index in hooks.indices { group.notify[index].webhook = server.url + hooks[index].webhook }
        try await stand.store.apply(group)
        try await body(stand, server)
      }
    }
  }

  private func release(_ stand: Stand, _ version: String = "2") async throws -> String {
    try await stand.releases.create(
      group: "web", version: version, options: ReleaseOptions(start: true), by: "ann", reason: "tuesday"
    ).id
  }

  /// The chains that tell, as they stand.
  private func notices(_ stand: Stand) async throws -> [ChainStatus] {
    let prefix = "drawbar:{p0}:c:"
    let keys =
      try await stand.queue.redis.send(RedisCommand("KEYS", .string(prefix + "*@notify*"))).array ?? []
    let ids = try keys.compactMap(\.string).sorted().map { try ChainID(String($0.dropFirst(prefix.count))) }
    return try await stand.queue.status(ids).compactMap(\.self)
  }

  @Test func aBrakeIsToldWithItsNumbersAndATokenThatIsKeptNowhere() async throws {
    try await withDirectory { directory in
      let file = directory + "/token"
      try Data("s3cret-of-the-hook\n".utf8).write(to: URL(filePath: file))
      try await withHooks([NoticeHook(webhook: "/hooks/x?room=ops", tokenFile: file)], servers: 9) {
        stand, server in
        stand.fleet.change {
          $0.failing = ["web-02", "web-03"].map { .init(version: "2", stage: .verify, host: $0) }
        }
        _ = try await release(stand)
        try await stand.follow("web-1", to: .braked)
        try await eventually("it is told") { server.requests.count == 1 }
        let request = server.requests[0]
        #expect(request.method == "POST" && request.target == "/hooks/x?room=ops")
        #expect(request.headers["Authorization"] == "Bearer s3cret-of-the-hook")
        #expect(request.headers["Content-Type"] == "application/json")
        #expect(request.headers["Idempotency-Key"]?.hasPrefix("web-1/@notify/") == true)
        let told = try told(request)
        #expect(told.event == "braked" && told.state == "BRAKED")
        #expect(
          told.deployment == "web-1" && told.group == "web" && told.app == "shop" && told.version == "2")
        #expect(told.failures == 2 && told.limit == 2 && told.by == "coordinator")
        #expect(told.reason?.isEmpty == false)
        #expect(told.text.hasPrefix("web-1 (shop 2): BRAKED: \(told.reason ?? "?")"), "\(told.text)")
        let at = try #require(
          try? Date(told.at, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
        #expect(told.at.hasSuffix("Z") && abs(at.timeIntervalSinceNow) < 120)
        // Everything that Redis holds, as it would lie on its disk.
        let redis = stand.queue.redis
        for key in try await redis.send(RedisCommand("KEYS", "*")).array ?? [] {
          guard let dump = try await redis.send(RedisCommand("DUMP", .string(key.string ?? ""))).bytes else {
            continue
          }
          #expect(!String(decoding: dump, as: UTF8.self).contains("s3cret"))
        }
      }
    }
  }

  @Test func eachHearsWhatItAskedForOfTheFrozenGroup() async throws {
    try await withHooks([NoticeHook(webhook: "/ends", on: [.ended]), NoticeHook(webhook: "/all")]) {
      stand, server in
      stand.fleet.change { $0.failing = [.init(version: "2", stage: .verify, host: "web-01")] }
      _ = try await release(stand)
      try await stand.follow("web-1", to: .smokeFailure)
      try await eventually("the failure is told") { server.requests.count == 1 }
      #expect(server.requests.map(\.target) == ["/all"])
      #expect(try told(server.requests[0]).event == "failure")
      // Hooks that are added later are for later deployments.
      try await stand.store.apply(stand.group)
      try await stand.releases.act("web-1", .abort(forced: false), by: "bob", reason: "enough")
      try await eventually("its end is told to both") { server.requests.count == 3 }
      #expect(Set(server.requests.map(\.target)) == ["/all", "/ends"])
      let end = try told(server.requests[2])
      #expect(end.event == "ended" && end.state == "REVOKED" && end.by == "bob" && end.reason == "enough")
      #expect(end.text == "web-1 (shop 2): REVOKED: enough")
      #expect(Set(server.requests.map { $0.headers["Idempotency-Key"] }).count == 3)
      // Without webhooks nothing is sent, and nothing is submitted.
      let before = try await notices(stand).count
      stand.fleet.change { $0.failing = [] }
      _ = try await release(stand, "3")
      try await stand.follow("web-2", to: .success)
      #expect(try await notices(stand).count == before)
    }
  }

  /// A brake and the rollback that it orders come of one decision: each is told with its own words.
  @Test func aBrakeAndItsRollbackAreToldApart() async throws {
    var config = DeploymentConfig.automatic
    config.rollback = RollbackPolicy(name: "safe")
    try await withHooks([NoticeHook(webhook: "/x")], servers: 9, config) { stand, server in
      stand.fleet.change {
        $0.failing = ["web-02", "web-03"].map { .init(version: "2", stage: .verify, host: $0) }
      }
      _ = try await release(stand)
      try await eventually("all four are told") { server.requests.count == 4 }
      let all = try server.requests.map(told)
      let braked = try #require(all.first { $0.event == "braked" })
      #expect(braked.by == "coordinator" && braked.state == "BRAKED" && braked.failures == 2)
      let rollback = try #require(all.first { $0.event == "rollback" })
      #expect(rollback.by == "policy safe" && rollback.deployment == "web-1" && rollback.failures == nil)
      #expect(Set(all.filter { $0.event == "ended" }.map(\.state)) == ["REVOKED", "SUCCESS"])
    }
  }

  @Test func aPersonsBrakeIsToldAsTheirs() async throws {
    var config = DeploymentConfig.automatic
    config.gates.rollout = .manual
    try await withHooks([NoticeHook(webhook: "/x", on: [.braked])], config) { stand, server in
      _ = try await release(stand)
      try await stand.follow("web-1", to: .bakeSuccess)
      try await stand.releases.act("web-1", .brake, by: "bob", reason: "a bad feeling")
      try await eventually("it is told") { server.requests.count == 1 }
      let told = try told(server.requests[0])
      #expect(told.by == "bob" && told.reason == "a bad feeling" && told.state == "BRAKED")
    }
  }

  /// One that never answers, and one that refuses: the release goes its way.
  @Test func aWebhookThatFailsBrakesNothingAndIsTriedAgain() async throws {
    try await withHooks([NoticeHook(webhook: "/x")]) { stand, server in
      server.answer(HTTPServer.Answer(status: 503))
      server.hold(true)
      _ = try await release(stand)
      try await stand.follow("web-1", to: .success)
      server.hold(false)
      try await eventually("it is tried again") { server.requests.count >= 2 }
      server.answer(HTTPServer.Answer(status: 204))
      try await eventually("it is done") { try await notices(stand).map(\.state) == [.finished] }
      #expect(Set(server.requests.map { $0.headers["Idempotency-Key"] }).count == 1)
      #expect(Set(server.requests.map(\.body)).count == 1)
    }
  }

  @Test func whatIsTooOldIsGivenUpWithItsReason() async throws {
    try await withHooks([NoticeHook(webhook: "/secret-path", tokenFile: "/none/token")]) {
      stand, server in
      var message = NoticeMessage(
        event: .ended, state: "SUCCESS", by: "ann", at: try await stand.releases.now() - NotifyTask.patience,
        text: "web-1 (shop 2): SUCCESS")
      let group = try #require(try await stand.store.group("web")?.group)
      var id = 0
      let closed = "http://127.0.0.1:1/secret-path"
      for why in [
        "there is no token file /none/token", "answered with status 404", "no answer: Connection refused",
      ] {
        id += 1
        server.answer(HTTPServer.Answer(status: 404))
        var hook = group.notify[0]
        if id > 1 { hook.tokenFile = nil }
        if id > 2 { hook.webhook = closed }
        message.deployment = "web-1"
        let name = try ChainID("web-1/@notify/\(id)/0")
        try await stand.queue.submit(try stand.releases.tell([message], [hook]) { _ in name })
        try await eventually("it is given up") {
          try await stand.queue.status([name]).first??.state == .dead
        }
        let said = try #require(try await stand.queue.status([name])[0]?.failure?.message)
        #expect(said.contains(why) && said.contains("tried for an hour"), "\(said)")
        #expect(!said.contains("secret-path"), "\(said)")
      }
    }
  }

  @Test func withTheSwitchThrownNothingIsSent() async throws {
    try await withHooks([NoticeHook(webhook: "/x")]) { stand, server in
      try await stand.releases.degrade([.notifications], for: 60_000, by: "ann", reason: "the chat is down")
      _ = try await release(stand)
      try await stand.follow("web-1", to: .success)
      try await eventually("it is left out") { try await notices(stand).map(\.state) == [.finished] }
      #expect(try await notices(stand)[0].note?.contains("left out: DEGRADED: notifications") == true)
      #expect(server.requests.isEmpty)
    }
  }

  /// However often a commit is repeated, and whoever repeats it.
  @Test func aNoticeExistsOnce() async throws {
    try await withHooks([NoticeHook(webhook: "/x")]) { stand, server in
      _ = try await release(stand)
      let end = try await stand.follow("web-1", to: .success).deployment
      try await eventually("it is told") { server.requests.count == 1 }
      let decision = Decision(deployment: end, effects: [.notify(.reached(.success))])
      let group = try #require(try await stand.store.group("web")?.group)
      let chains = try stand.releases.notices(decision, group, revision: 99, at: 1)
      #expect(chains.map(\.id.rawValue) == ["web-1/@notify/99/0"])
      #expect(try stand.releases.notices(decision, stand.group, revision: 99, at: 1).isEmpty)
      let existing = try #require(server.requests[0].headers["Idempotency-Key"])
      try await stand.queue.submit(
        try stand.releases.tell([NoticeMessage(.reached(.success), of: end, at: 1)], group.notify) { _ in
          try ChainID(existing)
        })
      try await stand.queue.submit(chains)
      try await eventually("the other is told") { server.requests.count == 2 }
      #expect(server.requests[1].headers["Idempotency-Key"] == "web-1/@notify/99/0")
    }
  }

  @Test func aCampaignTellsEachWebhookOfItsGroupsOnce() async throws {
    try await HTTPServer.run { server in
      try await Stand.run(servers: 4) { stand in
        for (index, name) in ["a", "b"].enumerated() {
          var group = stand.group
          (group.name, group.servers) = (name, Array(stand.group.servers[index * 2..<index * 2 + 2]))
          group.notify = [
            NoticeHook(webhook: server.url + "/shared", on: [.braked, .ended]),
            NoticeHook(webhook: server.url + "/\(name)", on: [.ended]),
            NoticeHook(webhook: server.url + "/gates", on: [.gate]),
          ]
          try await stand.store.apply(group)
        }
        try await stand.releases.createCampaign(
          "night", waves: [["a"], ["b"]], versions: ["a": "2", "b": "2"], limit: 2, by: "ann")
        try await stand.releases.act(campaign: "night", .start, by: "ann")
        func ofCampaign() throws -> [(HTTPServer.Request, Told)] {
          try server.requests.map { ($0, try told($0)) }.filter { $0.1.deployment == nil }
        }
        try await eventually("its end is told") { try ofCampaign().count == 3 }
        let all = try ofCampaign()
        #expect(all.map(\.0.target).sorted() == ["/a", "/b", "/shared"])
        #expect(
          all.allSatisfy { $0.1.campaign == "night" && $0.1.groups == ["a", "b"] && $0.1.event == "ended" })
        #expect(all.allSatisfy { $0.1.text == "campaign night: SUCCESS" && $0.1.state == "SUCCESS" })
        // The ends of its deployments are told too, to their own.
        try await eventually("all is told") { server.requests.count == 7 }
      }
    }
  }
}
