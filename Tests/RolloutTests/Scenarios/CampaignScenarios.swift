import Rollout
import Testing

/// Stories of campaigns. Groups are letters, waves are parted by `/`; `a:SUCCESS`, `a:FAILURE+2` (with F) say how
/// a group stands from then on, all else is an action.
@Suite struct CampaignScenarioTests {
  static let all = Scenario.read(
    """
    a wave begins when all of the one before have ended in SUCCESS
    waves:a/b,c/d limit:3
    > start
    = RUNNING running=a
    > a:SUCCESS
    = RUNNING running=b,c
    > c:SUCCESS
    = RUNNING running=b
    > b:SUCCESS
    = RUNNING running=d
    > d:SUCCESS
    = SUCCESS running=-

    no more at once than allowed
    waves:a,b,c limit:3 at-once:2
    > start
    = RUNNING running=a,b
    > b:SUCCESS
    = RUNNING running=a,c

    a group that failed holds back those after it, in its own wave too; others go on
    waves:a,b,c/d limit:3 at-once:2
    > start a:FAILURE+1
    = RUNNING running=b
    > b:SUCCESS
    = RUNNING running=-
    > a:SUCCESS
    = RUNNING running=c

    a group that was braked by its own brake holds back those after it
    waves:a/b limit:3
    > start a:BRAKED+2
    = RUNNING running=- F=2/3

    a group that was aborted holds back those after it
    waves:a/b limit:3
    > start a:REVOKED
    = RUNNING running=-
    > leave-out:a
    = RUNNING running=b

    a bastion that failed holds back those after it
    waves:a/b limit:3
    > start a:SMOKE_FAILURE
    = RUNNING running=-

    the sum over all groups brakes all that could go on
    waves:a,b,c/d limit:3
    > start a:ROLLING_OUT+2
    = RUNNING running=a,b,c F=2/3
    > b:ROLLING_OUT+1
    = BRAKED running=- F=3/3 groups=a:BRAKED,b:BRAKED,c:BRAKED why~3_failed_over_all_groups

    failures of groups that ended well count in the sum
    waves:a,b limit:2
    > start a:SUCCESS+1 b:ROLLING_OUT+1
    = BRAKED F=2/2 groups=a:SUCCESS,b:BRAKED

    with nothing left to stop the sum brakes nothing
    waves:a limit:1
    > start a:SUCCESS+1
    = SUCCESS F=1/1

    with one ended and one aborted there is nothing left to stop either
    waves:a,b limit:1
    > start b:REVOKED a:SUCCESS+1
    = RUNNING F=1/1

    a resume is refused while the sum holds, and an override takes a reason and a number
    waves:a,b limit:2
    > start a:ROLLING_OUT+3 !resume !resume+1? !resume+0
    = BRAKED allowed=resume,leave-out,abort F=3/2
    > resume+1
    = RUNNING running=a,b F=3/4

    a resume by itself once enough was mended
    waves:a,b limit:2
    > start a:ROLLING_OUT+2 a:BRAKED+1 resume
    = RUNNING running=a,b

    only what the campaign braked is resumed with it
    waves:a,b limit:2
    > start a:BRAKED+1 b:ROLLING_OUT+1
    = BRAKED groups=a:BRAKED,b:BRAKED
    > b:BRAKED+0 resume
    = RUNNING groups=a:BRAKED,b:ROLLING_OUT

    a group that somebody resumes on its own is braked again
    waves:a,b limit:2
    > start a:ROLLING_OUT+2 b:ROLLING_OUT
    = BRAKED groups=a:BRAKED,b:BRAKED

    a pause starts nothing, what runs runs on
    waves:a/b limit:3
    > start pause a:SUCCESS
    = PAUSED running=-
    > continue
    = RUNNING running=b

    the sum brakes in a pause too
    waves:a,b limit:2
    > start pause a:ROLLING_OUT+2
    = BRAKED groups=a:BRAKED,b:BRAKED

    a person brakes all of it
    waves:a,b/c limit:3
    > start brake
    = BRAKED groups=a:BRAKED,b:BRAKED why~ann:_because
    > resume
    = RUNNING running=a,b

    a group is left out with a reason, and no longer counts
    waves:a/b limit:3
    > start a:FAILURE+2 !leave-out:a? !leave-out:x leave-out:a
    = RUNNING running=b F=0/3
    > b:SUCCESS
    = SUCCESS

    a group that is under way can't be left out
    waves:a/b limit:3
    > start !leave-out:a
    = RUNNING running=a

    a group that has not begun is left out
    waves:a/b/c limit:3
    > start leave-out:b a:SUCCESS
    = RUNNING running=c

    with all left out there is nothing to it
    waves:a limit:3
    > leave-out:a start
    = REVOKED running=-

    an abort ends what is under way
    waves:a/b limit:3
    > start abort
    = REVOKING groups=a:REVOKED
    > look
    = REVOKED running=-

    before the start nothing runs
    waves:a limit:3
    > !pause !continue !brake !resume look
    = PENDING running=- allowed=start,leave-out,abort

    after the end nothing is allowed
    waves:a limit:3
    > start a:SUCCESS !start !pause !abort
    = SUCCESS allowed=
    """)

  @Test(arguments: all) func scenario(_ scenario: Scenario) throws {
    var stage = try Self.stage(scenario.fleet)
    for line in scenario.lines {
      switch line.kind {
      case .done: for word in line.words { try Self.perform(word, &stage) }
      case .expected: #expect(Self.seen(line.words, stage) == line.text, "\(scenario.name)")
      }
    }
  }

  private static func stage(_ line: String) throws -> CampaignTests.Stage {
    var (waves, limit, atOnce) = ([[String]](), 1, Int?.none)
    for word in line.split(separator: " ") {
      let (key, value) = word.parts()
      switch key {
      case "waves": waves = value.split(separator: "/").map { $0.split(separator: ",").map(String.init) }
      case "limit": limit = Int(value) ?? 1
      case "at-once": atOnce = Int(value)
      default: throw Violation("a campaign's line doesn't know \(key)")
      }
    }
    return try CampaignTests.Stage(waves, limit: limit, atOnce: atOnce)
  }

  private static func perform(_ word: String, _ stage: inout CampaignTests.Stage) throws {
    let (what, value) = word.parts()
    let (name, more) = value.parts(at: "+")
    if let state = DeploymentState(rawValue: name) { return try stage.set(what, state, Int(more) ?? 0) }
    if word == "look" { return try stage.act() }
    let refused = word.hasPrefix("!")
    let bare = String(word.drop { $0 == "!" }.prefix { $0 != "?" })
    let reason = word.hasSuffix("?") ? nil : "because"
    guard refused else { return try stage.act(action(bare), reason: reason) }
    let before = stage.campaign
    let refusal = #expect(throws: CampaignRefusal.self, "\(word)") {
      try stage.act(action(bare), reason: reason)
    }
    #expect(refusal?.allowed == before.allowed && stage.campaign == before, "\(word)")
  }

  private static func action(_ word: String) throws -> CampaignAction {
    let (name, group) = word.parts()
    return switch name {
    case "start": .start
    case "pause": .pause
    case "continue": .continue
    case "brake": .brake
    case "resume": .resume(more: nil)
    case "leave-out": .leaveOut(group: group)
    case "abort": .abort
    default: .resume(more: try required(Int(name.dropFirst("resume+".count)), word))
    }
  }

  private static func seen(_ words: [String], _ stage: CampaignTests.Stage) -> String {
    let campaign = stage.campaign
    func list(_ words: [String]) -> String { words.isEmpty ? "-" : words.joined(separator: ",") }
    return "= "
      + words.enumerated().map { index, word in
        if index == 0 { return campaign.state.rawValue }
        let (why, part) = word.parts(at: "~")
        if why == "why" {
          let flat = (campaign.braked ?? "").replacing(" ", with: "_")
          return "why~" + (flat.contains(part) ? part : flat)
        }
        let (key, _) = word.parts(at: "=")
        return key + "="
          + {
            switch key {
            case "running": list(stage.running)
            case "F": "\(campaign.failures)/\(campaign.limit)"
            case "groups":
              list(stage.groups.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.state.rawValue)" })
            case "allowed": campaign.allowed.map(\.rawValue).joined(separator: ",")
            default: "(no such key)"
            }
          }()
      }.joined(separator: " ")
  }
}
