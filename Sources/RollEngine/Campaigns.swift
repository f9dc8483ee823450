import Fleet
import Logging
public import Rollout
import TaskQueue

/// What a campaign releases, kept beside it.
public struct CampaignOrder: Codable, Sendable, Equatable {
  /// The version for each group, by the group's name.
  public var versions: [String: String]
  /// Over the config of each group.
  public var options: ReleaseOptions
  /// Who created it.
  public var by: String
  public var reason: String?
}

/// A campaign at one moment.
public struct CampaignView: Sendable, Equatable {
  public var campaign: Campaign
  public var order: CampaignOrder
  /// Redis' clock, in milliseconds since 1970.
  public var now: Milliseconds
  /// Why groups that were asked for have not begun; they are tried again by themselves.
  public var held: [String: String] = [:]
}

extension Releases {
  /// Releases several groups in one go: wave after wave, each group with its own brake, and all under a limit for the
  /// sum of their failures. It begins with an action `start`.
  ///
  /// - Parameters:
  ///   - id: a name of its own.
  ///   - waves: groups; one wave begins when all of the one before have ended in `SUCCESS`.
  ///   - versions: by group.
  ///   - limit: as many failures over all groups brake all.
  ///   - atOnce: so many groups at the same time; nil means all of a wave.
  ///   - options: over each group's config.
  /// - Throws: ``ReleaseError/campaign(_:)`` for groups or numbers that can't be, ``ReleaseError/campaignExists(_:)``,
  ///   ``ReleaseError/notRefreshed(group:why:age:)``, unknown groups or versions; `RedisError`.
  @discardableResult
  public func createCampaign(
    _ id: String, waves: [[String]], versions: [String: String], limit: Int, atOnce: Int? = nil,
    options: ReleaseOptions = ReleaseOptions(), by: String, reason: String? = nil
  ) async throws -> CampaignView {
    guard NameRule.name.accepts(id) else { throw ReleaseError.unknownCampaign(id) }
    for name in waves.flatMap({ $0 }) {
      let group = try await refreshed(name)
      guard let version = versions[name] else { throw ReleaseError.noVersionKnown(group: name) }
      _ = try await package(group, version)
    }
    let order = CampaignOrder(versions: versions, options: options, by: by, reason: reason)
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let records = try await queue.records([Names.campaign(id), Names.campaigns()])
      guard records[0].revision == 0 else { throw ReleaseError.campaignExists(id) }
      let now = records[0].now
      let campaign: Campaign
      do {
        campaign = try Campaign(id: id, waves: waves, limit: limit, atOnce: atOnce, by: by, now: now)
      } catch {
        throw ReleaseError.campaign(error)
      }
      let oldest = Self.newestFirst(records[1]).dropFirst(Self.listedCampaigns - 1)
      var commit = Commit()
      commit.changes = [
        Commit.Change(
          try Names.campaign(id), expecting: 0,
          set: ["campaign": try JSON.encode(campaign), "order": try JSON.encode(order)]),
        Commit.Change(
          try Names.campaigns(), expecting: records[1].revision, set: [id: Array("\(now)".utf8)],
          remove: Array(oldest)),
      ]
      // Where another one came between, the list is another: looked at again.
      if try await queue.commit(commit) == .committed {
        return CampaignView(campaign: campaign, order: order, now: now)
      }
    }
    throw ReleaseError.contended("the list of campaigns")
  }

  /// So many are listed; one that is older is known by its name.
  static let listedCampaigns = 200

  /// The latest campaigns, the newest first, as they stand.
  public func campaigns() async throws -> [CampaignView] {
    var views: [CampaignView] = []
    for id in Self.newestFirst(try await queue.record(Names.campaigns())) {
      views.append(try await campaign(id))
    }
    return views
  }

  /// The names in the list of campaigns, which has the time of each.
  private static func newestFirst(_ record: Record) -> [String] {
    record.fields.map { ($0.key, Int64(String(decoding: $0.value, as: UTF8.self)) ?? 0) }
      .sorted { ($0.1, $0.0) > ($1.1, $1.0) }.map(\.0)
  }

  /// Does an action on a campaign, and all that follows.
  ///
  /// - Throws: ``ReleaseError/campaign(_:)`` with the actions that are allowed; ``ReleaseError/unknownCampaign(_:)``;
  ///   `RedisError`.
  @discardableResult
  public func act(
    campaign id: String, _ action: CampaignAction, by: String, reason: String? = nil
  ) async throws -> CampaignView {
    try await move(campaign: id, (action, by: by, reason: reason))
  }

  /// A campaign as it is now, its groups looked at just now. Nothing is changed by it.
  ///
  /// - Throws: ``ReleaseError/unknownCampaign(_:)``; `RedisError`.
  public func campaign(_ id: String) async throws -> CampaignView { try await stored(campaign: id).view }

  /// Looks at a campaign and does what follows: what a coordinator is woken for.
  func advance(campaign id: String) async throws { _ = try await move(campaign: id, nil) }

  // MARK: Moving one

  struct StoredCampaign {
    var view: CampaignView
    /// Its deployments, by their groups.
    var deployments: [String: String]
    var revision: Int
  }

  /// The field that names a group's deployment. Written by the commit that creates it.
  private static func deploymentField(_ group: String) -> String { "deployment/" + group }

  /// The field that says why a group has not begun although it was asked for.
  static func heldField(_ group: String) -> String { "held/" + group }

  func stored(campaign id: String) async throws -> StoredCampaign {
    guard let name = try? Names.campaign(id) else { throw ReleaseError.unknownCampaign(id) }
    let record = try await queue.record(name)
    guard record.revision > 0 else { throw ReleaseError.unknownCampaign(id) }
    var view = CampaignView(
      campaign: try JSON.decode(record.fields["campaign"], "the campaign \(id)"),
      order: try JSON.decode(record.fields["order"], "the order of the campaign \(id)"), now: record.now)
    var deployments: [String: String] = [:]
    for member in view.campaign.members {
      deployments[member.group] = record.fields[Self.deploymentField(member.group)].map {
        String(decoding: $0, as: UTF8.self)
      }
      if deployments[member.group] == nil, view.campaign.mayStart(member.group) {
        view.held[member.group] = record.fields[Self.heldField(member.group)].map {
          String(decoding: $0, as: UTF8.self)
        }
      }
    }
    return StoredCampaign(view: view, deployments: deployments, revision: record.revision)
  }

  private func move(
    campaign id: String, _ action: (CampaignAction, by: String, reason: String?)?
  ) async throws -> CampaignView {
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let stored = try await stored(campaign: id)
      let facts = try await facts(stored)
      let decided: (campaign: Campaign, effects: [CampaignEffect])
      do {
        decided = try decide(stored.view.campaign, action, groups: facts, now: stored.view.now)
      } catch {
        throw ReleaseError.campaign(error)
      }
      var view = stored.view
      view.campaign = decided.campaign
      if decided.campaign != stored.view.campaign {
        var commit = Commit()
        commit.changes = [
          Commit.Change(
            try Names.campaign(id), expecting: stored.revision,
            set: ["campaign": try JSON.encode(decided.campaign)])
        ]
        if !decided.campaign.state.isTerminal {
          // Effects are done after the commit: if this process dies between, another look does them.
          commit.submit.append(
            try look(campaign: id, at: "\(stored.revision + 1)", after: .seconds(2)))
        }
        commit.submit += try await notices(
          decided.effects, of: decided.campaign, revision: stored.revision + 1, at: stored.view.now)
        guard try await queue.commit(commit) == .committed else { continue }
      }
      try await carryOut(decided.effects, view, stored.deployments)
      view.held = try await self.stored(campaign: id).view.held
      return view
    }
    throw ReleaseError.contended(id)
  }

  /// How its deployments stand.
  private func facts(_ stored: StoredCampaign) async throws -> [String: GroupFacts] {
    var groups: [String: GroupFacts] = [:]
    for (group, id) in stored.deployments {
      let deployment = try await load(id).deployment
      groups[group] = GroupFacts(
        state: deployment.state, failures: deployment.failuresSeen, lastBraked: deployment.lastBraked)
    }
    return groups
  }

  /// Groups are begun side by side: one whose load balancer or CMDB is away doesn't hold up those behind it.
  private func carryOut(
    _ effects: [CampaignEffect], _ view: CampaignView, _ deployments: [String: String]
  ) async throws {
    var starts: [CampaignEffect] = []
    for effect in effects {
      if case .start = effect { starts.append(effect) } else { try await carryOut(effect, view, deployments) }
    }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      for (index, start) in starts.enumerated() {
        if index >= Self.startedAtOnce { try await tasks.next() }
        tasks.addTask { try await carryOut(start, view, deployments) }
      }
      try await tasks.waitForAll()
    }
  }

  private static let startedAtOnce = 8

  private func carryOut(
    _ effect: CampaignEffect, _ view: CampaignView, _ deployments: [String: String]
  ) async throws {
    let id = view.campaign.id
    do {
      switch effect {
      case .start(let group):
        do { try await start(group, of: view) } catch let error as ReleaseError {
          try await hold(group, of: id, because: "\(error)")
        }
      case .brake(let group, let reason, let byPerson):
        guard let deployment = deployments[group] else { return }
        if byPerson {
          try await act(deployment, .brake, by: "campaign \(id)", reason: reason)
        } else {
          _ = try await move(deployment, .campaignBrake(reason: reason))
        }
      case .resume(let group):
        if let deployment = deployments[group] {
          try await act(
            deployment, .resume(override: nil), by: "campaign \(id)", reason: "the campaign goes on")
        }
      case .abort(let group, let reason):
        if let deployment = deployments[group] {
          try await act(deployment, .abort(forced: false), by: "campaign \(id)", reason: reason)
        }
      case .notify(let words): logger.notice("\(words)")
      }
    } catch let error as ReleaseError {
      // It stands otherwise by now: the next look sees how.
      logger.warning("campaign \(id): \(error)")
    }
  }

  private func start(_ name: String, of view: CampaignView) async throws {
    guard let version = view.order.versions[name] else { return }
    var options = view.order.options
    options.start = true
    _ = try await create(on: name, options) { group, ledger, before in
      // It may have been braked or aborted since it said start: its revision goes into the same commit.
      let now = try await stored(campaign: view.campaign.id)
      guard now.view.campaign.mayStart(name), now.deployments[name] == nil else {
        throw ReleaseError.unreadable("the campaign \(view.campaign.id) no longer starts \(name)")
      }
      var draft = Draft(
        group: group, ledger: ledger, before: before,
        plan: try await plan(group, options, ledger.ledger, after: before?.deployment),
        package: try await package(group, version), kind: .release, forced: options.forced, start: true,
        by: "campaign \(view.campaign.id)", reason: view.order.reason)
      draft.campaign = view.campaign.id
      draft.also = [
        Commit.Change(
          try Names.campaign(view.campaign.id), expecting: now.revision,
          set: [Self.deploymentField(name): Array("\(name)-\(ledger.ledger.number + 1)".utf8)],
          remove: [Self.heldField(name)])
      ]
      return draft
    }
  }

  /// A look at a campaign: what wakes a coordinator for it.
  func look(campaign id: String, at moment: String, after delay: Duration = .zero) throws -> Chain {
    try Chain(
      id: Names.campaignLook(id, moment), queue: Names.coordinators(), delay: delay,
      links: [
        Link(CampaignTask.self, .init(campaign: id), retry: Self.patience, timeLimit: .seconds(300))
      ])
  }
}

/// Looks at one campaign and does what follows.
struct CampaignTask: QueueTask {
  struct Input: Codable, Sendable { var campaign: String }
  static let name = "release.campaign"
  let releases: Releases

  func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
    do {
      try await releases.advance(campaign: input.campaign)
    } catch ReleaseError.unknownCampaign(let id) {
      throw TaskFailure(code: "unknown", message: "there is no campaign \(id)", retry: .never)
    }
    return Nothing()
  }
}
