import Delivery
import Fleet
import Logging
import Rollout
import Synchronization
import TaskQueue
import TestSupport
import Testing

@testable import RollEngine

/// A load balancer that was restarted says that all are in service: that is not the truth until it was told again.
@Suite(.timeLimit(.minutes(2))) struct RestartedBalancerTests {
  /// Five servers of which one is pulled out, at a balancer that has been told so.
  private func withOneOut(
    _ config: DeploymentConfig = .automatic, _ body: @escaping @Sendable (Stand) async throws -> Void
  ) async throws {
    try await Stand.run(servers: 5, config: config) { stand in
      stand.fleet.change { $0.restart() }
      try await stand.releases.pullOut(["web-05"], of: "web", by: "ann", reason: "disk")
      try await eventually("it is out") { stand.fleet.outOfService == ["web-05"] }
      let facts = try await stand.releases.balancerFacts(stand.group)
      #expect(facts == .inService(Self.four))
      try await body(stand)
    }
  }

  private static let four: Set = ["web-01", "web-02", "web-03", "web-04"]

  @Test func whatItSaysInALifeThatWasNotToldIsNotBelieved() async throws {
    try await withOneOut { stand in
      // Between any two questions: whatever was asserted before is forgotten when the servers are asked for.
      for restarts in 1...2 {
        stand.fleet.change { $0.restartsBeforeAnswers = restarts }
        let facts = try await stand.releases.balancerFacts(stand.group)
        #expect(facts == .inService(Self.four))
        #expect(stand.fleet.outOfService == ["web-05"])
      }
    }
  }

  @Test func oneThatBeginsAnewAgainAndAgainCannotBeAsked() async throws {
    try await withOneOut { stand in
      stand.fleet.change { $0.restartsBeforeAnswers = .max }
      guard case .unreachable(let why) = try await stand.releases.balancerFacts(stand.group) else {
        Issue.record("it was believed")
        return
      }
      #expect(why.contains("does not know yet which servers are out"))
    }
  }

  @Test func noBatchGoesOutOnItsWord() async throws {
    var config = DeploymentConfig.automatic
    config.gates.batches = .manual
    config.minInService = .count(2)
    try await withOneOut(config) { stand in
      let releases = stand.releases
      try await releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await eventually("the second batch waits") {
        let view = try await releases.look("web-1")
        return view.isAtRest && view.deployment.batches[1].state == .success
      }
      // By its word all five serve.
      stand.fleet.change { $0.restartsBeforeAnswers = .max }
      let braked = try await releases.act("web-1", .continue, by: "ann")
      #expect(braked.state == .braked && braked.braked?.cause == .inService)
      #expect(stand.fleet.versions == ["1": 3, "2": 2])
      stand.fleet.change { $0.restartsBeforeAnswers = 0 }
      try await releases.act("web-1", .resume(override: nil), by: "ann")
      #expect(stand.fleet.host("web-05").state == .maint)
    }
  }

  @Test func aPlanIsMadeOfWhatItWasTold() async throws {
    try await withOneOut { stand in
      try await stand.store.clearFlag(.operator, on: "web-05", of: "web")
      try await stand.store.setFlag(.fault, on: "web-04", of: "web", by: "ann", reason: "fan")
      stand.fleet.change { $0.restart() }
      _ = try await stand.releases.preview(group: "web", version: "2")
      #expect(stand.fleet.outOfService == ["web-04"])
    }
  }

  @Test func aRestartThatForgotIsWarnedOf() async throws {
    try await withOneOut { stand in
      let said = Said()
      let releases = Releases(
        queue: stand.queue, fleet: stand.store, packages: nil, balancers: { _ in stand.fleet },
        logger: Logger(label: "test") { _ in said })
      // One that read its servers' states has forgotten nothing.
      stand.fleet.change { state in
        state.restart()
        state.hosts["web-05"]?.state = .maint
      }
      _ = try await releases.balancerFacts(stand.group)
      #expect(said.warnings == [])
      stand.fleet.change { $0.restart() }
      _ = try await releases.balancerFacts(stand.group)
      #expect(said.warnings.count == 1)
      #expect(said.warnings.first?.contains("requests may have reached web-05. Have it read") == true)
      _ = try await releases.balancerFacts(stand.group)
      #expect(said.warnings.count == 1)
    }
  }

  /// Keeps what is warned of.
  private final class Said: LogHandler {
    private let lines = Mutex<[String]>([])
    var warnings: [String] { lines.withLock { $0 } }
    var metadata: Logger.Metadata {
      get { [:] }
      set {}
    }
    var logLevel: Logger.Level {
      get { .warning }
      set {}
    }
    subscript(metadataKey key: String) -> Logger.MetadataValue? {
      get { nil }
      set {}
    }
    func log(event: LogEvent) { lines.withLock { $0.append("\(event.message)") } }
  }

  @Test func whatWasForgottenIsToldWithTheSettingThatPreventsIt() {
    var endpoint = HAProxyEndpoint(address: .unix(path: "/s"), backend: "shop")
    let bare = endpoint.hasForgotten(["web-1", "web-2"])
    #expect(bare.contains("servers of shop are out: until now requests may have reached web-1, web-2."))
    #expect(bare.contains("balancer.haproxy.stateFile in the group's file"))
    endpoint.stateFile = "/var/lib/haproxy/state"
    let unread = endpoint.hasForgotten(["web-1"])
    #expect(
      unread.contains("`server-state-file /var/lib/haproxy/state` and `load-server-state-from-file global`"))
  }
}
