import Delivery
import Rollout
import TaskQueue
import TestSupport
import Testing

@testable import RollEngine

/// What servers are beside what they should be, and their way back.
@Suite(.timeLimit(.minutes(2))) struct DriftTests {
  @Test func driftIsFoundAndHealed() async throws {
    try await Stand.run(servers: 9) { stand in
      let releases = stand.releases
      #expect(try await releases.drift(of: "web").drifts == [])
      await #expect(throws: ReleaseError.self) { try await releases.previewHeal("web") }
      stand.fleet.change { state in
        state.hosts["web-02"]?.version = "0"
        state.hosts["web-05"]?.state = .maint
        state.altered = ["web-07"]
      }
      try await releases.pullOut(["web-03"], of: "web", by: "ann", reason: "disk")
      try await eventually("it is out") { stand.fleet.host("web-03").state == .maint }
      let report = try await releases.drift(of: "web")
      #expect(report.states.count == 9)
      #expect(report.unknown == [])
      #expect(
        report.drifts == [
          Drift(host: "web-02", differences: [.version(should: "1", is: "0")]),
          Drift(host: "web-05", differences: [.inService(should: true)]),
          Drift(
            host: "web-07",
            differences: [.checksum(should: String(repeating: "1", count: 64), is: "altered")]),
        ])
      let plan = try await releases.previewHeal("web")
      #expect(Set(plan.plan.batches.flatMap(\.targets).map(\.host)) == ["web-02", "web-05", "web-07"])
      let heal = try await releases.heal("web", options: ReleaseOptions(start: true), by: "ann")
      #expect(heal.kind == .heal)
      try await stand.follow(heal.id, to: .success)
      #expect(stand.fleet.versions == ["1": 9])
      #expect(stand.fleet.outOfService == ["web-03"])
      #expect(try await releases.drift(of: "web").drifts == [])
      // What is well was not touched.
      #expect(stand.fleet.host("web-01").begun == [:])
    }
  }

  @Test func whatAReleaseWorksOnIsNoDrift() async throws {
    try await Stand.run(servers: 8) { stand in
      stand.fleet.change { $0.gates = [.verify] }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await eventually("the bastion is verified") { stand.fleet.host("web-01").begun[.verify] == 1 }
      let report = try await stand.releases.drift(of: "web")
      #expect(report.drifts == [])
      #expect(report.states.count == 7)
      stand.fleet.change { $0.gates = [] }
      try await stand.follow("web-1", to: .success)
      #expect(try await stand.releases.drift(of: "web").intents.allSatisfy { $0.package?.version == "2" })
    }
  }

  @Test func whatCouldNotBeComparedIsTold() async throws {
    try await Stand.run(servers: 2, coordinators: 0) { stand in
      stand.fleet.change { state in
        state.hosts["web-01"]?.state = .maint
        state.reachable = false
      }
      try await stand.releases.markBad(app: "shop", version: "1", by: "ann", reason: "leaks")
      let report = try await stand.releases.drift(of: "web")
      #expect(report.drifts == [])
      #expect(report.states.allSatisfy { $0.inService == nil })
      #expect(
        report.unknown == [
          "which version servers should run is not known: version 1 of shop is marked bad (leaks); publish another",
          "who is in service is not known: loadBalancer: no answer",
        ])
    }
  }

  @Test func withoutAWorkerItIsSaidSo() async throws {
    try await Stand.run(servers: 2, workers: 0, coordinators: 0) { stand in
      await #expect(throws: ReleaseError.notInspected(group: "web")) {
        try await stand.releases.drift(of: "web", within: .milliseconds(200))
      }
    }
  }

  /// The round that is due at the server's next quarter of an hour, or the one after where that has just come.
  private func waits(_ stand: Stand) async throws -> Bool {
    let round = try await stand.releases.now() / DriftTask.period + 1
    let chains = try await stand.queue.status([Names.driftSweep(round), Names.driftSweep(round + 1)])
    return chains.contains { $0?.state == .due }
  }

  @Test func aScheduledSweepKeepsWhatItFindsAndAsksForTheNext() async throws {
    try await Stand.run(servers: 4) { stand in
      stand.fleet.change { $0.hosts["web-02"]?.version = "0" }
      // Its turn comes first.
      try await stand.spoil("aaa")
      #expect(try await stand.releases.lastDrift(of: "web") == nil)
      // A round of long ago: it is due at once.
      try await stand.queue.submit(stand.releases.nextDriftSweep(now: DriftTask.period - 1))
      try await eventually("the drift is noted") {
        try await stand.releases.lastDrift(of: "web") != nil
      }
      let note = try #require(try await stand.releases.lastDrift(of: "web"))
      #expect(note.servers == 4)
      #expect(note.differences.keys.sorted() == ["web-02"])
      #expect(try await waits(stand))
    }
  }

  /// Without a release, a group, or anybody who calls.
  @Test func aCoordinatorBeginsTheSweepsAtOnce() async throws {
    try await Stand.run(servers: 1, workers: 0, coordinators: 0) { stand in
      #expect(try await !waits(stand))
      try await withThrowingTaskGroup { tasks in
        tasks.addTask { try await RegularLooks(stand.releases, logger: quiet).run() }
        try await eventually("a sweep is due") { try await waits(stand) }
        tasks.cancelAll()
        try await tasks.waitForAll()
      }
    }
  }
}
