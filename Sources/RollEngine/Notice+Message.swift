import Fleet
import FoundationEssentials
import Rollout

/// What a webhook is told, as it was when it happened.
struct NoticeMessage: Codable, Sendable, Equatable {
  var event: NoticeHook.Event
  /// A deployment's; nil for a campaign.
  var deployment: String?
  var kind: Deployment.Kind?
  var group: String?
  var app: String?
  var version: String?
  /// A campaign's; nil for a deployment that is of none.
  var campaign: String?
  var groups: [String]?
  var state: String
  var reason: String?
  var by: String
  /// Redis' clock, in milliseconds since 1970.
  var at: Milliseconds
  var failures: Int?
  var limit: Int?
  /// For people, in one line.
  var text: String

  /// The body that is sent.
  func body() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    return Array(try encoder.encode(Body(message: self)))
  }

  /// The same with a time that people and programs read alike.
  private struct Body: Encodable {
    let message: NoticeMessage

    private enum Keys: String, CodingKey { case at }

    func encode(to encoder: any Encoder) throws {
      try message.encode(to: encoder)
      var fields = encoder.container(keyedBy: Keys.self)
      try fields.encode(NoticeMessage.time(message.at), forKey: .at)
    }
  }

  /// ISO 8601, UTC.
  static func time(_ milliseconds: Milliseconds) -> String {
    Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
      .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }
}

extension NoticeMessage {
  /// What is told of a notice. One decision may bring several: who and why are those of each.
  init(_ notice: Notice, of deployment: Deployment, at now: Milliseconds) {
    self.init(
      event: notice.event, deployment: deployment.id, kind: deployment.kind, group: deployment.group,
      app: deployment.package.app, version: deployment.package.version, campaign: deployment.campaign,
      state: deployment.state.rawValue, reason: nil, by: "coordinator", at: now, text: "")
    switch notice {
    case .braked(let why):
      state = DeploymentState.braked.rawValue
      (failures, limit) = (deployment.failuresSeen, deployment.limit)
      reason = why
      by = deployment.latest(state, ActionName.brake.rawValue)?.by ?? by
    case .gateWaits(let gate, let since):
      reason = "waits for a person at \(gate.rawValue) since \(Self.time(since))"
    case .rollsBack(let order):
      reason = order.reason
      by = "policy \(order.policy)"
    case .reached(let reached):
      state = reached.rawValue
      // Who aborted it, and why, says more than that it has ended.
      let entry = deployment.latest(reached == .revoked ? ActionName.abort.rawValue : state)
      (reason, by) = (entry?.why, entry?.by ?? by)
    }
    reason = reason.map { String($0.prefix(1_000)) }
    let what =
      deployment.kind == .dayTwo
      ? deployment.kind.words : "\(deployment.package.app) \(deployment.package.version)"
    text = "\(deployment.id) (\(what)): \("\(notice)".prefix(1_000))"
    if case .reached = notice, let reason { text += ": \(reason)" }
    if event != .ended { text += " – drawbar show \(deployment.id)" }
  }

  /// What is told of a campaign.
  init(_ words: String, of campaign: Campaign, at now: Milliseconds) {
    let isBraked = campaign.state == .braked
    self.init(
      event: isBraked ? .braked : .ended, campaign: campaign.id, groups: campaign.members.map(\.group),
      state: campaign.state.rawValue, reason: isBraked ? campaign.braked : nil,
      by: campaign.log.last?.by ?? "coordinator", at: now, failures: campaign.failures,
      limit: campaign.limit, text: "campaign \(words)")
  }
}

extension Deployment {
  /// The latest entry of its log of one of these names.
  fileprivate func latest(_ names: String...) -> LogEntry? { log.last { names.contains($0.what) } }
}

extension Notice {
  /// What it is to those who choose what they are told.
  var event: NoticeHook.Event {
    switch self {
    case .gateWaits: .gate
    case .braked: .braked
    case .rollsBack: .rollback
    case .reached(.success), .reached(.revoked): .ended
    case .reached: .failure
    }
  }
}
