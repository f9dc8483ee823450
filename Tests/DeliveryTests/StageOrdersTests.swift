import DemoFleet
import Fleet
import Logging
import Rollout
import TaskQueue
import TestSupport
import Testing
import Workflows

@testable import Delivery

/// What people say while stages run.
@Suite struct StageOrdersTests {
  private func withFleet(_ body: (DemoFleet, HAProxyBalancer) async throws -> Void) async throws {
    try await withDirectory { directory in
      try await DemoFleet.run(in: directory, size: 2) { fleet in
        let balancer = HAProxyBalancer(fleet.endpoint)
        try await eventually("all are up") {
          try await balancer.servers().values.filter(\.isInService).count == 2
        }
        try await body(fleet, balancer)
      }
    }
  }

  @Test func withoutTheBalancerNothingIsAskedOfIt() async throws {
    try await withFleet { fleet, balancer in
      let stages = fleet.stages(Said(off: .loadBalancer))
      let package = try await fleet.publish("2")
      let input = fleet.input(0, package)
      let same = fleet.input(0, try fleet.packages.locate(app: DemoFleet.app, version: "1"))
      // It is gone for good: no stage waits for it.
      try await fleet.haproxy.stop()
      #expect(try await stages.standing(same) == .doneUnasked)
      let out = try await stages.markdown(input, generation: 1)
      #expect(out.degraded == true)
      #expect(out.note == "DEGRADED: loadBalancer is left out, by ann: fire")
      _ = try await stages.download(input, generation: 1)
      _ = try await stages.install(input, generation: 1)
      _ = try await stages.verify(input, generation: 1)
      #expect(try await stages.markup(input, generation: 1).degraded == true)
      #expect(try await fleet.runningVersions()["web-01"] == "2")
    }
  }

  /// The first try takes the server out and dies; the balancer is left out before the second.
  @Test func aMarkdownThatBeganBeforeIsNotSaidToBeLeftOut() async throws {
    try await withFleet { fleet, balancer in
      let input = fleet.input(0, try await fleet.publish("2"))
      _ = try await fleet.stages(Said()).markdown(input, generation: 1)
      let again = try await fleet.stages(Said(off: .loadBalancer)).markdown(input, generation: 2)
      #expect(again.degraded == nil)
      #expect(again.note == "DEGRADED: loadBalancer is left out, by ann: fire")
      #expect(try await balancer.server("web-01").state == .maint)
    }
  }

  @Test func whatIsSkippedWithoutAskingTheBalancerSaysSo() async throws {
    try await withFleet { fleet, _ in
      var input = fleet.input(0, try fleet.packages.locate(app: DemoFleet.app, version: "1"))
      input.mayBeSkipped = true
      let context = TaskContext(
        chain: try ChainID("a"), link: 0, attempt: 1, crashes: 0, generation: 1, session: "s",
        logger: Logger(label: "test"))
      for (said, note) in [
        (Said(), TargetChain.skipped), (Said(off: .loadBalancer), TargetChain.skippedUnasked),
      ] {
        let task = MarkdownTask(fleet.stages(said).drivers)
        await #expect(throws: ChainControl.finish(note: note)) { _ = try await task.run(input, context) }
      }
    }
  }

  @Test func whatIsPulledOutIsLeftOut() async throws {
    try await withFleet { fleet, balancer in
      let package = try fleet.packages.locate(app: DemoFleet.app, version: "1")
      let input = fleet.input(0, package)
      _ = try await fleet.stages(Said()).markdown(input, generation: 1)
      let stages = fleet.stages(Said(pulledOut: "operator flag by ann: disk"))
      let result = try await stages.markup(input, generation: 1)
      #expect(result.note == "left out of service: operator flag by ann: disk")
      #expect(result.degraded == nil)
      #expect(try await balancer.server("web-01").state == .maint)
      let kept = try await failure { _ = try await stages.putBack(input, generation: 1) }
      #expect(kept.message.contains("stays out of service"))
      #expect(try await balancer.server("web-01").state == .maint)
    }
  }

  @Test func whatWasLeftOutIsPutBackOnceItIsWell() async throws {
    try await withFleet { fleet, balancer in
      let stages = fleet.stages(Said())
      let broken = try await fleet.publish("2", broken: .everywhere)
      var input = fleet.input(0, broken, rules: StageRules(startupTimeout: 700))
      _ = try await stages.markdown(input, generation: 1)
      _ = try await stages.download(input, generation: 1)
      _ = try await stages.install(input, generation: 1)
      let unwell = try await failure { _ = try await stages.putBack(input, generation: 2) }
      #expect(unwell.code == .unreachable)
      #expect(unwell.message.contains("status 503"))
      #expect(try await balancer.server("web-01").state == .maint)
      // Whatever version it runs, where that is well.
      let old = try fleet.packages.locate(app: DemoFleet.app, version: "1")
      input.package = old.reference
      _ = try await stages.install(input, generation: 3)
      input.package = broken.reference
      input.rules.startupTimeout = 20_000
      #expect(try await stages.putBack(input, generation: 4) == "put back on version 1")
      #expect(try await balancer.server("web-01").isInService)
    }
  }
}
