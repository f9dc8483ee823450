import Rollout
import Testing

@testable import RollEngine

/// What a balancer that has begun anew is told.
@Suite struct BalancerIntentTests {
  private func deployment(_ change: (inout Target) -> Void) throws -> Deployment {
    let plan = try makePlan(
      servers: [PlanServer(host: "a", inService: true), PlanServer(host: "b", inService: true)],
      config: DeploymentConfig(bastion: false), production: true)
    var deployment = Deployment(
      id: "web-1", group: "web", number: 1, package: PackageVersion(app: "shop", version: "2", sha256: "0"),
      plan: plan, createdAt: 0, createdBy: "ann")
    change(&deployment.batches[0].targets[0])
    return deployment
  }

  private func intents(
    _ state: TargetState, out: Bool, leftOut: [String] = [], pulledOut: [String] = []
  ) throws -> BalancerIntents {
    try BalancerIntents(
      [
        deployment { target in
          (target.state, target.out) = (state, out)
        }
      ], leftOut: leftOut, pulledOut: pulledOut)
  }

  @Test func whatIsOutGoesOut() throws {
    for state in [TargetState.succeeded(.verify), .running(.install), .failed(.verify), .failed(.markup)] {
      #expect(try intents(state, out: true).out == ["a"])
    }
  }

  @Test func stagesThatMoveItSeeToItThemselves() throws {
    for stage in [Stage.markdown, .markup] {
      let seen = try intents(.running(stage), out: true, leftOut: ["a"])
      #expect(seen.out == [] && seen.into == [])
    }
  }

  @Test func whatWasPutInIsIn() throws {
    let seen = try intents(.success, out: false, leftOut: ["a"])
    #expect(seen.out == [] && seen.into == ["a"])
    #expect(try intents(.pending, out: false).into == [])
  }

  @Test func whatAPersonPulledOutStaysOut() throws {
    let seen = try intents(.success, out: false, pulledOut: ["a"])
    #expect(seen.out == ["a"] && seen.into == [])
  }

  @Test func whatEarlierOnesLeftOutStaysOut() throws {
    #expect(try intents(.pending, out: false, leftOut: ["b"]).out == ["b"])
  }
}
