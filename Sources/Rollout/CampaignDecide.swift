/// Decides what follows for a campaign from how its groups stand, and from an action where there is one.
///
/// As with a deployment's decision, it does nothing itself, and a look too many changes nothing: the caller
/// stores the campaign and does the effects. A group whose start was lost on the way is asked for again, for
/// as long as it has no deployment.
/// - Parameter groups: the deployments of its groups, by the group's name; those without one are missing.
/// - Throws: ``CampaignRefusal`` for an action that can't be done now.
public func decide(
  _ campaign: Campaign, _ action: (CampaignAction, by: String, reason: String?)?,
  groups: [String: GroupFacts], now: Milliseconds
) throws(CampaignRefusal) -> (campaign: Campaign, effects: [CampaignEffect]) {
  var course = CampaignCourse(campaign: campaign, now: now)
  course.takeIn(groups)
  if let (action, by, reason) = action { try course.act(action, by, reason) }
  course.advance()
  return (course.campaign, course.effects)
}

private struct CampaignCourse {
  var campaign: Campaign
  let now: Milliseconds
  var effects: [CampaignEffect] = []

  mutating func log(_ what: String, by: String = "coordinator", why: String? = nil) {
    campaign.log.append(CampaignEntry(at: now, by: by, what: what, why: why))
  }

  mutating func takeIn(_ groups: [String: GroupFacts]) {
    for index in campaign.members.indices {
      guard campaign.members[index].started, let facts = groups[campaign.members[index].group] else {
        continue
      }
      campaign.members[index].state = facts.state
      campaign.members[index].failures = facts.failures
      if facts.state != .braked, campaign.state != .braked { campaign.members[index].brakedByUs = false }
    }
  }

  // MARK: Actions

  mutating func act(_ action: CampaignAction, _ by: String, _ reason: String?) throws(CampaignRefusal) {
    let state = campaign.state
    guard !state.isTerminal else { throw CampaignRefusal("\(campaign.id) has ended in \(state.rawValue)") }
    switch action {
    case .start:
      guard state == .pending else { throw CampaignRefusal("\(campaign.id) has started already") }
      campaign.state = .running
      log("start", by: by, why: reason)
    case .pause:
      guard state == .running else { throw refusal("pause", "it is not running") }
      campaign.state = .paused
      log("pause", by: by, why: reason)
    case .continue:
      guard state == .paused else { throw refusal("continue", "it is not paused") }
      campaign.state = .running
      log("continue", by: by, why: reason)
    case .resume(let more): try resume(more, by, reason)
    case .leaveOut(let group): try leaveOut(group, by, reason)
    case .abort:
      for member in campaign.members where member.isUnderWay {
        effects.append(.abort(group: member.group, reason: reason ?? "\(campaign.id) was aborted by \(by)"))
      }
      campaign.state = .revoked
      log("abort", by: by, why: reason)
    }
  }

  private func refusal(_ what: String, _ why: String) -> CampaignRefusal {
    CampaignRefusal("\(what) is refused in \(campaign.state.rawValue): \(why)")
  }

  private mutating func resume(_ more: Int?, _ by: String, _ reason: String?) throws(CampaignRefusal) {
    guard campaign.state == .braked else { throw refusal("resume", "it is not braked") }
    if let more {
      guard let reason, !reason.isBlank else {
        throw refusal("resume", "overriding the limit takes a reason")
      }
      guard more >= 1 else { throw refusal("resume", "at least 1 failure more, not \(more)") }
      campaign.limit = campaign.failures + more
      log("override", by: by, why: "limit set to \(campaign.limit): \(reason)")
    } else if campaign.failures >= campaign.limit {
      throw refusal(
        "resume",
        "\(campaign.failures) have failed, the limit is \(campaign.limit): retry or pull out in the groups, or override it"
      )
    }
    campaign.state = .running
    campaign.braked = nil
    for index in campaign.members.indices where campaign.members[index].brakedByUs {
      campaign.members[index].brakedByUs = false
      if campaign.members[index].state == .braked {
        effects.append(.resume(group: campaign.members[index].group))
      }
    }
    log("resume", by: by, why: reason)
  }

  private mutating func leaveOut(
    _ group: String, _ by: String, _ reason: String?
  ) throws(CampaignRefusal) {
    guard let reason, !reason.isBlank else { throw refusal("leave out", "it takes a reason") }
    guard let index = campaign.members.firstIndex(where: { $0.group == group }) else {
      throw refusal("leave out", "the group \(group) is not in it")
    }
    let member = campaign.members[index]
    guard member.leftOut == nil, member.state != .success else {
      throw refusal("leave out", "\(group) is left out already, or has ended well")
    }
    guard !member.isUnderWay || member.rests else {
      throw refusal("leave out", "\(group) is under way: brake or abort it first")
    }
    campaign.members[index].leftOut = "\(by): \(reason)"
    log("leave out", by: by, why: "\(group): \(reason)")
  }

  // MARK: What follows

  mutating func advance() {
    guard campaign.state == .running || campaign.state == .paused || campaign.state == .braked else { return }
    brakeAll()
    let left = campaign.members.filter { $0.leftOut == nil }
    if left.allSatisfy({ $0.state == .success }) {
      campaign.state = left.isEmpty ? .revoked : .success
      log(campaign.state.rawValue)
      effects.append(.notify("\(campaign.id): \(campaign.state.rawValue)"))
    } else if campaign.state == .running {
      startGroups()
    }
  }

  /// The sum is reached and something could still be stopped: no group starts, and those under way brake.
  private mutating func brakeAll() {
    if campaign.state != .braked {
      guard campaign.failures >= campaign.limit,
        campaign.members.contains(where: { $0.leftOut == nil && !$0.isOver })
      else { return }
      let reason = "\(campaign.failures) failed over all groups, the limit is \(campaign.limit)"
      campaign.state = .braked
      campaign.braked = reason
      log(CampaignState.braked.rawValue, why: reason)
      effects.append(.notify("\(campaign.id) is BRAKED: \(reason)"))
    }
    for index in campaign.members.indices where campaign.members[index].canBeBraked {
      // Said again until it is seen braked: the one who said it may have died on the way.
      campaign.members[index].brakedByUs = true
      effects.append(
        .brake(
          group: campaign.members[index].group,
          reason: "by the campaign \(campaign.id): \(campaign.braked ?? "")"))
    }
  }

  /// Starts what the order and the number at once allow.
  private mutating func startGroups() {
    guard let wave = campaign.members.filter({ $0.leftOut == nil && $0.state != .success }).map(\.wave).min()
    else { return }
    // A group that failed holds back all that come after it, in its own wave as well.
    let held = campaign.members.contains { $0.leftOut == nil && $0.rests && $0.state != .success }
    var underWay = campaign.members.count { $0.leftOut == nil && $0.isUnderWay }
    for index in campaign.members.indices where campaign.members[index].wave == wave {
      let member = campaign.members[index]
      guard member.leftOut == nil, member.state == nil else { continue }
      if !member.started {
        guard !held, underWay < campaign.atOnce ?? .max else { continue }
        campaign.members[index].started = true
        underWay += 1
        log("release", why: "\(member.group), wave \(wave + 1)")
      }
      effects.append(.start(group: member.group))
    }
  }
}

extension Campaign.Member {
  /// Whether its deployment has ended, well or by an abort.
  var isOver: Bool { state?.isTerminal == true }

  /// Whether it has been asked for and has not ended.
  var isUnderWay: Bool { started && !isOver }

  /// Whether it stands and waits for a person: failed, braked or aborted.
  var rests: Bool {
    switch state {
    case .smokeFailure, .bakeFailure, .failure, .braked, .revoked: true
    default: false
    }
  }

  /// Whether it could still start something that a brake would stop.
  fileprivate var canBeBraked: Bool {
    guard leftOut == nil else { return false }
    switch state {
    case .pending, .smoking, .smokeSuccess, .baking, .bakeSuccess, .rollingOut, .paused: return true
    default: return false
    }
  }
}
