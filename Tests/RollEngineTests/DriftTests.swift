import Delivery
import RollEngine
import Rollout
import TestSupport
import Testing

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
}
