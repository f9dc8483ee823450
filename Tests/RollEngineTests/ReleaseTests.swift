import Delivery
import Fleet
import RollEngine
import Rollout
import Synchronization
import TaskQueue
import TestSupport
import Testing

/// Releases on the real queue, with stages that only change numbers in memory.
@Suite(.timeLimit(.minutes(2))) struct ReleaseTests {
  @Test func aReleaseGoesThroughByItself() async throws {
    try await Stand.run(servers: 9) { stand in
      let created = try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      #expect(created.id == "web-1")
      #expect(created.fromVersion == "1")
      let view = try await stand.follow("web-1", to: .success)
      #expect(view.states == ["SUCCESS": 9])
      #expect(stand.fleet.versions == ["2": 9])
      #expect(stand.fleet.outOfService == [])
      #expect(view.deployment.targets.allSatisfy { $0.times.map(\.stage) == Stage.rolling })
      // Every stage of every target was accepted once; the bastion was verified twice.
      for target in view.deployment.targets {
        let verified = target.host == view.deployment.bastion?.host ? 2 : 1
        #expect(
          stand.fleet.host(target.host).done
            == [.markdown: 1, .download: 1, .install: 1, .verify: verified, .markup: 1])
      }
      #expect(stand.fleet.state.withLock { $0.mostOut } <= 2)
      // The same version once more: nothing is touched but the bastion, which is never skipped.
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      let again = try await stand.follow("web-2", to: .success)
      #expect(again.states == ["SUCCESS": 1, "SKIPPED": 8])
    }
  }

  @Test func hostsThatKnewAnotherRedisAcceptOneThatBeginsAnew() async throws {
    let tokens = Mutex<[FenceToken]>([])
    // The first Redis counts further than the second.
    for releases in [2, 1] {
      let began = ContinuousClock.now
      try await Stand.run(servers: 1) { stand in
        for number in 1...releases {
          try await stand.releases.create(
            group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
          try await stand.follow("web-\(number)", to: .success)
        }
        let token = stand.fleet.host("web-01").token
        tokens.withLock { $0 += [token].compactMap { $0 } }
      }
      // The epoch is counted in seconds.
      while ContinuousClock.now - began < .seconds(1) { try await Task.sleep(for: .milliseconds(10)) }
    }
    let seen = tokens.withLock { $0 }
    #expect(seen.count == 2)
    #expect(seen[0].deployment > seen[1].deployment)
    #expect(seen[0] < seen[1])
  }

  @Test func manualGatesWaitForPeople() async throws {
    try await Stand.run(servers: 4, config: DeploymentConfig()) { stand in
      let releases = stand.releases
      #expect(try await releases.create(group: "web", version: "2", by: "ann").state == .pending)
      #expect(try await releases.resolve("web") == "web-1")
      #expect(try await releases.act("web-1", .start, by: "ann").state == .smoking)
      try await stand.follow("web-1", to: .smokeSuccess)
      #expect(stand.fleet.outOfService == ["web-01"])
      await #expect(throws: ReleaseError.self) { try await releases.act("web-1", .rollout, by: "bob") }
      try await releases.act("web-1", .bake, by: "bob", reason: "looks good")
      try await stand.follow("web-1", to: .bakeSuccess)
      #expect(stand.fleet.versions == ["1": 3, "2": 1])
      try await releases.act("web-1", .rollout, by: "bob")
      let view = try await stand.follow("web-1", to: .success)
      #expect(view.deployment.log.contains { $0.by == "bob" && $0.what == "bake" && $0.why == "looks good" })
    }
  }

  @Test func theBrakeStopsItAndARollbackTakesItBack() async throws {
    try await Stand.run(servers: 12) { stand in
      let releases = stand.releases
      try await releases.create(group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .success)
      stand.fleet.change {
        $0.failing = [
          .init(version: "3", stage: .verify, host: "web-02"),
          .init(version: "3", stage: .verify, host: "web-07"),
        ]
      }
      let plan = try await releases.preview(group: "web", version: "3")
      #expect(plan.numbers == PlanNumbers(rolling: 11, batchSize: 2, limit: 2, minInService: 1))
      try await releases.create(group: "web", version: "3", options: ReleaseOptions(start: true), by: "ann")
      let braked = try await stand.follow("web-2", to: .braked)
      #expect(braked.states == ["SUCCESS": 5, "VERIFY_FAILURE": 2, "PENDING": 5])
      #expect(braked.failures == 2)
      let failed = try #require(braked.deployment.targets.first { $0.state.isFailure })
      #expect(failed.failure == Failure(code: .script, message: "as told", log: "line 1\nline 2"))
      #expect(stand.fleet.outOfService == ["web-02", "web-07"])
      await #expect(throws: ReleaseError.busy(group: "web", active: "web-2", state: .braked)) {
        try await releases.create(group: "web", version: "2", by: "ann")
      }

      let rollback = try await releases.rollback("web", by: "ann", reason: "it fails")
      #expect(rollback.package.version == "2")
      #expect(rollback.origin == "web-2")
      let back = try await stand.follow("web-3", to: .success)
      #expect(back.deployment.targets.count == 7)
      #expect(back.deployment.batches.map(\.targets.count) == [4, 3])
      #expect(back.deployment.batches[0].targets.prefix(2).map(\.host).sorted() == ["web-02", "web-07"])
      #expect(stand.fleet.versions == ["2": 12])
      #expect(stand.fleet.outOfService == [])
      let origin = try await releases.look("web-2").deployment
      #expect(origin.state == .revoked)
      #expect(origin.revoking?.from == .braked)
      #expect(try await releases.deployments(group: "web").map(\.id) == ["web-3", "web-2", "web-1"])
    }
  }

  @Test func aBadVersionStopsAtTheBastion() async throws {
    try await Stand.run(servers: 6) { stand in
      stand.fleet.change {
        $0.failing = (1...6).map { .init(version: "3", stage: .verify, host: "web-0\($0)") }
      }
      try await stand.releases.create(
        group: "web", version: "3", options: ReleaseOptions(start: true), by: "ann")
      let view = try await stand.follow("web-1", to: .smokeFailure)
      #expect(view.states == ["VERIFY_FAILURE": 1, "PENDING": 5])
      #expect(stand.fleet.versions == ["1": 5, "3": 1])
      // No release ended well before it: the way back is the group's baseline.
      let rollback = try await stand.releases.rollback("web-1", by: "ann")
      #expect(rollback.package.version == "1")
      try await stand.follow(rollback.id, to: .success)
      #expect(stand.fleet.versions == ["1": 6])
      #expect(stand.fleet.outOfService == [])
    }
  }

  @Test func aRetryGoesOnWhereItFailed() async throws {
    try await Stand.run(servers: 9) { stand in
      stand.fleet.change {
        $0.failing = [
          .init(version: "2", stage: .install, host: "web-02"),
          .init(version: "2", stage: .install, host: "web-03"),
          .init(version: "2", stage: .install, host: "web-04"),
        ]
      }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      let braked = try await stand.follow("web-1", to: .braked)
      #expect(braked.failures == 2)
      await #expect(throws: ReleaseError.self) {
        try await stand.releases.act("web-1", .resume(override: nil), by: "ann")
      }
      stand.fleet.change { $0.failing = [] }
      try await stand.releases.act("web-1", .retry, by: "ann")
      let view = try await stand.follow("web-1", to: .success)
      #expect(view.deployment.attempt == 2)
      #expect(stand.fleet.versions == ["2": 9])
      #expect(stand.fleet.host("web-02").begun[.install] == 2)
      #expect(stand.fleet.host("web-05").begun[.install] == 1)
    }
  }

  @Test func pauseAndContinueInTheMiddleOfABatch() async throws {
    var config = DeploymentConfig.automatic
    config.bastion = false
    config.maxPullOutRatio = 50
    try await Stand.run(servers: 40, config: config) { stand in
      stand.fleet.change { $0.gates = [.download] }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await eventually("the worker is full") {
        try await stand.releases.look("web-1").underWay.count == 20 && stand.fleet.outOfService.count == 16
      }
      #expect(try await stand.releases.act("web-1", .pause, by: "ann").state == .paused)
      stand.fleet.change { $0.gates = [] }
      let paused = try await stand.follow("web-1", to: .paused)
      #expect(paused.states == ["SUCCESS": 16, "PENDING": 24])
      #expect(paused.underWay.isEmpty)
      try await stand.releases.act("web-1", .continue, by: "ann")
      try await stand.follow("web-1", to: .success)
      #expect(stand.fleet.versions == ["2": 40])
    }
  }

  @Test func anAbortPutsBackWhatHasNotBegunItsInstall() async throws {
    var config = DeploymentConfig.automatic
    config.bastion = false
    try await Stand.run(servers: 12, config: config) { stand in
      stand.fleet.change { $0.gates = [.download] }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await eventually("they download") { stand.fleet.outOfService.count == 3 }
      #expect(try await stand.releases.act("web-1", .abort(forced: false), by: "ann").state == .revoking)
      stand.fleet.change { $0.gates = [] }
      let view = try await stand.follow("web-1", to: .revoked)
      #expect(view.states == ["REVOKED": 12])
      #expect(stand.fleet.versions == ["1": 12])
      #expect(stand.fleet.outOfService == [])
      await #expect(throws: ReleaseError.self) { try await stand.releases.act("web-1", .retry, by: "ann") }
    }
  }

  @Test func aSuccessorStartsWhenTheOneBeforeIsRevoked() async throws {
    var config = DeploymentConfig.automatic
    config.bastion = false
    try await Stand.run(servers: 8, config: config) { stand in
      stand.fleet.change { $0.gates = [.verify] }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await eventually("they verify") {
        stand.fleet.state.withLock { $0.hosts.values.count { $0.begun[.verify] == 1 } } == 2
      }
      let next = try await stand.releases.create(
        group: "web", version: "3", options: ReleaseOptions(supersede: true, start: true), by: "bob")
      #expect(next.state == .pending)
      #expect(next.supersedes == "web-1")
      #expect(try await stand.releases.look("web-1").deployment.state == .revoking)
      await #expect(throws: ReleaseError.self) {
        try await stand.releases.create(
          group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      }
      stand.fleet.change { $0.gates = [] }
      try await stand.follow("web-2", to: .success)
      #expect(stand.fleet.versions == ["3": 8])
      #expect(try await stand.releases.look("web-1").deployment.state == .revoked)
    }
  }

  @Test func whatIsRefusedChangesNothing() async throws {
    try await Stand.run(servers: 4, workers: 0, coordinators: 0) { stand in
      let releases = stand.releases
      await #expect(throws: ReleaseError.unknownGroup("api")) {
        try await releases.create(group: "api", version: "2", by: "ann")
      }
      await #expect(
        throws: ReleaseError.unknownVersion(app: "shop", version: "9", published: ["3", "2", "1"])
      ) {
        try await releases.create(group: "web", version: "9", by: "ann")
      }
      await #expect(throws: ReleaseError.self) {
        try await releases.create(
          group: "web", version: "2", options: ReleaseOptions(maxPullOutRatio: 51), by: "ann")
      }
      await #expect(throws: ReleaseError.unknownDeployment("web")) { try await releases.resolve("web") }
      await #expect(throws: ReleaseError.unknownDeployment("no such/ thing")) {
        try await releases.look("no such/ thing")
      }
      #expect(try await releases.deployments() == [])
      try await releases.create(group: "web", version: "2", by: "ann")
      await #expect(throws: ReleaseError.nothingToRollBack(origin: "web-1")) {
        try await releases.rollback("web", by: "ann")
      }
      await #expect(throws: ReleaseError.self) {
        try await releases.act("web-1", .accept, by: "ann", reason: "why not")
      }
      #expect(try await releases.look("web-1").deployment.state == .pending)
      #expect(try await releases.deployments().map(\.id) == ["web-1"])
    }
  }
}
