import Delivery
import RedisClient
import Rollout
import Synchronization
import TestSupport
import Testing

@testable import Fleet
@testable import RollEngine

/// Releases to servers that a source of record knows.
@Suite(.timeLimit(.minutes(2))) struct CMDBTests {
  @Test func aReleaseGoesToTheServersThatThereAreNow() async throws {
    try await Stand.run(servers: 4) { stand in
      let (releases, source) = try await stand.withCMDB(["web-01", "web-02", "web-03"])
      #expect(source.asked == 1)
      source.answer(["web-01", "web-02", "web-03", "web-04"])
      #expect(try await releases.preview(group: "web", version: "2").targets == 4)
      try await releases.create(group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      #expect(source.asked == 3)
      let view = try await stand.follow("web-1", to: .success)
      #expect(view.states == ["SUCCESS": 4])
      // Neither looking nor moving on asks.
      #expect(source.asked == 3)
      #expect(try await releases.changed(group: "web").generation == 4)
      let known = try #require(try await stand.store.group("web"))
      #expect(known.cache?.generation == 4)
      #expect(known.revision == 3, "created, made the cmdb's, and one more server")
    }
  }

  @Test func whatCantBeRefreshedIsRefused() async throws {
    try await Stand.run(servers: 4) { stand in
      let (releases, source) = try await stand.withCMDB(["web-01", "web-02", "web-03", "web-04"])
      source.fail(with: "the disk is on fire")
      func refused(_ body: () async throws -> Void) async throws -> String {
        let error = try await #require(throws: ReleaseError.self) { try await body() }
        return "\(error)"
      }
      var said = [
        try await refused { _ = try await releases.preview(group: "web", version: "2") },
        try await refused { try await releases.create(group: "web", version: "2", by: "ann") },
        try await refused { try await releases.scaleOut("web", to: "2", by: "ann") },
        try await refused { try await releases.run(DayTwo(script: "restart"), on: "web", by: "ann") },
        try await refused {
          try await releases.createCampaign(
            "night", waves: [["web"]], versions: ["web": "2"], limit: 1, by: "ann")
        },
        try await refused { try await releases.sync(group: "web") },
      ]
      for words in said {
        #expect(
          words.contains(
            "the servers of web can't be refreshed: the cmdb can't be asked: the disk is on fire"))
        #expect(words.contains("The cache was synced "))
        #expect(words.contains("drawbar degrade --system cmdb "))
      }
      #expect(source.asked == 1 + said.count)
      source.fail(with: nil)
      source.answer(["web-01"])
      said = [try await refused { try await releases.create(group: "web", version: "2", by: "ann") }]
      #expect(said[0].contains("lacks 3 of the 4"))
      #expect(said[0].contains("drawbar group sync web --shrink"))
      #expect(try await releases.deployments().isEmpty)
      try await releases.sync(group: "web", shrink: true)
      #expect(try await releases.create(group: "web", version: "2", by: "ann").targets.count == 1)
    }
  }

  @Test func withTheSwitchThrownNothingIsAsked() async throws {
    try await Stand.run(servers: 3) { stand in
      let (releases, source) = try await stand.withCMDB(["web-01", "web-02", "web-03"])
      source.fail(with: "gone")
      try await releases.degrade([.cmdb], for: 60_000, by: "ann", reason: "it is down")
      _ = try await releases.preview(group: "web", version: "2")
      stand.fleet.change { $0.failing = [.init(version: "2", stage: .verify, host: "web-01")] }
      try await releases.create(group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .smokeFailure)
      stand.fleet.change { $0.failing = [] }
      try await releases.act("web-1", .retry, by: "ann")
      #expect(try await stand.follow("web-1", to: .success).states == ["SUCCESS": 3])
      #expect(source.asked == 1)
      let refused = try await #require(throws: ReleaseError.self) { try await releases.sync(group: "web") }
      #expect("\(refused)".contains("cmdb is left out, by ann: it is down"))
      #expect(source.asked == 1)
    }
  }

  @Test func aRetryFollowsTheSource() async throws {
    var config = DeploymentConfig.automatic
    (config.bastion, config.brakeRatio) = (false, 17)
    try await Stand.run(servers: 13, config: config) { stand in
      let hosts = stand.group.servers.map(\.host)
      let (releases, source) = try await stand.withCMDB(Array(hosts.prefix(12)))
      stand.fleet.change {
        $0.failing = [
          .init(version: "2", stage: .verify, host: "web-01"),
          .init(version: "2", stage: .verify, host: "web-02"),
        ]
      }
      try await releases.create(group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .braked)
      // Two go, a new one comes; the deployment doesn't know before its retry.
      source.answer(hosts.filter { !["web-01", "web-12"].contains($0) })
      try await releases.changed(group: "web")
      #expect(try await releases.look("web-1").deployment.targets.count == 12)
      stand.fleet.change { $0.failing = [] }
      source.fail(with: "gone")
      await #expect(throws: ReleaseError.self) { try await releases.act("web-1", .retry, by: "ann") }
      #expect(try await releases.look("web-1").deployment.state == .braked)
      source.fail(with: nil)
      try await releases.act("web-1", .retry, by: "ann")
      let view = try await stand.follow("web-1", to: .success)
      // Of those that succeeded, the one in a batch with failed ones is only looked at.
      #expect(view.states == ["SUCCESS": 10, "SKIPPED": 1, "EXCLUDED": 2])
      #expect(stand.fleet.host("web-13").version == "2")
      #expect(stand.fleet.host("web-12").begun == [:])
    }
  }

  /// The way back must be open whatever else is down.
  @Test func aRollbackDoesNotWaitForTheSource() async throws {
    try await Stand.run(servers: 3) { stand in
      let (releases, source) = try await stand.withCMDB(["web-01", "web-02", "web-03"])
      stand.fleet.change { $0.failing = [.init(version: "2", stage: .markup, host: "web-02")] }
      try await releases.create(group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .braked)
      source.fail(with: "gone")
      let asked = source.asked
      stand.fleet.change { $0.failing = [.init(version: "1", stage: .verify, host: "web-01")] }
      try await releases.rollback("web-1", by: "ann")
      try await stand.follow("web-2", to: .failure)
      // Nor does its retry.
      stand.fleet.change { $0.failing = [] }
      try await releases.act("web-2", .retry, by: "ann")
      try await stand.follow("web-2", to: .success)
      #expect(stand.fleet.versions["2"] == nil)
      #expect(source.asked == asked)
    }
  }

  /// The source may be away when the turn of a group has come.
  @Test func aCampaignGoesOnOnceTheSourceAnswers() async throws {
    try await Stand.run(servers: 3, coordinators: 0) { stand in
      let (releases, source) = try await stand.withCMDB(["web-01", "web-02", "web-03"])
      try await releases.createCampaign(
        "night", waves: [["web"]], versions: ["web": "2"], limit: 1, by: "ann")
      source.fail(with: "gone")
      let asked = source.asked
      let begun = try await releases.act(campaign: "night", .start, by: "ann")
      #expect(begun.held["web"]?.contains("gone. The cache was synced ") == true)
      // Its coordinators ask again by themselves, and again.
      let coordinator = try Coordinator.worker(releases, lease: .seconds(2), logger: quiet)
      try await whileRunning([coordinator]) {
        try await eventually("it was tried more often than the start's own looks") {
          source.asked >= asked + 4
        }
        #expect(try await releases.campaign("night").held["web"]?.contains("gone") == true)
        source.fail(with: nil)
        try await eventually("the campaign is through") {
          try await releases.campaign("night").campaign.state == .success
        }
      }
      #expect(try await releases.campaign("night").held == [:])
    }
  }

  @Test func aFileIsAppliedOnceItsSourceAnswered() async throws {
    try await Stand.run(servers: 2) { stand in
      let source = FakeSource(["web-01", "web-02"])
      let releases = stand.releases(asking: source)
      var group = stand.group
      group.cmdb = CMDB(url: "http://cmdb/web")
      source.fail(with: "gone")
      await #expect(throws: ReleaseError.self) { try await releases.apply(group) }
      #expect(try await stand.store.group("web")?.group == stand.group, "the list that there was holds")
      source.fail(with: nil)
      source.answer([])
      await #expect(throws: ReleaseError.self) { try await releases.apply(group) }
      source.answer(["web-01", "web-02"])
      #expect(try await releases.apply(group) == .changed(revision: 2))
      // Later it may fail: the servers known stay.
      source.fail(with: "gone")
      var warnings: [String] = []
      group.site = "ams"
      #expect(try await releases.apply(group) { warnings.append($0) } == .changed(revision: 3))
      #expect(warnings.first?.contains("gone. The cache was synced ") == true)
      #expect(try await stand.store.group("web")?.group.servers.count == 2)
      source.fail(with: nil)
      source.answer(["web-01", "web-02", "web-03"])
      #expect(try await releases.apply(group) == .changed(revision: 4))
      #expect(try await releases.apply(group) == .unchanged(revision: 4))
      var old = stand.group
      old.name = "old"
      try await releases.apply(old)
      await #expect(throws: ReleaseError.noSource(group: "old")) { try await releases.sync(group: "old") }
    }
  }

  /// Flags of who left stay: it may come back as broken as it was.
  @Test func oneThatWasPulledOutAndThenLeftIsNotReleased() async throws {
    var config = DeploymentConfig.automatic
    config.gates.bake = .manual
    try await Stand.run(servers: 4, config: config) { stand in
      let (releases, source) = try await stand.withCMDB(["web-01", "web-02", "web-03", "web-04"])
      try await releases.create(group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .smokeSuccess)
      try await releases.pullOut(["web-04"], of: "web", by: "bob", reason: "goes to the scrap yard")
      try await eventually("it is out") { stand.fleet.outOfService == ["web-01", "web-04"] }
      source.answer(["web-01", "web-02", "web-03"])
      try await releases.changed(group: "web")
      try await releases.act("web-1", .bake, by: "ann")
      #expect(try await stand.follow("web-1", to: .success).states == ["SUCCESS": 3, "EXCLUDED": 1])
      #expect(stand.fleet.host("web-04").begun == [:])
      try await releases.changed(group: "web")
      #expect(
        try await stand.store.flags(of: "web")["web-04"]?[.operator]?.reason == "goes to the scrap yard")
    }
  }

  @Test func oneGroupsErrorEndsNoLook() async throws {
    try await Stand.run(servers: 2, workers: 0, coordinators: 0) { stand in
      let (releases, source) = try await stand.withCMDB(["web-01", "web-02"])
      var group = try #require(try await stand.store.group("web")?.group)
      group.cmdb?.refresh = 0
      for name in ["aaa", "web"] {
        group.name = name
        try await stand.store.apply(group)
      }
      let cmdb = try #require(group.cmdb)
      // Nothing that a sync could be kept in.
      let answer = try await stand.store.redis.send(
        RedisCommand("SET", .init(stand.store.cacheKey("aaa", cmdb)), "x"))
      #expect(answer.error == nil)
      await #expect(throws: FleetStoreError.self) { try await releases.sync(group: "aaa") }
      try await releases.refreshOld()
      #expect(source.asked == 2)
    }
  }

  @Test func theRegularLookRefreshesWhatIsOld() async throws {
    try await Stand.run(servers: 2, workers: 0, coordinators: 0) { stand in
      let (releases, source) = try await stand.withCMDB(["web-01", "web-02"])
      try await releases.refreshOld()
      #expect(source.asked == 1, "it is young")
      var group = try #require(try await stand.store.group("web")?.group)
      group.cmdb?.refresh = 0
      try await stand.store.apply(group)
      try await releases.refreshOld()
      #expect(source.asked == 2)
      source.fail(with: "gone")
      try await releases.refreshOld()
      #expect(source.asked == 3)
      #expect(try await stand.store.group("web")?.cache?.failure?.reason.contains("gone") == true)
      try await releases.degrade([.cmdb], for: 60_000, by: "ann", reason: "it is down")
      try await releases.refreshOld()
      #expect(source.asked == 3)
    }
  }
}

extension Plan {
  fileprivate var targets: Int { batches.reduce(0) { $0 + $1.targets.count } }
}

extension Stand {
  fileprivate func releases(asking source: FakeSource) -> Releases {
    let fake = fleet
    return Releases(
      queue: queue, fleet: store, packages: PackageStore(directory: directory), balancers: { _ in fake },
      reported: { fake.reported(by: $0) }, proven: { _, _ in nil }, metadata: source, logger: quiet)
  }

  /// Makes the group's servers those of a source, which is asked once for that.
  fileprivate func withCMDB(_ hosts: [String]) async throws -> (Releases, FakeSource) {
    let source = FakeSource(hosts)
    let releases = releases(asking: source)
    var group = group
    group.cmdb = CMDB(url: "http://cmdb/web")
    try await releases.apply(group, shrink: true)
    return (releases, source)
  }
}

/// A source in memory that counts, and can be made to fail.
private final class FakeSource: MetadataSource {
  private struct State {
    var hosts: [String]
    var failure: String?
    var asked = 0
  }

  private let state: Mutex<State>

  init(_ hosts: [String]) { state = Mutex(State(hosts: hosts)) }

  var asked: Int { state.withLock(\.asked) }
  func answer(_ hosts: [String]) { state.withLock { $0.hosts = hosts } }
  func fail(with reason: String?) { state.withLock { $0.failure = reason } }

  struct Down: Error, CustomStringConvertible { var description: String }

  func servers(of group: String, from cmdb: CMDB) async throws -> ServerList {
    let (hosts, failure) = state.withLock { state in
      state.asked += 1
      return (state.hosts, state.failure)
    }
    if let failure { throw Down(description: failure) }
    return try ServerList(
      hosts.enumerated().map {
        Server(host: $1, address: "127.0.0.1", port: 8_000 + $0, directory: "/srv/\($1)")
      })
  }
}
