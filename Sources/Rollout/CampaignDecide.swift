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
      if let brakedAt = campaign.brakedAt { noteHeld(index, lastBraked: facts.lastBraked, since: brakedAt) }
    }
  }

  /// Notes which groups have come to rest under the brake, and which were let go by a person since.
  private mutating func noteHeld(_ index: Int, lastBraked: Milliseconds?, since brakedAt: Milliseconds) {
    let rests = !campaign.members[index].canBeBraked
    if campaign.members[index].heldSince == nil, rests || lastBraked ?? .min >= brakedAt {
      campaign.members[index].heldSince = now
    }
    if campaign.members[index].heldSince != nil, !rests { campaign.members[index].brakedByUs = false }
  }

  // MARK: Actions

  mutating func act(_ action: CampaignAction, _ by: String, _ reason: String?) throws(CampaignRefusal) {
    guard campaign.allowed.contains(action.name) else { throw refusal(action, why(action)) }
    switch action {
    case .start, .continue: campaign.state = .running
    case .pause: campaign.state = .paused
    case .brake: brake(reason.map { "\(by): \($0)" } ?? "pulled by \(by)", by: by)
    case .resume(let more): try resume(action, more, by, reason)
    case .leaveOut(let group): return try leaveOut(action, group, by, reason)
    case .abort: campaign.state = .revoking
    }
    log(action.name.rawValue, by: by, why: reason)
  }

  private func refusal(_ action: CampaignAction, _ why: String) -> CampaignRefusal {
    CampaignRefusal(why, action.name, in: campaign)
  }

  /// Why the state doesn't allow an action.
  private func why(_ action: CampaignAction) -> String {
    switch (action, campaign.state) {
    case (_, .success), (_, .revoked): "it has ended"
    case (_, .revoking): "it is being aborted"
    case (.start, _): "it has started already"
    case (.resume, _): "it is not braked"
    case (.continue, _): "it is not paused"
    case (.brake, .braked): "it is braked already"
    default: "the state doesn't allow it"
    }
  }

  private mutating func resume(
    _ action: CampaignAction, _ more: Int?, _ by: String, _ reason: String?
  ) throws(CampaignRefusal) {
    if let more {
      guard let reason, !reason.isBlank else {
        throw refusal(action, "overriding the limit takes a reason")
      }
      guard more >= 1 else { throw refusal(action, "at least 1 failure more, not \(more)") }
      campaign.limit = campaign.failures + more
      log("override", by: by, why: "limit set to \(campaign.limit): \(reason)")
    } else if campaign.failures >= campaign.limit {
      throw refusal(
        action,
        "\(campaign.failures) have failed, the limit is \(campaign.limit): retry or pull out in the groups, or override it"
      )
    }
    campaign.state = .running
    campaign.braked = nil
    (campaign.brakedBy, campaign.brakedAt) = (nil, nil)
    for index in campaign.members.indices where campaign.members[index].brakedByUs {
      campaign.members[index].brakedByUs = false
      if campaign.members[index].state == .braked {
        effects.append(.resume(group: campaign.members[index].group))
      }
    }
  }

  private mutating func leaveOut(
    _ action: CampaignAction, _ group: String, _ by: String, _ reason: String?
  ) throws(CampaignRefusal) {
    guard let reason, !reason.isBlank else { throw refusal(action, "it takes a reason") }
    guard let index = campaign.members.firstIndex(where: { $0.group == group }) else {
      throw refusal(action, "the group \(group) is not in it")
    }
    let member = campaign.members[index]
    guard member.leftOut == nil, member.state != .success else {
      throw refusal(action, "\(group) is left out already, or has ended well")
    }
    guard !member.isUnderWay || member.rests else {
      throw refusal(action, "\(group) is under way: brake or abort it first")
    }
    campaign.members[index].leftOut = "\(by): \(reason)"
    log(action.name.rawValue, by: by, why: "\(group): \(reason)")
  }

  // MARK: What follows

  mutating func advance() {
    if campaign.state == .revoking { return revoke() }
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
      brake(reason)
      log(CampaignState.braked.rawValue, why: reason)
    }
    for index in campaign.members.indices where campaign.members[index].canBeBraked {
      // Said again until it is seen braked: the one who said it may have died on the way. What a person has let go since,
      // its failures dealt with, goes on; unless the sum is reached again, or a person holds the whole campaign.
      guard
        campaign.members[index].heldSince == nil || campaign.brakedBy != nil
          || campaign.failures >= campaign.limit
      else { continue }
      campaign.members[index].brakedByUs = true
      effects.append(
        .brake(
          group: campaign.members[index].group,
          reason: "by the campaign \(campaign.id): \(campaign.braked ?? "")",
          byPerson: campaign.brakedBy != nil))
    }
  }

  private mutating func brake(_ reason: String, by: String? = nil) {
    campaign.state = .braked
    campaign.braked = reason
    (campaign.brakedBy, campaign.brakedAt) = (by, now)
    for index in campaign.members.indices {
      campaign.members[index].heldSince = campaign.members[index].canBeBraked ? nil : now
    }
    effects.append(.notify("\(campaign.id) is BRAKED: \(reason)"))
  }

  /// Aborts what is under way, said again until it is seen to end, and then is `REVOKED`. A group that has no
  /// deployment yet gets none: ``Campaign/mayStart(_:)`` says so.
  private mutating func revoke() {
    let left = campaign.members.filter { $0.isUnderWay && $0.state != nil }
    for member in left where member.state != .revoking {
      effects.append(.abort(group: member.group, reason: "the campaign \(campaign.id) is aborted"))
    }
    guard left.isEmpty else { return }
    campaign.state = .revoked
    log(campaign.state.rawValue)
    effects.append(.notify("\(campaign.id): \(campaign.state.rawValue)"))
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
