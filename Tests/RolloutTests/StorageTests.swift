import Foundation
import Rollout
import Testing

/// What is stored is read again as it was.
@Suite struct StorageTests {
  @Test func everyStateOfATargetHasItsWord() {
    for state in TargetState.allStates { #expect(TargetState(rawValue: state.rawValue) == state) }
    #expect(TargetState.allStates.count == 23)
    for word in ["", "VERIFY", "VERIFY_", "VERIFY_DONE", "verify_running", "SMOKING"] {
      #expect(TargetState(rawValue: word) == nil)
    }
    #expect(TargetState.failed(.verify).rawValue == "VERIFY_FAILURE")
    #expect(DeploymentState.rollingOut.rawValue == "ROLLING_OUT")
  }

  /// Deployments from the middle of a release, with failures, exclusions and running work.
  @Test(arguments: DeploymentState.allCases) func deploymentsSurviveBeingStored(state: DeploymentState) throws
  {
    var deployment = try TransitionTests.world(in: state).deployment
    deployment.batches[0].targets[0].failure = Failure(code: .lost, message: "gone", log: "a\nb")
    deployment.batches[0].targets[0].stopping = .gently
    deployment.batches[0].targets[0].note = "note"
    deployment.batches[0].targets[0].recheck = true
    deployment.batches[0].targets[0].wasOut = true
    deployment.batches[0].targets[0].times = [StageTime(stage: .verify, startedAt: 5)]
    let stored = try JSONEncoder().encode(deployment)
    #expect(try JSONDecoder().decode(Deployment.self, from: stored) == deployment)
  }

  @Test func whatIsNoTargetIsRefused() {
    for text in [
      #"{"host":"a","stages":"09"}"#, #"{"host":"a","times":[0,1]}"#, #"{"host":"a","state":"X"}"#, "{}",
    ] {
      #expect(throws: DecodingError.self) { try JSONDecoder().decode(Target.self, from: Data(text.utf8)) }
    }
  }
}
