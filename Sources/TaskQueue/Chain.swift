/// One step of a chain: a task's name, its input, and its limits.
public struct Link: Sendable {
  let task: String
  /// nil: the link takes its chain's shared input.
  let input: [UInt8]?
  let retry: RetryPolicy
  let timeLimit: Duration?

  /// - Parameters:
  ///   - timeLimit: after it the running task is cancelled, and the link fails with code `timeout`
  ///     whether or not the task heeds it. nil: no limit.
  /// - Throws: the encoder's error when `input` doesn't encode.
  public init<T: QueueTask>(
    _ task: T.Type, _ input: T.Input, retry: RetryPolicy = .never, timeLimit: Duration? = nil
  ) throws {
    self.task = T.name
    self.input = try Payload.encode(input)
    self.retry = retry
    self.timeLimit = timeLimit
  }

  /// A link that takes the chain's shared input.
  public init<T: QueueTask>(_ task: T.Type, retry: RetryPolicy = .never, timeLimit: Duration? = nil) {
    self.task = T.name
    self.input = nil
    self.retry = retry
    self.timeLimit = timeLimit
  }
}

/// Links that run one after another: the unit that is submitted, moved and settled.
///
/// A chain is written once, under the caller's own id; sent twice, it exists once. What moves in the
/// queue is its id alone, and a cursor says which link is next.
public struct Chain: Sendable {
  public let id: ChainID
  public let queue: QueueName
  public let lane: String
  public let priority: Priority
  public let delay: Duration
  let links: [Link]
  let shared: [UInt8]

  public var linkCount: Int { links.count }

  /// - Parameters:
  ///   - lane: lanes of a queue are served in turn, so that one caller's thousands don't starve
  ///     another's one. Members of a group share the group's lane whatever is said here.
  ///   - delay: not before this time from now. Members of a group start when the group is sealed: for them it
  ///     is left out of account.
  ///   - sharedInput: what links without an input of their own take.
  /// - Throws: ``InvalidChain`` without links or with more than 100; ``InvalidIdentifier`` for the lane;
  ///   the encoder's error when the shared input doesn't encode.
  public init(
    id: ChainID, queue: QueueName = .default, lane: String = "-", priority: Priority = .normal,
    delay: Duration = .zero, sharedInput: (some Encodable & Sendable)?, links: [Link]
  ) throws {
    guard (1...100).contains(links.count) else { throw InvalidChain(id: id, links: links.count) }
    self.id = id
    self.queue = queue
    self.lane = try Identifier<Lane>(lane).rawValue
    self.priority = priority
    self.delay = delay
    self.links = links
    self.shared = try sharedInput.map { try Payload.encode($0) } ?? []
  }

  public init(
    id: ChainID, queue: QueueName = .default, lane: String = "-", priority: Priority = .normal,
    delay: Duration = .zero, links: [Link]
  ) throws {
    try self.init(
      id: id, queue: queue, lane: lane, priority: priority, delay: delay, sharedInput: Optional<Nothing>.none,
      links: links)
  }

  /// The same chain in a group's lane.
  init(_ chain: Chain, lane: String) {
    self.id = chain.id
    self.queue = chain.queue
    self.lane = lane
    self.priority = chain.priority
    self.delay = chain.delay
    self.links = chain.links
    self.shared = chain.shared
  }

  private enum Lane {}
}

/// Within a queue, a level that has work goes before those below it.
public enum Priority: Int, Sendable, Codable, CaseIterable {
  case high = 0
  case normal = 1
  case low = 2
}

/// A chain that can't be: it has no links, or too many.
public struct InvalidChain: Error, Sendable, CustomStringConvertible {
  public let id: ChainID
  public let links: Int
  public var description: String { "chain \(id) has \(links) links; 1 to 100 are allowed" }
}

/// The queue that a chain waits in, and that workers serve.
public enum Queues {}
public typealias QueueName = Identifier<Queues>
extension QueueName {
  public static var `default`: QueueName { QueueName(trusted: "default") }
  /// The namespace where none is given.
  public static var namespace: QueueName { QueueName(trusted: "drawbar") }
}

/// Chains that belong together: they run side by side, and when the last has settled the callback runs.
public struct ChainGroup: Sendable {
  public let id: GroupID
  public let members: [Chain]
  public let limit: LimitID?
  public let onSettled: Chain?

  /// - Parameters:
  ///   - limit: a bound of failures, shared with other groups, that stops unstarted members when it
  ///     trips; see ``Limit``. It must have been set by a ``Commit`` before or in the same one.
  ///   - onSettled: made runnable once, when every member has ended, however it ended.
  public init(id: GroupID, members: [Chain], limit: LimitID? = nil, onSettled: Chain? = nil) {
    self.id = id
    self.members = members
    self.limit = limit
    self.onSettled = onSettled
  }
}

/// A bound of failures that groups share.
///
/// Each member that ends in failure raises `failures`. When it reaches `bound` the limit trips: members
/// that were never started stay where they are, those under way run on, and `onTripped` is made runnable,
/// once for each time it trips, under the template's id with the number of the trip added. Raising the
/// bound above the failures, or taking failures away, lets the waiting members go on. Setting it to a bound
/// that is reached already trips it without a callback: a bound of 0 shuts it.
public struct Limit: Sendable {
  public let id: LimitID
  public var bound: Int
  /// Set to this number; nil leaves the count alone.
  public var failures: Int?
  public var onTripped: Chain?

  public init(id: LimitID, bound: Int, failures: Int? = nil, onTripped: Chain? = nil) {
    self.id = id
    self.bound = bound
    self.failures = failures
    self.onTripped = onTripped
  }
}

/// How a limit stands.
public struct LimitStatus: Sendable, Equatable {
  public let bound: Int
  public let failures: Int
  public let tripped: Bool
  public let trips: Int
}
