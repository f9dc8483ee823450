import Circuits
import Delivery
import Fleet
import Logging
import Rollout
import TaskQueue
import Workflows

/// Tells one webhook one notice: at least once, and under one key however often it is tried.
///
/// It is tried for an hour, apart from everything that releases wait for: a webhook that is away brakes nothing.
struct NotifyTask: QueueTask {
  struct Input: Codable, Sendable {
    var hook: NoticeHook
    var message: NoticeMessage
  }

  static let name = "release.notify"
  let releases: Releases

  /// How long a notice is tried; then it is given up.
  static let patience: Milliseconds = 3_600_000
  /// How long one try may take.
  private static let limit: Duration = .seconds(10)

  func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
    let (degradation, now) = try await switches()
    if let off = degradation.inForce(.notifications, at: now) {
      context.log("not sent: \(off.banner)")
      throw ChainControl.finish(note: "left out: \(off.banner)")
    }
    let place = CircuitEndpoint(url: input.hook.webhook, path: false)
    do {
      try await releases.circuits.breaker(before: .notifications, at: place)
        .call(counting: Self.isFailureOfSystem) {
          try await Webhook.post(
            try input.message.body(), key: context.chain.rawValue, to: input.hook.webhook,
            tokenFile: input.hook.tokenFile, within: Self.limit)
        }
    } catch {
      try Task.checkCancellation()
      let why = "the webhook at \(place) was not told of \(input.message.text): \(error)"
      guard now - input.message.at < Self.patience else {
        releases.logger.error("\(why); it is given up")
        throw TaskFailure(code: "notify", message: "\(why); it was tried for an hour", retry: .never)
      }
      releases.logger.info("\(why); it is tried again")
      throw TaskFailure(code: "notify", message: why)
    }
    return Nothing()
  }

  private static func isFailureOfSystem(_ error: any Error) -> Bool {
    (error as? Webhook.Refused)?.isFailureOfSystem ?? false
  }

  private func switches() async throws -> (Degradation, Milliseconds) {
    let record = try await releases.queue.record(LiveOrders.record())
    return (try LiveOrders.degradation(record), record.now)
  }
}

extension Releases {
  /// The chains that tell a group's webhooks of a notice: one for each, so that none waits for another, and each under a
  /// name of its own, so that a commit that is repeated sends nothing twice.
  ///
  /// - Parameter id: names a chain by its number.
  func tell(
    _ messages: [NoticeMessage], _ hooks: [NoticeHook], id: (Int) throws -> ChainID
  ) throws -> [Chain] {
    let told = messages.flatMap { message in
      hooks.filter { $0.on.contains(message.event) }.map { NotifyTask.Input(hook: $0, message: message) }
    }
    return try told.enumerated().map { index, input in
      // Tried until its hour is over, however often that is.
      var link = try Link(
        NotifyTask.self, input, retry: RetryPolicy(attempts: 10_000, backoff: 1_000, maxBackoff: 300_000),
        timeLimit: .seconds(30))
      // Webhooks that hang keep no coordinator from what releases wait for.
      link.options.concurrency = ConcurrencyLimit(key: try Identifier("notify"), atMost: 3)
      return try Chain(
        id: id(index), queue: Names.coordinators(), lane: "@notify", priority: .low, links: [link])
    }
  }

  /// The chains that tell of a decision. Nothing where the frozen group has no webhooks.
  func notices(_ decision: Decision, _ group: Fleet.Group, revision: Int, at now: Milliseconds) throws
    -> [Chain]
  {
    guard !group.notify.isEmpty else { return [] }
    let messages = decision.effects.compactMap { effect -> NoticeMessage? in
      guard case .notify(let notice) = effect else { return nil }
      return NoticeMessage(notice, of: decision.deployment, at: now)
    }
    return try tell(messages, group.notify) { try Names.notice(decision.deployment.id, revision, $0) }
  }

  /// The chains that tell of a campaign: each webhook of its groups once, as their files name them now.
  func notices(
    _ effects: [CampaignEffect], of campaign: Campaign, revision: Int, at now: Milliseconds
  ) async throws -> [Chain] {
    let messages = effects.compactMap { effect -> NoticeMessage? in
      guard case .notify(let words) = effect else { return nil }
      return NoticeMessage(words, of: campaign, at: now)
    }
    guard !messages.isEmpty else { return [] }
    var hooks: [NoticeHook] = []
    for member in campaign.members {
      for hook in try await fleet.group(member.group)?.group.notify ?? [] {
        guard let known = hooks.firstIndex(where: { $0.webhook == hook.webhook }) else {
          hooks.append(hook)
          continue
        }
        // Two groups may want to hear of different things at one place: it hears of both.
        hooks[known].on += hook.on.filter { !hooks[known].on.contains($0) }
      }
    }
    return try tell(messages, hooks) { try Names.campaignNotice(campaign.id, revision, $0) }
  }
}
