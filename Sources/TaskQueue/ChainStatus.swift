import RedisClient

/// Where a chain is and how it came there, as its one hash says.
public struct ChainStatus: Sendable, Equatable {
  public enum State: String, Sendable, Equatable {
    /// In a lane, to be taken by a worker (or parked there by a limit that tripped).
    case ready = "r"
    /// Held by a session, which runs its link or is about to.
    case granted = "g"
    /// Waits for a time: delayed, or to be tried again.
    case due = "d"
    /// Waits for the members of a group, which is the link at its cursor.
    case waiting = "w"
    /// Ended well.
    case finished = "f"
    /// Given up; see `failure`.
    case dead = "x"
    /// Ended by a cancel.
    case cancelled = "c"
  }

  /// How one link ended well.
  public struct LinkOutcome: Sendable, Equatable {
    /// Server's milliseconds since the epoch.
    public let startedAt: Int64
    public let endedAt: Int64
    public let attempt: Int
    public let generation: Int
  }

  public struct Progress: Sendable, Equatable {
    /// 0…1.
    public let fraction: Double
    public let note: String

    init?(text: String) {
      let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      guard let fraction = words.first.flatMap({ Double($0) }) else { return nil }
      self.fraction = fraction
      note = words.count > 1 ? String(words[1]) : ""
    }
  }

  public struct Failure: Sendable, Equatable {
    public let link: Int
    public let code: String
    public let message: String
  }

  public let id: ChainID
  public let state: State
  /// The link that runs or is next; `linkCount` once all are done.
  public let cursor: Int
  public let linkCount: Int
  /// Failed tries of the current link.
  public let failedAttempts: Int
  public let crashes: Int
  public let generation: Int
  public let holder: String?
  /// Whether any link was ever granted to a worker.
  public let started: Bool
  /// When the current link was granted, in server's milliseconds; nil while none is.
  public let linkStartedAt: Int64?
  public let endedAt: Int64?
  /// What a task said when it ended the chain early or jumped.
  public let note: String?
  /// The last failure, also while it waits to be tried again.
  public let failure: Failure?
  /// How far the running link says it is.
  public let progress: Progress?
  public let queue: QueueName
  /// Where the link at the cursor waits for a worker: ``queue``, unless the link names another.
  public let linkQueue: QueueName
  /// In server's milliseconds.
  public let submittedAt: Int64?
  /// Whether a cancel was asked for.
  public let cancelling: Bool
  /// By link; links that were jumped over have none.
  public let outcomes: [Int: LinkOutcome]
  /// The results that are kept, as JSON, by link; those of groups are not among them.
  public let results: [Int: [UInt8]]

  public var hasEnded: Bool { state == .finished || state == .dead || state == .cancelled }
}

extension ChainStatus {
  /// Reads the chain's hash; its fields are named in `common.lua`. nil when there is none.
  init?(id: ChainID, fields: [String: RedisValue]) {
    let words = fields["v"]?.string?.split(separator: " ").map(String.init) ?? []
    guard words.count == 7, let state = State(rawValue: words[0]), let generation = Int(words[1]),
      let cursor = Int(words[2]), let count = Int(words[3])
    else { return nil }
    self.id = id
    self.state = state
    self.generation = generation
    self.cursor = cursor
    linkCount = count
    started = words[4].hasSuffix("1")
    let time = Int64(words[5])
    linkStartedAt = state == .granted || state == .waiting ? time : nil
    endedAt = state == .finished || state == .dead || state == .cancelled ? time : nil
    holder = state == .granted ? words[6] : nil
    queue =
      (fields["d"]?.string?.split(separator: " ").first).map { QueueName(trusted: String($0)) } ?? .default
    linkQueue = fields["p\(cursor)"]?.string.flatMap { LinkPlan($0).queue } ?? queue
    submittedAt = (fields["d"]?.string?.split(separator: " ").last).flatMap { Int64($0) }
    failedAttempts = fields["a"]?.int ?? 0
    crashes = fields["k"]?.int ?? 0
    note = fields["N"]?.string
    cancelling = fields["C"] != nil
    progress = fields["pr"]?.string.flatMap(Progress.init(text:))
    failure = fields["e"]?.string.flatMap { text in
      let words = text.split(separator: " ", maxSplits: 1)
      guard words.count == 2, let link = Int(words[0]) else { return nil }
      return Failure(link: link, code: String(words[1]), message: fields["E"]?.string ?? "")
    }
    var outcomes: [Int: LinkOutcome] = [:]
    var results: [Int: [UInt8]] = [:]
    for (name, value) in fields where name.first == "R" {
      if let link = Int(name.dropFirst()) { results[link] = value.bytes }
    }
    self.results = results
    for (name, value) in fields where name.first == "o" {
      guard let link = Int(name.dropFirst()) else { continue }
      let numbers = (value.string ?? "").split(separator: " ").compactMap { Int64($0) }
      guard numbers.count == 4 else { continue }
      outcomes[link] = LinkOutcome(
        startedAt: numbers[0], endedAt: numbers[3], attempt: Int(numbers[1]), generation: Int(numbers[2]))
    }
    self.outcomes = outcomes
  }
}
