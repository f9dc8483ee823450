import Fleet
import RollEngine
import Rollout
import Synchronization
import TaskQueue
import TestSupport
import Testing

/// Wake-ups that come twice, late or from many sides; waits that outlive everybody.
@Suite(.timeLimit(.minutes(2))) struct CoordinatorTests {
  @Test func manyCoordinatorsAndIdleLooksChangeNothing() async throws {
    try await Stand.run(servers: 17, workers: 2, coordinators: 3) { stand in
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      // Look from several sides at once for as long as it runs.
      try await withThrowingTaskGroup { tasks in
        for _ in 0..<4 {
          tasks.addTask {
            while try await !stand.releases.look("web-1").deployment.state.isTerminal {
              try await stand.releases.advance("web-1")
            }
          }
        }
        try await tasks.waitForAll()
      }
      let view = try await stand.follow("web-1", to: .success)
      #expect(view.states == ["SUCCESS": 17])
      for target in view.deployment.targets { #expect(stand.fleet.host(target.host).done[.install] == 1) }
      #expect(stand.fleet.state.withLock { $0.mostOut } <= 4)
      // A look at an ended deployment writes nothing.
      let before = try await stand.queue.record(RecordID("deployment/web-1")).revision
      try await stand.releases.advance("web-1")
      #expect(try await stand.queue.record(RecordID("deployment/web-1")).revision == before)
    }
  }

  @Test func aWaitIsATimeAndOutlivesCoordinators() async throws {
    var config = DeploymentConfig.automatic
    config.bastion = false
    config.batchWait = 1_500
    try await Stand.run(servers: 8, config: config, workers: 1, coordinators: 0) { stand in
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.serve(workers: 0, coordinators: 1) {
        try await eventually("the first batch has ended") {
          try await stand.releases.look("web-1").nextStepAt != nil
        }
      }
      let startsAt = try #require(try await stand.releases.look("web-1").nextStepAt)
      // Nobody coordinates any more; somebody new comes, and keeps the time.
      try await stand.serve(workers: 0, coordinators: 1) {
        try await eventually("the second batch has begun") {
          try await stand.releases.look("web-1").deployment.batches[1].startedAt != nil
        }
      }
      let begun = try #require(try await stand.releases.look("web-1").deployment.batches[1].startedAt)
      #expect(begun >= startsAt)
      #expect(begun < startsAt + 10_000)
      #expect(startsAt == (try await stand.releases.look("web-1").deployment.batches[0].endedAt ?? 0) + 1_500)
    }
  }

  @Test func theBrakeOfAllStopsEveryone() async throws {
    try await Stand.run(servers: 8) { stand in
      stand.fleet.change { $0.gates = [.download] }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.releases.brakeAll(by: "bob", reason: "fire")
      let view = try await stand.releases.look("web-1")
      #expect(view.deployment.state == .braked)
      #expect(view.deployment.braked?.reason == "fire (bob)")
      stand.fleet.change { $0.gates = [] }
      try await stand.follow("web-1", to: .braked)
      await #expect(throws: ReleaseError.self) {
        try await stand.releases.act("web-1", .resume(override: nil), by: "ann")
      }
      try await stand.releases.liftBrakeAll()
      try await stand.releases.act("web-1", .resume(override: nil), by: "ann")
      try await stand.follow("web-1", to: .success)
    }
  }

  @Test func aBalancerThatCannotBeAskedBrakes() async throws {
    var config = DeploymentConfig.automatic
    config.bastion = false
    config.gates.batches = .manual
    try await Stand.run(servers: 8, config: config) { stand in
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .rollingOut)
      stand.fleet.change { $0.reachable = false }
      #expect(try await stand.releases.act("web-1", .continue, by: "ann").state == .braked)
      stand.fleet.change { $0.reachable = true }
      try await stand.releases.act("web-1", .resume(override: nil), by: "ann")
      try await eventually("the second batch has ended") {
        try await stand.releases.look("web-1").deployment.batches[1].state == .success
      }
    }
  }

  @Test func acceptFlagsWhatItGivesUp() async throws {
    var config = DeploymentConfig.automatic
    config.brakeRatio = 100
    try await Stand.run(servers: 5, config: config) { stand in
      stand.fleet.change { $0.failing = [.init(version: "2", stage: .download, host: "web-03")] }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .failure)
      let accepted = try await stand.releases.act("web-1", .accept, by: "ann", reason: "scrap")
      #expect(accepted.state == .success)
      try await eventually("the fault flag is set") {
        try await stand.store.flags(of: "web")["web-03"]?[.fault]?.by == "ann"
      }
      // It is left out of the next plan.
      let plan = try await stand.releases.preview(group: "web", version: "3")
      #expect(plan.pulledOut == ["web-03"])
    }
  }
}
