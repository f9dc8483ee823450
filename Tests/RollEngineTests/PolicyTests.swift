import Fleet
import RollEngine
import Rollout
import Testing

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
      try await stand.eventually("it is rolled back") {
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
      try await stand.eventually("it is rolled back") { stand.fleet.versions == ["1": 5] }
      let rollback = try await stand.follow("web-2", to: .success).deployment
      #expect(rollback.createdBy == "policy canary")
      let why = try #require(rollback.log.first?.why)
      #expect(why.contains("the check errors failed 2 times in a row"))
      #expect(why.contains("too many"))
    }
  }
}
