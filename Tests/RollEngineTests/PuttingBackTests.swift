import RollEngine
import Rollout
import Synchronization
import TestSupport
import Testing

/// Servers that aborts leave out of service, and their way back.
@Suite(.timeLimit(.minutes(2))) struct PuttingBackTests {
  private var config: DeploymentConfig {
    var config = DeploymentConfig.automatic
    (config.bastion, config.retries) = (false, 0)
    return config
  }

  /// Aborts `web-1` while its first batch of three downloads.
  private func abort(_ stand: Stand, forced: Bool) async throws {
    stand.fleet.change { $0.gates = [.download] }
    try await stand.releases.create(
      group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
    try await eventually("they download") {
      stand.fleet.state.withLock { $0.hosts.values.count { $0.begun[.download] == 1 } } == 3
    }
    try await stand.releases.act("web-1", .abort(forced: forced), by: "ann")
  }

  @Test func owedMarkupsAreMadeOnceTheBalancerIsBack() async throws {
    try await Stand.run(servers: 12, config: config) { stand in
      stand.fleet.change {
        $0.failing = (1...12).map {
          .init(version: "2", stage: .markup, host: "web-\($0 < 10 ? "0" : "")\($0)")
        }
        $0.putBackFails = true
      }
      try await abort(stand, forced: false)
      stand.fleet.change { $0.gates = [] }
      let view = try await stand.follow("web-1", to: .revoked)
      let hosts = try #require(view.deployment.revoking?.owed)
      #expect(hosts.count == 3)
      try await eventually("they were tried in vain") {
        let owed = try await stand.releases.leftOut(of: "web")
        return owed.map(\.host) == hosts && owed.allSatisfy { $0.owed != nil && $0.lastFailure != nil }
      }
      #expect(stand.fleet.outOfService == hosts)
      stand.fleet.change { $0.putBackFails = false }
      try await eventually("none is left out") { try await stand.releases.leftOut().isEmpty }
      #expect(stand.fleet.outOfService == [])
      #expect(stand.fleet.versions == ["1": 12])
    }
  }

  @Test func whatAForcedAbortLeftOutIsPutBackByCommand() async throws {
    try await Stand.run(servers: 12, config: config) { stand in
      let releases = stand.releases
      try await abort(stand, forced: true)
      stand.fleet.change { $0.gates = [] }
      let view = try await stand.follow("web-1", to: .revoked)
      let hosts = try #require(view.deployment.revoking?.leftOut)
      #expect(hosts.count == 3)
      #expect(try await releases.leftOut().map(\.host) == hosts)
      #expect(try await releases.leftOut().allSatisfy { $0.owed == nil })
      await #expect(throws: ReleaseError.notLeftOut(host: "nobody", group: "web", leftOut: hosts)) {
        try await releases.putBack(["nobody"], of: "web", by: "bob")
      }
      #expect(
        try await releases.putBack([hosts[1]], of: "web", by: "bob", reason: "it is fine") == [hosts[1]])
      try await eventually("one is back") { stand.fleet.outOfService == [hosts[0], hosts[2]] }
      try await eventually("it is struck off") {
        try await releases.leftOut().map(\.host) == [hosts[0], hosts[2]]
      }
      // Again and again, and all that are left.
      try await releases.putBack(of: "web", by: "bob")
      try await releases.putBack(of: "web", by: "bob")
      try await eventually("none is left out") { try await releases.leftOut().isEmpty }
      #expect(stand.fleet.outOfService == [])
      #expect(try await releases.putBack(of: "web", by: "bob") == [])
    }
  }

  @Test func aReleaseUnderWayIsNotMeddledWith() async throws {
    try await Stand.run(servers: 12, config: config) { stand in
      try await abort(stand, forced: true)
      stand.fleet.change { $0.gates = [] }
      try await stand.follow("web-1", to: .revoked)
      stand.fleet.change { $0.gates = [.install] }
      try await stand.releases.create(
        group: "web", version: "3", options: ReleaseOptions(start: true), by: "ann")
      await #expect(throws: ReleaseError.busy(group: "web", active: "web-2", state: .rollingOut)) {
        try await stand.releases.putBack(of: "web", by: "bob")
      }
      stand.fleet.change { $0.gates = [] }
      try await stand.follow("web-2", to: .success)
      // The release has put them in by itself.
      #expect(try await stand.releases.leftOut().isEmpty)
    }
  }
}
