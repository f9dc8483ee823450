import DemoFleet
import Fleet
import Rollout
import TestSupport
import Testing

@testable import Delivery

/// A real HAProxy that is killed and started again while servers are taken out, worked on and put in.
@Suite struct RestartTests {
  private let free: @Sendable () async throws -> Void = {}

  private func withFleet(
    _ size: Int, keepsStates: Bool = false, _ body: (DemoFleet, HAProxyBalancer) async throws -> Void
  ) async throws {
    try await withDirectory { directory in
      try await DemoFleet.run(in: directory, size: size, keepsStates: keepsStates) { fleet in
        let balancer = HAProxyBalancer(fleet.endpoint)
        try await eventually("all are up") {
          try await balancer.servers().values.filter(\.isInService).count == size
        }
        try await body(fleet, balancer)
      }
    }
  }

  @Test func eachStartIsALifeOfItsOwn() async throws {
    try await withFleet(1) { fleet, balancer in
      let first = try await balancer.life()
      #expect(try await balancer.life() == first)
      try await fleet.haproxy.stop()
      #expect(try await failure { _ = try await balancer.life() }.code == .loadBalancer)
      try await fleet.haproxy.start()
      let second = try await balancer.life()
      #expect(second != nil)
      #expect(second != first)
    }
  }

  @Test func aDrainGoesOnInTheNextLife() async throws {
    try await withFleet(2) { fleet, balancer in
      // Held open by a request that lasts: the drain has not ended when HAProxy dies.
      async let slow: Int? = try? fleet.get("slow/20000")
      async let other: Int? = try? fleet.get("slow/20000")
      try await eventually("both serve") {
        try await balancer.servers().values.allSatisfy { $0.sessions == 1 }
      }
      async let left = balancer.takeOut("web-01", drain: .seconds(15), force: false, permit: free)
      try await eventually("it drains") { try await balancer.server("web-01").state == .drain }
      try await fleet.haproxy.stop()
      try await fleet.haproxy.start()
      #expect(try await left == 0)
      #expect(try await balancer.server("web-01").state == .maint)
      #expect(try await balancer.server("web-02").state != .maint)
      _ = await (slow, other)
    }
  }

  @Test func whatIsWorkedOnStaysOut() async throws {
    try await withFleet(2) { fleet, balancer in
      let package = try await fleet.publish("2", broken: .everywhere)
      let stages = Stages(Drivers(packages: fleet.packages))
      let input = fleet.input(0, package, rules: StageRules(startupTimeout: 4_000))
      _ = try await stages.markdown(input, generation: 1)
      _ = try await stages.download(input, generation: 1)
      _ = try await stages.install(input, generation: 1)
      async let verified = failure { _ = try await stages.verify(input, generation: 1) }
      try await fleet.haproxy.stop()
      try await fleet.haproxy.start()
      try await eventually("it is out again") { try await balancer.server("web-01").state == .maint }
      #expect(try await verified.code == .timeout)
      #expect(try await balancer.server("web-01").state == .maint)
    }
  }

  /// HAProxy forgets between Markdown and Install, when nobody works on the server.
  @Test func noAppIsStoppedBeforeItsServerIsSeenToBeOut() async throws {
    try await withFleet(2) { fleet, balancer in
      let package = try await fleet.publish("2")
      let stages = Stages(Drivers(packages: fleet.packages))
      let input = fleet.input(0, package)
      _ = try await stages.markdown(input, generation: 1)
      _ = try await stages.download(input, generation: 1)
      try await fleet.haproxy.stop()
      try await fleet.haproxy.start()
      #expect(try await balancer.server("web-01").state != .maint)
      _ = try await stages.install(input, generation: 1)
      #expect(try await balancer.server("web-01").state == .maint)
    }
  }

  @Test func aMarkupGoesOnInTheNextLife() async throws {
    try await withFleet(2) { fleet, balancer in
      _ = try await balancer.takeOut("web-01", drain: .seconds(5), force: false, permit: free)
      try await fleet.haproxy.stop()
      async let done: Void = balancer.putIn("web-01", within: .seconds(10), permit: free)
      try await fleet.haproxy.start()
      try await done
      #expect(try await balancer.server("web-01").isInService)
      // HAProxy takes a server that was not checked yet for healthy. This one was checked.
      #expect(try await balancer.server("web-01").check?.hasPrefix("L7OK") == true)
    }
  }

  /// It says that all are in service; nobody is skipped for that before it was told who is out.
  @Test func itsWordCountsOnlyOnceItWasTold() async throws {
    try await withFleet(2) { fleet, balancer in
      let input = fleet.input(0, try fleet.packages.locate(app: DemoFleet.app, version: "1"))
      let first = try #require(try await balancer.life())
      #expect(try await balancer.states(of: nil).life == first)
      #expect(try await fleet.stages(Said(told: .only(first))).standing(input) == .done)
      _ = try await balancer.takeOut("web-01", drain: .seconds(5), force: false, permit: free)
      #expect(try await fleet.stages(Said(told: .only(first))).standing(input) == .onlyOut)
      try await fleet.haproxy.stop()
      try await fleet.haproxy.start()
      try await eventually("it says that web-01 serves") { try await balancer.server("web-01").isInService }
      let failure = try await failure {
        _ = try await fleet.stages(Said(told: .only(first))).standing(input)
      }
      #expect(failure.code == .loadBalancer)
      #expect(failure.message.contains("no coordinator has told it since"))
      let second = try await balancer.states(of: "web-01").life
      #expect(try await fleet.stages(Said(told: .only(second))).standing(input) == .done)
    }
  }

  @Test func withAStateFileNothingIsForgotten() async throws {
    try await withFleet(3, keepsStates: true) { fleet, balancer in
      _ = try await balancer.takeOut("web-01", drain: .seconds(5), force: false, permit: free)
      _ = try await balancer.takeOut("web-02", drain: .seconds(5), force: false, permit: free)
      try await balancer.putIn("web-02", within: .seconds(10), permit: free)
      try await fleet.haproxy.stop()
      try await fleet.haproxy.start()
      #expect(try await balancer.server("web-01").state == .maint)
      #expect(try await balancer.server("web-02").state == .up)
      #expect(try await balancer.server("web-03").state == .up)
    }
  }

  @Test func aStateFileThatCannotBeWrittenIsToldOf() async throws {
    try await withFleet(1) { fleet, _ in
      let endpoint = HAProxyEndpoint(
        address: fleet.endpoint.address, backend: fleet.endpoint.backend, stateFile: "/proc/no/such/file")
      let balancer = HAProxyBalancer(endpoint)
      let failure = try await failure {
        _ = try await balancer.takeOut("web-01", drain: .seconds(5), force: false, permit: free)
      }
      #expect(failure.message.contains("/proc/no/such/file"))
    }
  }

  /// A worker that was away has no say over a server where newer work has been.
  @Test func lateWorkHoldsNothingOut() async throws {
    try await withFleet(2) { fleet, balancer in
      let package = try fleet.packages.locate(app: DemoFleet.app, version: "1")
      let stages = Stages(Drivers(packages: fleet.packages))
      let input = fleet.input(0, package)
      _ = try await stages.markdown(input, generation: 2)
      _ = try await stages.markup(input, generation: 3)
      #expect(try await failure { _ = try await stages.install(input, generation: 2) }.code == .fenced)
      #expect(try await balancer.server("web-01").isInService)
    }
  }
}
