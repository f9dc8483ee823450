/// A webhook that is told what happens to a group's releases.
public struct NoticeHook: Codable, Sendable, Equatable, Hashable {
  /// What may be told.
  public enum Event: String, Codable, Sendable, CaseIterable {
    /// A deployment, or a campaign, was braked.
    case braked
    /// A gate has waited long for a person.
    case gate
    /// It stopped at a failure: of its bastion, of the bake, or of some servers.
    case failure
    /// A policy takes it back.
    case rollback
    /// It ended, well or by an abort.
    case ended
  }

  /// An `http` or `https` URL, without user and password.
  public var webhook: String
  /// The file with the token that is sent as `Authorization: Bearer`. It is read by whoever sends, each time: the token
  /// itself is kept nowhere.
  public var tokenFile: String?
  /// What is told.
  public var on: [Event]

  public init(webhook: String, tokenFile: String? = nil, on: [Event] = Event.allCases) {
    self.webhook = webhook
    self.tokenFile = tokenFile
    self.on = on
  }
}
