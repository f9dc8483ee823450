import Console
import Testing

@testable import Rollout

@Suite struct BoardTests {
  @Test func theHeaderSaysWhereItStandsAndWhatComesNext() {
    var deployment = example(hosts: ["web-1", "web-2", "web-3", "web-4", "web-5"], batchSize: 2)
    deployment.state = .rollingOut
    deployment.startedAt = 1_000
    deployment.batches[0].state = .success
    deployment.batches[1].state = .failure
    let board = Board(deployment: deployment, now: 62_500, failures: 1, nextStepAt: 70_000)
    #expect(
      board.lines().prefix(4).map(\.text) == [
        "shop-web-3  shop 1.4.1 → 1.4.2  ROLLING_OUT",
        "  batch 1 of 2   brake ▮▯ 1/2   done 0/5   for 1m01s",
        "  next  next batch in 8s",
        "",
      ])
  }

  @Test func aLineATargetShowsItsStagesAndItsLastError() {
    var deployment = example(hosts: ["web-1", "web-2", "web-3"], batchSize: 2)
    deployment.state = .rollingOut
    deployment.batches[0].targets[0].state = .success
    deployment.batches[0].targets[0].times = Stage.rolling.map {
      StageTime(stage: $0, startedAt: 1_000, endedAt: 1_250)
    }
    deployment.batches[1].targets[0].state = .failed(.verify)
    deployment.batches[1].targets[0].times = [
      StageTime(stage: .markdown, startedAt: 0, endedAt: 1_500),
      StageTime(stage: .verify, startedAt: 2_000, endedAt: 62_000),
    ]
    deployment.batches[1].targets[0].failure = Failure(
      code: .timeout, message: "not healthy after 60s\nlog", log: nil)
    deployment.batches[1].targets[1].state = .running(.install)
    deployment.batches[1].targets[1].times = [StageTime(stage: .install, startedAt: 9_000)]
    let board = Board(deployment: deployment, now: 10_000, failures: 1)
    #expect(
      board.lines().suffix(4).map(\.text) == [
        "batch   host   state             markdown  download  install   verify    markup    last error",
        "bastion web-1  SUCCESS           ✔ 250ms   ✔ 250ms   ✔ 250ms   ✔ 250ms   ✔ 250ms   ",
        "1       web-2  VERIFY_FAILURE    ✔ 1.5s    ·         ·         ✘ 1m00s   ·         "
          + "timeout: not healthy after 60s",
        "1       web-3  INSTALL_RUNNING   ·         ·         ▸ 1.0s    ·         ·         ",
      ])
  }

  @Test func whereTargetsDoNotFitTheTellingOnesAreShownAndTheRestIsCounted() {
    var deployment = example(hosts: (1...1_000).map { "web-\($0)" }, batchSize: 250)
    deployment.state = .rollingOut
    deployment.batches[2].targets[7].state = .failed(.install)
    let lines = Board(deployment: deployment, now: 0, failures: 1).lines(rows: 10).map(\.text)
    #expect(lines.count == 10)
    #expect(lines.contains { $0.contains("INSTALL_FAILURE") })
    #expect(lines.last == "… 995 more: 995 PENDING")
  }

  @Test func aBrakedDeploymentSaysWhyAndWhatMayBeDone() {
    var deployment = example(hosts: ["web-1", "web-2", "web-3"], batchSize: 1)
    deployment.state = .smokeFailure
    deployment.batches[0].targets[0].failure = Failure(code: .script, message: "start ended with 1")
    deployment.batches[0].targets[0].touched = true
    let board = Board(deployment: deployment, now: 0, failures: 0, allowed: [.retry, .abort])
    #expect(board.reason?.text == "web-1: script: start ended with 1")
    #expect(board.next?.text == "waits for you: drawbar retry shop-web-3, or drawbar rollback shop-web-3")
  }

  @Test func onlyWhatChangedIsTold() {
    var deployment = example(hosts: ["web-1", "web-2"], batchSize: 1)
    deployment.state = .smoking
    let first = Board(deployment: deployment, now: 36_202_000, failures: 0)
    #expect(Change.between(nil, first).map(\.line.text) == ["10:03:22Z shop-web-3 SMOKING"])
    #expect(Change.between(first, first) == [])

    deployment.batches[0].state = .deploying
    deployment.batches[0].targets[0].state = .failed(.verify)
    deployment.batches[0].targets[0].failure = Failure(code: .timeout, message: "too slow")
    let second = Board(deployment: deployment, now: 36_203_000, failures: 0)
    #expect(
      Change.between(first, second).map(\.line.text)
        == [
          "10:03:23Z shop-web-3 bastion DEPLOYING",
          "10:03:23Z shop-web-3 bastion web-1 VERIFY_FAILURE timeout: too slow",
        ])
  }

  @Test func instantsAreCivilDates() {
    #expect(Clock.text(0) == "1970-01-01 00:00:00")
    #expect(Clock.text(951_782_399_000) == "2000-02-28 23:59:59")
    #expect(Clock.text(951_782_400_000) == "2000-02-29 00:00:00")
    #expect(Clock.text(1_795_255_402_000) == "2026-11-21 10:03:22")
  }

  /// A release of 1.4.2 whose first host is the bastion.
  private func example(hosts: [String], batchSize: Int) -> Deployment {
    var batches = [Batch(kind: .bastion, targets: [Target(host: hosts[0])])]
    for start in stride(from: 1, to: hosts.count, by: batchSize) {
      let members = hosts[start..<min(start + batchSize, hosts.count)]
      batches.append(Batch(kind: .rolling, targets: members.map { Target(host: $0) }))
    }
    let plan = Plan(
      config: DeploymentConfig(),
      numbers: PlanNumbers(rolling: hosts.count - 1, batchSize: batchSize, limit: 2, minInService: 1),
      batches: batches, pulledOut: [], drainedByHand: [])
    return Deployment(
      id: "shop-web-3", group: "shop-web", number: 3,
      package: PackageVersion(app: "shop", version: "1.4.2", sha256: "00"), fromVersion: "1.4.1", plan: plan,
      createdAt: 0, createdBy: "ann")
  }
}
