import Rollout
import SeededRandom
import Testing

@Suite struct CampaignTests {
  /// A campaign with what its groups do, its effects being done.
  struct Stage {
    var campaign: Campaign
    var groups: [String: GroupFacts] = [:]
    var said: [CampaignEffect] = []

    init(_ waves: [[String]], limit: Int = 3, atOnce: Int? = nil) throws {
      campaign = try Campaign(id: "summer", waves: waves, limit: limit, atOnce: atOnce, by: "ann", now: 0)
    }

    mutating func act(_ action: CampaignAction? = nil, reason: String? = "because") throws {
      let (after, effects) = try decide(
        campaign, action.map { ($0, by: "ann", reason: reason) }, groups: groups, now: 1)
      campaign = after
      said = effects
      for effect in effects {
        switch effect {
        case .start(let group): groups[group] = GroupFacts(state: .rollingOut, failures: 0)
        case .brake(let group, _, _):
          groups[group]?.state = .braked
          groups[group]?.lastBraked = 1
        case .resume(let group): groups[group]?.state = .rollingOut
        case .abort(let group, _): groups[group]?.state = .revoked
        case .notify: break
        }
      }
    }

    mutating func set(_ group: String, _ state: DeploymentState, _ failures: Int = 0) throws {
      groups[group] = GroupFacts(state: state, failures: failures, lastBraked: groups[group]?.lastBraked)
      try act()
    }

    var running: [String] { groups.filter { $0.value.state == .rollingOut }.map(\.key).sorted() }
  }

  @Test func aWaveBeginsWhenTheOneBeforeHasEndedWell() throws {
    var stage = try Stage([["a"], ["b", "c"], ["d"]])
    try stage.act(.start)
    #expect(stage.running == ["a"])
    try stage.set("a", .success)
    #expect(stage.running == ["b", "c"])
    try stage.set("c", .success)
    #expect(stage.running == ["b"])
    try stage.set("b", .success)
    try stage.set("d", .success)
    #expect(stage.campaign.state == .success)
    try stage.act()
    #expect(stage.said.isEmpty)
  }

  @Test func asManyAtOnceAsAllowed() throws {
    var stage = try Stage([["a", "b", "c"]], atOnce: 2)
    try stage.act(.start)
    #expect(stage.running == ["a", "b"])
    try stage.set("a", .success)
    #expect(stage.running == ["b", "c"])
  }

  @Test func aFailedGroupHoldsBackWhatComesAfterIt() throws {
    var stage = try Stage([["a", "b", "c"], ["d"]], atOnce: 2)
    try stage.act(.start)
    try stage.set("a", .braked, 1)
    #expect(stage.running == ["b"], "b has its own brake and goes on; c doesn't start")
    try stage.set("b", .success)
    #expect(stage.running == [])
    #expect(stage.campaign.state == .running)
    // Mended in the group itself, the campaign goes on by itself.
    try stage.set("a", .success)
    #expect(stage.running == ["c"])
    try stage.set("c", .success)
    #expect(stage.running == ["d"])
  }

  @Test func theSumOfAllFailuresBrakesAll() throws {
    var stage = try Stage([["a", "b", "c"], ["d"]], limit: 3)
    try stage.act(.start)
    try stage.set("a", .rollingOut, 2)
    #expect(stage.campaign.state == .running)
    try stage.set("b", .rollingOut, 1)
    #expect(stage.campaign.state == .braked)
    #expect(
      stage.said.contains(
        .brake(
          group: "c", reason: "by the campaign summer: 3 failed over all groups, the limit is 3",
          byPerson: false)))
    #expect(stage.groups.values.filter { $0.state == .braked }.count == 3)
    #expect(throws: CampaignRefusal.self) { try stage.act(.resume(more: nil)) }
    #expect(throws: CampaignRefusal.self) { try stage.act(.resume(more: 2), reason: nil) }
    #expect(throws: CampaignRefusal.self) { try stage.act(.resume(more: 0)) }
    // Somebody resumes a group on its own: the campaign's brake holds it again.
    try stage.set("a", .rollingOut, 2)
    #expect(stage.groups["a"]?.state == .braked)
    try stage.act(.resume(more: 2))
    #expect(stage.campaign.limit == 5)
    #expect(stage.running == ["a", "b", "c"])
  }

  /// Its failures were dealt with, so the sum no longer holds: it goes on, and the others wait for the resume.
  @Test func aGroupThatIsRetriedUnderTheBrakeGoesOn() throws {
    var stage = try Stage([["a", "b", "c"]], limit: 3)
    try stage.act(.start)
    try stage.set("a", .braked, 2)
    try stage.set("b", .rollingOut, 1)
    #expect(stage.campaign.state == .braked && stage.running == [])
    try stage.set("a", .rollingOut, 0)
    #expect(stage.campaign.state == .braked && stage.running == ["a"] && stage.said.isEmpty)
    // Its own limit brakes it: that is not the campaign's to resume.
    try stage.set("a", .braked, 1)
    try stage.act(.resume(more: nil))
    #expect(stage.running == ["b", "c"])
  }

  @Test func aGroupThatBringsTheSumBackIsBrakedAgain() throws {
    var stage = try Stage([["a", "b"]], limit: 3)
    try stage.act(.start)
    try stage.set("a", .rollingOut, 2)
    try stage.set("b", .rollingOut, 1)
    #expect(stage.running == [])
    try stage.set("a", .rollingOut, 0)
    #expect(stage.running == ["a"])
    try stage.set("a", .rollingOut, 2)
    #expect(stage.running == [])
    // The override lets both go on, and those retried under it as well.
    try stage.act(.resume(more: 1))
    #expect(stage.campaign.limit == 4 && stage.running == ["a", "b"])
    try stage.set("a", .rollingOut, 0)
    #expect(stage.campaign.state == .running && stage.running == ["a", "b"])
  }

  @Test func aBrakeThatWasLostIsSaidAgainThoughTheSumFell() throws {
    var stage = try Stage([["a", "b", "c"]], limit: 3)
    try stage.act(.start)
    try stage.set("a", .braked, 2)
    try stage.set("b", .rollingOut, 1)
    // Who braked b and c died on the way; a was retried before anybody looked.
    stage.groups["a"] = GroupFacts(state: .rollingOut, failures: 0)
    stage.groups["b"] = GroupFacts(state: .rollingOut, failures: 1)
    // c was braked, and a person let it go at once.
    stage.groups["c"] = GroupFacts(state: .rollingOut, failures: 0, lastBraked: 1)
    try stage.act()
    #expect(stage.running == ["a", "c"])
  }

  @Test func whileAPersonHoldsTheCampaignNothingRuns() throws {
    var stage = try Stage([["a", "b"]])
    try stage.act(.start)
    try stage.act(.brake)
    try stage.set("a", .rollingOut, 0)
    #expect(stage.running == [])
  }

  @Test func aResumeReleasesOnlyWhatTheCampaignBraked() throws {
    var stage = try Stage([["a", "b"]], limit: 2)
    try stage.act(.start)
    try stage.set("a", .braked, 1)
    try stage.set("b", .rollingOut, 1)
    #expect(stage.campaign.state == .braked)
    stage.groups["b"]?.failures = 0
    try stage.act(.resume(more: nil))
    #expect(stage.groups["a"]?.state == .braked)
    #expect(stage.groups["b"]?.state == .rollingOut)
  }

  @Test func nothingLeftToStopIsNoBrake() throws {
    var stage = try Stage([["a"]], limit: 1)
    try stage.act(.start)
    try stage.set("a", .success, 1)
    #expect(stage.campaign.state == .success)
  }

  @Test func aGroupCanBeLeftOut() throws {
    var stage = try Stage([["a"], ["b"]])
    try stage.act(.start)
    #expect(throws: CampaignRefusal.self) { try stage.act(.leaveOut(group: "a")) }
    try stage.set("a", .failure, 1)
    #expect(throws: CampaignRefusal.self) { try stage.act(.leaveOut(group: "a"), reason: " ") }
    #expect(throws: CampaignRefusal.self) { try stage.act(.leaveOut(group: "x")) }
    try stage.act(.leaveOut(group: "a"))
    #expect(stage.running == ["b"])
    #expect(stage.campaign.failures == 0)
    try stage.set("b", .success)
    #expect(stage.campaign.state == .success)
    #expect(stage.campaign.log.contains { $0.what == "leave-out" && $0.why == "a: because" })
  }

  @Test func pauseStartsNothingAndAbortEndsAll() throws {
    var stage = try Stage([["a"], ["b"]])
    try stage.act(.start)
    try stage.act(.pause)
    try stage.set("a", .success)
    #expect(stage.running == [])
    try stage.act(.continue)
    #expect(stage.running == ["b"])
    try stage.act(.abort)
    #expect(stage.campaign.state == .revoking)
    let refusal = #expect(throws: CampaignRefusal.self) { try stage.act(.resume(more: nil)) }
    #expect(refusal?.allowed == [])
    #expect(stage.groups["b"]?.state == .revoked)
    try stage.act()
    #expect(stage.campaign.state == .revoked)
    #expect(throws: CampaignRefusal.self) { try stage.act(.start) }
  }

  @Test func anAbortIsSaidUntilItIsSeen() throws {
    var stage = try Stage([["a", "b"]])
    try stage.act(.start)
    stage.groups["b"] = nil
    try stage.act(.abort)
    stage.groups["a"]?.state = .rollingOut
    for _ in 0..<2 {
      let (after, effects) = try decide(stage.campaign, nil, groups: stage.groups, now: 2)
      #expect(effects == [.abort(group: "a", reason: "the campaign summer is aborted")])
      #expect(after.mayStart("b") == false)
    }
    try stage.set("a", .revoked)
    #expect(stage.campaign.state == .revoked, "b never had a deployment")
  }

  @Test func aPersonBrakesAllOfIt() throws {
    var stage = try Stage([["a", "b"], ["c"]])
    try stage.act(.start)
    try stage.act(.brake, reason: "the shop is on television")
    #expect(stage.campaign.braked == "ann: the shop is on television")
    #expect(
      stage.said.contains(
        .brake(
          group: "a", reason: "by the campaign summer: ann: the shop is on television", byPerson: true)))
    #expect(stage.running.isEmpty)
    let refusal = #expect(throws: CampaignRefusal.self) { try stage.act(.brake) }
    #expect(
      refusal?.description
        == "brake is refused in BRAKED: it is braked already; allowed now: resume, leave-out, abort")
    try stage.act(.resume(more: nil))
    #expect(stage.running == ["a", "b"])
  }

  /// In each state each action is done, or refused with those that can be done.
  @Test func everyActionInEveryState() throws {
    let actions: [CampaignAction] = [
      .start, .pause, .continue, .brake, .resume(more: nil), .leaveOut(group: "b"), .abort,
    ]
    #expect(Set(actions.map(\.name)) == Set(CampaignActionName.allCases))
    for state in CampaignState.allCases {
      var stage = try Stage([["a"], ["b"]])
      if state != .pending { try stage.act(.start) }
      stage.campaign.state = state
      for action in actions {
        var stage = stage
        if stage.campaign.allowed.contains(action.name) {
          try stage.act(action)
          #expect(stage.campaign.log.contains { $0.by == "ann" && $0.what == action.name.rawValue })
        } else {
          let refusal = #expect(throws: CampaignRefusal.self) { try stage.act(action) }
          #expect(refusal?.allowed == stage.campaign.allowed && refusal?.state == state)
        }
      }
    }
  }

  @Test func aStartThatWasLostIsSaidAgain() throws {
    var stage = try Stage([["a", "b"]], atOnce: 1)
    try stage.act(.start)
    stage.groups = [:]
    try stage.act()
    #expect(stage.said == [.start(group: "a")], "and b still waits")
  }

  @Test func whatCanNotBeACampaign() {
    for waves in [[], [[]], [["a"], ["a"]]] as [[[String]]] {
      #expect(throws: CampaignRefusal.self) { try Stage(waves) }
    }
    #expect(throws: CampaignRefusal.self) { try Stage([["a"]], limit: 0) }
    #expect(throws: CampaignRefusal.self) { try Stage([["a"]], atOnce: 0) }
  }

  /// Random groups that succeed, fail and recover: the order, the number at once and the sum always hold.
  @Test func whatMustNeverHappen() throws {
    for seed in 0..<400 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let names = (0..<Int.random(in: 1...9, using: &random)).map { "g\($0)" }
      let waves = stride(from: 0, to: names.count, by: 3).map { Array(names[$0..<min($0 + 3, names.count)]) }
      let atOnce = random.chance(50) ? Int.random(in: 1...3, using: &random) : nil
      var stage = try Stage(waves, limit: Int.random(in: 1...6, using: &random), atOnce: atOnce)
      try stage.act(.start)
      for step in 0..<60 {
        if let group = stage.groups.keys.sorted().randomElement(using: &random), random.chance(70) {
          guard stage.groups[group]?.state == .rollingOut else { continue }
          let state: DeploymentState =
            [.success, .success, .rollingOut, .braked, .failure].randomElement(using: &random)!
          stage.groups[group] = GroupFacts(
            state: state, failures: state == .success ? 0 : Int.random(in: 0...2, using: &random))
        }
        // A person retries a group on its own.
        let braked = stage.groups.keys.sorted().filter { stage.groups[$0]?.state == .braked }
        if random.chance(10), let group = braked.randomElement(using: &random) {
          stage.groups[group] = GroupFacts(state: .rollingOut, failures: 0, lastBraked: 1)
        }
        let actions: [CampaignAction?] = [nil, nil, .pause, .continue, .resume(more: nil), .resume(more: 1)]
        let before = stage.campaign
        // What is refused is followed by a look.
        do { try stage.act(actions.randomElement(using: &random)!) } catch { try stage.act() }
        try check(stage, before, atOnce, "seed \(seed), step \(step)")
      }
    }
  }

  private func check(_ stage: Stage, _ before: Campaign, _ atOnce: Int?, _ place: String) throws {
    let starts = stage.said.filter { if case .start = $0 { true } else { false } }
    let members = stage.campaign.members
    if stage.campaign.state != .running { #expect(starts.isEmpty, "\(place)") }
    if stage.campaign.failures >= stage.campaign.limit, stage.campaign.state == .running {
      Issue.record("\(place): runs on at the limit")
    }
    let before = Set(before.members.filter(\.started).map(\.group))
    for member in members where member.started && !before.contains(member.group) {
      let earlier = members.filter { $0.wave < member.wave }
      #expect(earlier.allSatisfy { $0.state == .success }, "\(place): \(member.group) went before its time")
    }
    let underWay = members.count { $0.started && $0.state?.isTerminal != true }
    #expect(underWay <= atOnce ?? .max, "\(place)")
    if stage.campaign.state == .braked, stage.campaign.failures >= stage.campaign.limit {
      #expect(stage.running.isEmpty, "\(place)")
    }
  }
}
