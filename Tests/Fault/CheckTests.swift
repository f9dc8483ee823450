import FaultRun
import Testing

/// A chain of two links that goes well in one worker, as a start to break one thing after another.
private struct Story {
  var expectation = Expectation(chain: "c", steps: [Step(time: 1), Step(time: 1)], end: .finished)
  var runs = [
    Story.run(0, generation: 2, from: 1_000_000, to: 1_010_000),
    Story.run(1, generation: 3, from: 1_012_000, to: 1_022_000),
  ]
  var standing: Standing? = Standing(
    end: .finished, ended: 1_023,
    outcomes: [
      0: .init(ended: 1_011, attempt: 1, generation: 2), 1: .init(ended: 1_023, attempt: 1, generation: 3),
    ])
  var pauses: [Pause] = []
  var deaths: [Death] = []
  var disruptions: [Disruption] = []
  var others: [String: Standing] = [:]
  var more: [Run] = []

  /// Both clocks tell the same, in microseconds.
  static func run(
    _ link: Int, attempt: Int = 1, generation: Int, worker: String = "w0", pid: Int32 = 10,
    chain: String = "c",
    from: Int64, to: Int64?, _ ending: Run.Ending = .done
  ) -> Run {
    Run(
      chain: chain, link: link, attempt: attempt, generation: generation, session: "\(worker)-x", pid: pid,
      began: Moment(boot: from, wall: from), ended: to.map { Moment(boot: $0, wall: $0) },
      ending: to == nil ? nil : ending)
  }

  var findings: Findings {
    var standings = others
    standings["c"] = standing
    var evidence = Evidence(
      expectations: [expectation], history: History(runs: runs + more, pauses: pauses), standings: standings,
      lease: .milliseconds(1_500))
    evidence.deaths = deaths
    evidence.disruptions = disruptions
    evidence.unacknowledged = ["other"]
    return Check.findings(evidence)
  }

  var broken: Set<Violation.Rule> { Set(findings.violations.map(\.rule)) }
}

@Suite("The checker finds")
struct CheckTests {
  @Test("nothing where nothing is wrong") func good() { #expect(Story().findings.violations == []) }

  @Test("a chain that is gone, and one that never ended") func lost() {
    var story = Story()
    story.standing = nil
    #expect(story.broken.contains(.lost))
    story = Story()
    story.standing?.end = nil
    #expect(story.broken == [.lost])
  }

  @Test("an end that the tasks didn't say") func wrongEnd() {
    var story = Story()
    story.standing?.end = .cancelled
    #expect(story.broken == [.wrongEnd])
    story.expectation.mayBeCancelled = true
    #expect(story.broken == [])
    story.standing = Standing(end: .dead, ended: 1_023, failure: "timeout", outcomes: [:])
    #expect(story.broken.contains(.wrongEnd))
  }

  @Test("an innocent chain given up for crashes, and no killer") func innocent() {
    var story = Story()
    story.runs.removeLast()
    story.standing = Standing(
      end: .dead, ended: 1_023, failure: "lost", outcomes: [0: .init(ended: 1_011, attempt: 1, generation: 2)]
    )
    #expect(story.broken == [.innocent])
    story.deaths = [11, 12, 13].map { Death(pid: $0, at: Int64($0) * 100_000) }
    story.more = [11, 12, 13].map {
      Story.run(
        1, generation: 3 + Int($0), worker: "w\($0)", pid: $0, from: Int64($0) * 100_000 - 10, to: nil)
    }
    #expect(story.broken == [], "three workers died that ran nothing else")
    story.more.append(
      Story.run(0, generation: 2, worker: "w12", pid: 12, chain: "other", from: 1_190_000, to: nil))
    #expect(story.broken == [.innocent], "one of them ran another as well")
    story.more = []
    story.expectation.steps[1].kills = true
    story.expectation.end = .dead
    story.expectation.code = "lost"
    story.expectation.deadAt = 1
    #expect(story.broken == [])
  }

  @Test("an outcome that no run had") func unfounded() {
    var story = Story()
    story.standing?.outcomes[1]?.generation = 4
    #expect(story.broken == [.unfounded])
    story = Story()
    story.runs[1].ending = .failed
    #expect(story.broken == [.unfounded])
  }

  @Test("a link whose outcome is missing, and one that was to be left out") func path() {
    var story = Story()
    story.standing?.outcomes[0] = nil
    #expect(story.broken == [.order])
    story = Story()
    story.expectation.steps[0].skips = 1
    #expect(story.broken == [.order])
  }

  @Test("a link begun before the one before it was accepted") func order() {
    var story = Story()
    story.runs[1].began = Moment(boot: 1_010_500, wall: 1_010_500)
    #expect(story.broken == [.order])
  }

  @Test("one grant run twice") func sameGrant() {
    var story = Story()
    story.more = [Story.run(1, generation: 3, worker: "w1", pid: 11, from: 1_022_100, to: 1_022_200)]
    #expect(story.broken.contains(.sameGrant))
  }

  @Test("a link begun again after its acceptance, unless its process stood still before it")
  func afterAcceptance() {
    var story = Story()
    story.more = [Story.run(1, generation: 4, worker: "w1", pid: 11, from: 1_030_000, to: 1_031_000)]
    story.disruptions = [Disruption("cut", worker: "w0", from: 1_010_000, to: 1_011_000)]
    #expect(story.broken == [.afterAcceptance])
    story.pauses = [Pause(pid: 11, from: 900_000, to: 1_029_000)]
    #expect(story.broken == [])
  }

  @Test("two runs at once, unless the first's process stood still or had died") func overlap() {
    var story = Story()
    story.standing?.outcomes[1]?.generation = 4
    story.runs[1] = Story.run(1, generation: 3, from: 1_012_000, to: 1_022_000, .stopped)
    story.more = [Story.run(1, generation: 4, worker: "w1", pid: 11, from: 1_020_000, to: 1_022_500)]
    story.disruptions = [Disruption("cut", worker: "w0", from: 1_000_000, to: 1_030_000)]
    #expect(story.broken == [.overlap], "being cut off is no excuse")
    story.pauses = [Pause(pid: 10, from: 1_019_000, to: 1_021_500)]
    #expect(story.broken == [])
    story.pauses = []
    story.runs[1].ended = nil
    story.runs[1].ending = nil
    #expect(story.broken == [.overlap, .unended])
    story.deaths = [Death(pid: 10, at: 1_019_500)]
    #expect(story.broken == [])
  }

  @Test("overlaps that go on long after the process was let go on") func lateStop() {
    var story = Story()
    story.standing?.outcomes[1]?.generation = 4
    story.standing?.outcomes[1]?.ended = 4_010
    story.standing?.ended = 4_010
    story.runs[1] = Story.run(1, generation: 3, from: 1_012_000, to: 9_000_000, .stopped)
    story.more = [Story.run(1, generation: 4, worker: "w1", pid: 11, from: 4_000_000, to: 4_005_000)]
    story.pauses = [Pause(pid: 10, from: 1_500_000, to: 4_100_000)]
    #expect(story.broken == [.overlap])
    story.runs[1].ended = Moment(boot: 4_150_000, wall: 4_150_000)
    #expect(story.broken == [])
  }

  @Test("a second run though the first worker reached Redis") func liveAgain() {
    var story = Story()
    story.standing?.outcomes[1] = .init(ended: 4_023, attempt: 1, generation: 4)
    story.standing?.ended = 4_023
    story.more = [Story.run(1, generation: 4, worker: "w1", pid: 11, from: 4_000_000, to: 4_022_000)]
    #expect(story.broken == [.liveAgain])
    story.disruptions = [Disruption("cut", worker: "w1", from: 1_000_000, to: 3_000_000)]
    #expect(story.broken == [.liveAgain], "another's trouble is no excuse")
    story.disruptions = [Disruption("redis killed", worker: nil, from: 1_000_000, to: 3_000_000)]
    #expect(story.broken == [])
  }

  @Test("a crash counted as a failure") func crashAsRetry() {
    var story = Story()
    story.expectation.steps[1].failures = 1
    story.standing?.outcomes[1] = .init(ended: 4_023, attempt: 2, generation: 5)
    story.standing?.ended = 4_023
    story.runs[1] = Story.run(1, generation: 3, from: 1_012_000, to: 1_022_000, .failed)
    story.more = [Story.run(1, attempt: 2, generation: 5, from: 4_000_000, to: 4_022_000)]
    #expect(story.broken == [])
    story.runs[1].ended = nil
    story.runs[1].ending = nil
    story.deaths = [Death(pid: 10, at: 1_020_000)]
    story.more[0].pid = 11
    #expect(story.broken.contains(.crashAsRetry))
  }

  @Test("what begins before its delay is over, and a callback before its members ended") func early() {
    var story = Story()
    story.expectation.notBefore = 1_500_000
    #expect(story.broken == [.early])
    story = Story()
    story.expectation.after = ["m"]
    #expect(story.broken == [.early], "the member has no end at all")
    story.others["m"] = Standing(end: .dead, ended: 1_001, failure: "fatal", outcomes: [:])
    #expect(story.broken == [.early])
    story.others["m"]?.ended = 1_000
    #expect(story.broken == [])
  }

  @Test("a chain that begins long after its cancel") func cancelled() {
    var story = Story()
    story.expectation.mayBeCancelled = true
    story.expectation.cancelledAt = Moment(boot: -2_500_000, wall: -2_500_000)
    #expect(story.broken == [.cancelledYetBegun])
    story.expectation.cancelledAt = Moment(boot: 0, wall: 0)
    #expect(story.broken == [])
  }

  @Test("a chain that waits too long after its worker's death, where another worker was well") func slow() {
    var story = Story()
    story.standing?.outcomes[1] = .init(ended: 5_023, attempt: 1, generation: 5)
    story.standing?.ended = 5_023
    story.runs[1] = Story.run(1, generation: 3, from: 1_012_000, to: nil)
    story.deaths = [Death(pid: 10, at: 1_020_000)]
    story.more = [Story.run(1, generation: 5, worker: "w1", pid: 11, from: 5_000_000, to: 5_022_000)]
    #expect(story.broken == [.slowRecovery])
    #expect(story.findings.recoveries == [3.98])
    story.disruptions = [Disruption("cut", worker: "w1", from: 1_100_000, to: 1_200_000)]
    #expect(story.broken == [])
  }

  @Test("a chain that nobody submitted, but not one whose submitter died before the answer") func unknown() {
    var story = Story()
    story.more = [Story.run(0, generation: 2, chain: "other", from: 1, to: 2)]
    #expect(story.broken == [])
    story.more[0].chain = "another"
    #expect(story.broken == [.unknown])
  }

  @Test(
    "a firing that is missing, that is one too many, that is counted wrongly, or that should have been left out"
  )
  func firings() {
    func broken(
      _ rule: PlannedSchedule.Rule, made: Int, leftOut: Int = 0, times: [Int64], ended: Int64? = nil
    ) -> Set<Violation.Rule> {
      let schedule = PlannedSchedule(id: "s", interval: 1_000, rule: rule, steps: [Step(time: 1)])
      let runs = times.map {
        Story.run(0, generation: 2, chain: "s@\($0)", from: $0 * 1_000 + 5_000, to: $0 * 1_000 + 6_000)
      }
      var evidence = Evidence(
        expectations: times.flatMap { schedule.expectations(at: $0) }, history: History(runs: runs),
        standings: Dictionary(
          uniqueKeysWithValues: times.map { time in
            let end = ended ?? time + 7
            let outcome = Standing.Outcome(ended: end, attempt: 1, generation: 2)
            return ("s@\(time)", Standing(end: .finished, ended: end, outcomes: [0: outcome]))
          }), lease: .milliseconds(1_500))
      evidence.fired = [
        Fired(schedule, first: 3_000, next: 6_000, made: made, leftOut: leftOut, times: times)
      ]
      return Set(Check.findings(evidence).violations.map(\.rule))
    }
    #expect(broken(.each, made: 3, times: [3_000, 4_000, 5_000]) == [])
    #expect(broken(.each, made: 2, times: [3_000, 5_000]) == [.firings])
    #expect(broken(.each, made: 4, times: [3_000, 4_000, 5_000, 6_000]) == [.firings])
    #expect(
      broken(.each, made: 4, times: [3_000, 4_000, 5_000]) == [.firings], "one was made twice, and is gone")
    #expect(broken(.once, made: 1, times: [5_000]) == [])
    #expect(broken(.once, made: 2, times: [3_000, 4_000]) == [.firings])
    #expect(broken(.alone, made: 2, leftOut: 1, times: [3_000, 5_000]) == [])
    #expect(broken(.alone, made: 2, times: [3_000, 5_000]) == [.firings])
    #expect(broken(.alone, made: 2, leftOut: 1, times: [3_000, 4_000], ended: 4_900) == [.firings])
  }

  @Test("its way through the story of a chain, also of one that never ran") func stories() {
    var evidence = Evidence(
      expectations: [Expectation(chain: "c", steps: [Step(time: 1)], end: .finished)], history: History(),
      standings: [:], lease: .milliseconds(1_500))
    evidence.disruptions = [Disruption("redis killed", worker: nil, from: 1_005_000, to: 1_006_000)]
    #expect(evidence.story(of: "c") == "c\n  was to be finished\n  link 0: 1 ms")
    #expect(evidence.story(of: "other") == "")
    evidence.history = History(runs: [Story.run(0, generation: 2, from: 1_000_000, to: 1_010_000)])
    let events = evidence.story(of: "c").split(separator: "\n").dropFirst(3)
    #expect(
      events.map { $0.split(separator: " ").prefix(3).joined(separator: " ") }
        == ["0 ms begins", "5 ms redis", "10 ms ends"])
  }

  @Test("lines that can't be read, and reads all others") func lines() {
    var history = History()
    history.read(
      """
      B 10 c 0 2 1000 5000 1 w0-x
      E 10 c 0 2 1100 5100 done
      P 10 200 300
      B 11 c 1 3 1200 5200 2 w1-y
      E 10 c 1 3 1300 5300 done
      half a li
      """)
    var first = Story.run(0, generation: 2, from: 1_000, to: 1_100)
    first.began.wall = 5_000
    first.ended = Moment(boot: 1_100, wall: 5_100)
    #expect(history.runs.count == 2 && history.runs[0] == first)
    #expect(history.runs[1].attempt == 2 && history.runs[1].ended == nil && history.runs[1].worker == "w1")
    #expect(history.pauses == [Pause(pid: 10, from: 200, to: 300)])
    #expect(history.unread == ["E 10 c 1 3 1300 5300 done", "half a li"])
  }
}
