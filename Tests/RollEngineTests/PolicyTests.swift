import Fleet
import Rollout
import TaskQueue
import TestSupport
import Testing

@testable import RollEngine

/// Rollbacks that a policy decides.
@Suite(.timeLimit(.minutes(2))) struct PolicyTests {
  private func config(_ policy: RollbackPolicy) -> DeploymentConfig {
    var config = DeploymentConfig.automatic
    config.rollback = policy
    return config
  }

  @Test func aBrakeIsTakenBackByThePolicy() async throws {
    try await Stand.run(servers: 9, config: config(RollbackPolicy(name: "safe", marksBad: true))) { stand in
      stand.fleet.change {
        $0.failing = [
          .init(version: "2", stage: .verify, host: "web-02"),
          .init(version: "2", stage: .verify, host: "web-03"),
        ]
      }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await eventually("it is rolled back") {
        try await stand.releases.deployments(group: "web").first.map {
          $0.origin == "web-1" && $0.state == .success
        } ?? false
      }
      #expect(stand.fleet.versions == ["1": 9])
      #expect(stand.fleet.outOfService == [])
      let rollback = try await stand.releases.look("web-2").deployment
      #expect(rollback.createdBy == "policy safe")
      #expect(rollback.log.first?.why?.contains("by policy safe: web-1 is BRAKED") == true)
      let origin = try await stand.releases.look("web-1").deployment
      #expect(origin.log.contains { $0.what == "mark-bad" && $0.by == "policy safe" })
      await #expect(throws: ReleaseError.self) {
        try await stand.releases.create(group: "web", version: "2", by: "ann")
      }
      // Once.
      for _ in 0..<3 { try await stand.releases.advance("web-1") }
      #expect(try await stand.releases.deployments(group: "web").count == 2)
    }
  }

  @Test func checksThatFailAfterTheReleaseTakeItBack() async throws {
    let watch = Watch(
      checks: [
        Check(name: "fine", probe: .command(["true"])),
        Check(name: "errors", probe: .command(["sh", "-c", "echo too many >&2; exit 3"])),
      ], time: 60_000, every: 1_000, failures: 2)
    try await Stand.run(servers: 5, config: config(RollbackPolicy(name: "canary", watch: watch))) { stand in
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .success)
      try await eventually("it is rolled back") { stand.fleet.versions == ["1": 5] }
      let rollback = try await stand.follow("web-2", to: .success).deployment
      #expect(rollback.createdBy == "policy canary")
      let why = try #require(rollback.log.first?.why)
      #expect(why.contains("the check errors failed 2 times in a row"))
      #expect(why.contains("too many"))
    }
  }

  /// A release that its policy has ordered back, and nobody there to do so.
  private func withOrder(_ body: @escaping @Sendable (Stand) async throws -> Void) async throws {
    try await Stand.run(servers: 9, config: config(RollbackPolicy(name: "safe")), coordinators: 0) { stand in
      stand.fleet.change { state in
        state.failing = ["web-02", "web-03"].map { .init(version: "2", stage: .verify, host: $0) }
      }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await eventually("it is ordered") {
        try await stand.releases.advance("web-1")
        return try await stand.releases.look("web-1").deployment.rollbackOrder != nil
      }
      try await body(stand)
    }
  }

  private func owed(_ stand: Stand) async throws -> String? {
    try await stand.releases.ledger("web").ledger.owedRollback
  }

  @Test func anOrderThatWasLostWithItsCoordinatorIsCarriedOutOnce() async throws {
    try await withOrder { stand in
      let releases = stand.releases
      #expect(try await owed(stand) == "web-1")
      // The work is gone: whoever had it died again and again.
      let revision = try await releases.load("web-1").revision
      let work = try (1...revision).map { try Names.rollback("web-1", $0) }
      let found = try await stand.queue.status(work).enumerated().filter { $1 != nil }.map(\.offset)
      #expect(found.count == 1)
      for index in found { _ = try await stand.queue.cancel([Cancellation(work[index], .now)]) }
      // Several find it at once.
      try await withThrowingTaskGroup { tasks in
        for _ in 0..<4 { tasks.addTask { _ = try await releases.sweep() } }
        try await tasks.waitForAll()
      }
      #expect(try await owed(stand) == nil)
      try await stand.serve(workers: 0, coordinators: 1) {
        try await stand.follow("web-2", to: .success)
      }
      let origin = try await releases.look("web-1").deployment
      #expect(origin.state == .revoked && origin.successor == "web-2")
      #expect(!origin.log.contains { $0.what == "rollback refused" })
      // One who was away since before it was done comes back.
      #expect(try await releases.takeBack("web-1", onlyIfOwed: true, by: "late", reason: nil) == nil)
      try await releases.takeBackAsOrdered("web-1")
      #expect(try await releases.deployments(group: "web").count == 2)
    }
  }

  @Test func aRetryTakesTheOrderBack() async throws {
    try await withOrder { stand in
      stand.fleet.change { $0.failing = [] }
      try await eventually("it rests") { try await stand.releases.look("web-1").isAtRest }
      try await stand.releases.act("web-1", .retry, by: "ann")
      #expect(try await owed(stand) == nil)
      #expect(
        try await stand.releases.takeBack("web-1", onlyIfOwed: true, by: "late", reason: nil) == nil)
      try await stand.serve(workers: 0, coordinators: 1) {
        try await stand.follow("web-1", to: .success)
      }
      #expect(try await stand.releases.deployments(group: "web").count == 1)
    }
  }

  /// Another one may have the packages, and the load balancer may answer later.
  @Test func whatThisCoordinatorLacksStaysOwed() async throws {
    try await withOrder { stand in
      let bare = Releases(
        queue: stand.queue, fleet: stand.store, packages: nil, balancers: { _ in stand.fleet }, logger: quiet)
      _ = try await bare.sweep()
      #expect(try await owed(stand) == "web-1")
      stand.fleet.change { $0.reachable = false }
      _ = try await stand.releases.sweep()
      #expect(try await owed(stand) == "web-1")
      #expect(
        !(try await stand.releases.look("web-1").deployment.log.contains { $0.what == "rollback refused" }))
      stand.fleet.change { $0.reachable = true }
      _ = try await stand.releases.sweep()
      #expect(try await owed(stand) == nil)
      #expect(try await stand.releases.look("web-2").deployment.origin == "web-1")
    }
  }

  @Test func aRollbackThatCannotBeIsToldOfOnceAndOwedNoLonger() async throws {
    try await withOrder { stand in
      var group = stand.group
      group.baselineVersion = nil
      try await stand.store.apply(group)
      _ = try await stand.releases.sweep()
      _ = try await stand.releases.sweep()
      #expect(try await owed(stand) == nil)
      let origin = try await stand.releases.look("web-1").deployment
      #expect(origin.state == .braked)
      #expect(origin.log.filter { $0.what == "rollback refused" && $0.by == "policy safe" }.count == 1)
    }
  }
}
