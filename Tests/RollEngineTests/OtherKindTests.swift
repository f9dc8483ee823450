import Fleet
import Rollout
import Synchronization
import Testing

@testable import RollEngine

/// Scale-outs and day-2 runs.
@Suite(.timeLimit(.minutes(2))) struct OtherKindTests {
  @Test func aScaleOutTouchesOnlyTheServersThatLackTheVersion() async throws {
    try await Stand.run(servers: 9) { stand in
      let releases = stand.releases
      await #expect(throws: ReleaseError.self) { try await releases.scaleOut("web", by: "ann") }
      stand.fleet.change { state in
        for host in ["web-03", "web-08"] { state.hosts[host]?.version = "0" }
      }
      #expect(try await releases.previewScaleOut("web").batches.flatMap(\.targets).count == 2)
      let created = try await releases.scaleOut(
        "web", options: ReleaseOptions(start: true), by: "ann", reason: "two more")
      #expect(created.kind == .scaleOut)
      #expect(created.package.version == "1")
      let view = try await stand.follow("web-1", to: .success)
      #expect(Set(view.deployment.targets.map(\.host)) == ["web-03", "web-08"])
      #expect(view.deployment.bastion == nil)
      #expect(stand.fleet.versions == ["1": 9])
      #expect(stand.fleet.host("web-01").begun == [:])
      await #expect(throws: ReleaseError.notRolledBack(origin: "web-1", kind: .scaleOut)) {
        try await releases.rollback("web-1", by: "ann")
      }
    }
  }

  @Test func aRetriedScaleOutTakesNewServersThatLackTheVersionAndNoOthers() async throws {
    try await Stand.run(servers: 9) { stand in
      stand.fleet.change { state in
        for host in ["web-03", "web-08"] {
          state.hosts[host]?.version = "0"
          state.failing.append(.init(version: "1", stage: .verify, host: host))
        }
      }
      try await stand.releases.scaleOut("web", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .braked)
      // Of those that come meanwhile one is at the version and one can't be asked; nor can one that was left alone.
      try await stand.changeGroup(add: ["web-10": "0", "web-11": "1", "web-12": "0"])
      stand.fleet.change { ($0.failing, $0.silent) = ([], ["web-05", "web-12"]) }
      try await stand.releases.act("web-1", .retry, by: "ann")
      let view = try await stand.follow("web-1", to: .success)
      #expect(
        Set(view.deployment.targets.map(\.host)) == ["web-03", "web-08", "web-10", "web-12"])
      #expect(view.states == ["SUCCESS": 4])
      #expect(stand.fleet.versions == ["1": 12])
      #expect(stand.fleet.host("web-05").begun == [:])
    }
  }

  @Test func aRestartGoesOverTheFleetAndChangesNoVersion() async throws {
    try await Stand.run(servers: 8) { stand in
      try await stand.releases.run(
        DayTwo(script: "restart"), on: "web", options: ReleaseOptions(start: true), by: "ann")
      let view = try await stand.follow("web-1", to: .success)
      #expect(view.deployment.kind == .dayTwo)
      #expect(
        view.deployment.targets.allSatisfy { $0.times.map(\.stage) == [.markdown, .run, .verify, .markup] })
      #expect(stand.fleet.state.withLock(\.ran).count == 8)
      #expect(stand.fleet.state.withLock { $0.mostOut } <= 2)
      #expect(stand.fleet.versions == ["1": 8])
      #expect(stand.fleet.outOfService == [])
      // It brings no version, so a release after it comes from the one that the group ran before.
      #expect(try await stand.releases.ledger("web").ledger.history == [])
      #expect(try await stand.releases.create(group: "web", version: "2", by: "ann").fromVersion == "1")
    }
  }

  @Test func aScriptOfTheGroupOrAFileRunsWhereTheServersStand() async throws {
    try await Stand.run(servers: 4) { stand in
      let run = DayTwo(script: "clean", arguments: ["--older-than", "7 d"], drained: false)
      await #expect(throws: ReleaseError.unknownScript("clean", group: "web", known: [])) {
        try await stand.releases.run(run, on: "web", by: "ann")
      }
      try await stand.releases.run(
        run, on: "web", content: "#!/bin/sh\n", options: ReleaseOptions(start: true), by: "ann")
      let view = try await stand.follow("web-1", to: .success)
      #expect(view.deployment.targets.allSatisfy { $0.times.map(\.stage) == [.run] })
      #expect(
        stand.fleet.state.withLock(\.ran).values.allSatisfy { $0 == ["clean", "--older-than", "7 d"] })
      #expect(stand.fleet.state.withLock { $0.mostOut } == 0)
      var group = stand.group
      group.scripts["clean"] = "#!/bin/sh\nexit 0\n"
      try await stand.store.apply(group)
      try await stand.releases.run(run, on: "web", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-2", to: .success)
    }
  }

  @Test func aFailingScriptBrakes() async throws {
    try await Stand.run(servers: 8) { stand in
      stand.fleet.change {
        $0.failing = (1...8).map { .init(version: "1", stage: .run, host: "web-0\($0)") }
      }
      try await stand.releases.run(
        DayTwo(script: "restart"), on: "web", options: ReleaseOptions(start: true), by: "ann")
      let view = try await stand.follow("web-1", to: .braked)
      #expect(view.failures == 2)
      #expect(view.states == ["RUN_FAILURE": 2, "PENDING": 6])
    }
  }
}
