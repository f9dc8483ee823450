/// Links that run one after another: the unit that is submitted, moved and settled.
///
/// A chain is written once, under the caller's own id; sent twice, it exists once. What moves in the
/// queue is its id alone, and a cursor says which link is next. With links that are groups it is a whole
/// workflow, and is submitted whole or not at all; the members of link `i` of chain `c` are chains `c/i/0`,
/// `c/i/1` and so on.
public struct Chain: Sendable {
  public static let maximumLinks = 1_000

  public let id: ChainID
  public let queue: QueueName
  public let lane: String
  public let priority: Priority
  public let delay: Duration
  public let links: [Link]
  let shared: [UInt8]

  /// Not before this time, in the server's milliseconds since the epoch. Goes before `delay`.
  public var notBefore: Int64?
  /// A chain that has not started so long after it was submitted is ended as cancelled, with code `expired`.
  public var expiresAfter: Duration?
  public var unique: Unique?
  /// How long its state and results are kept after its end. nil: the queue's retention.
  public var keptFor: Duration?
  /// The error callback: a chain of its own, `<id>/failed`, that becomes runnable when this one is given up.
  /// Its tasks find out what failed with ``TaskContext/cause()``.
  public var onFailure: [Link] = []
  /// Travels with the chain to every task of it and of its groups: trace context, tenant, and the like.
  public var headers: [String: String] = [:]
  /// When so many members of its groups have failed, over all of them, members that have not started yet no longer
  /// do, those under way run to their end, and the chain is given up with code `brake`.
  public var brake: Int?

  /// Whom an error callback follows.
  var cause: ChainID?

  public var linkCount: Int { links.count }

  /// - Parameters:
  ///   - lane: lanes of a queue are served in turn, so that one caller's thousands don't starve
  ///     another's one. Members of a group share the group's lane whatever is said here.
  ///   - delay: not before this time from now. Members of a group start when the group is sealed: for them it
  ///     is left out of account.
  ///   - sharedInput: what links without an input of their own take.
  /// - Throws: ``InvalidChain`` without links or with more than 1,000; ``InvalidIdentifier`` for the lane;
  ///   the encoder's error when the shared input doesn't encode.
  public init(
    id: ChainID, queue: QueueName = .default, lane: String = "-", priority: Priority = .normal,
    delay: Duration = .zero, sharedInput: (some Encodable & Sendable)?, links: [Link]
  ) throws {
    try self.init(
      id: id, queue: queue, lane: Identifier<Lane>(lane).rawValue, priority: priority, delay: delay,
      shared: sharedInput.map { try Payload.encode($0) } ?? [], links: links)
  }

  public init(
    id: ChainID, queue: QueueName = .default, lane: String = "-", priority: Priority = .normal,
    delay: Duration = .zero, links: [Link]
  ) throws {
    try self.init(
      id: id, queue: queue, lane: lane, priority: priority, delay: delay, sharedInput: Optional<Nothing>.none,
      links: links)
  }

  init(
    id: ChainID, queue: QueueName, lane: String, priority: Priority, delay: Duration = .zero, shared: [UInt8],
    links: [Link]
  ) throws(InvalidChain) {
    guard (1...Self.maximumLinks).contains(links.count) else {
      throw InvalidChain(id: id, reason: "it has \(links.count) links; 1 to \(Self.maximumLinks) are allowed")
    }
    self.id = id
    self.queue = queue
    self.lane = lane
    self.priority = priority
    self.delay = delay
    self.links = links
    self.shared = shared
  }

  /// The same chain in a group's lane.
  init(_ chain: Chain, lane: String) {
    id = chain.id
    queue = chain.queue
    self.lane = lane
    priority = chain.priority
    delay = chain.delay
    links = chain.links
    shared = chain.shared
    keptFor = chain.keptFor
    headers = chain.headers
    cause = chain.cause
    onFailure = chain.onFailure
    unique = chain.unique
    brake = chain.brake
    expiresAfter = chain.expiresAfter
  }

  private enum Lane {}
}

/// One chain at a time for a key.
public struct Unique: Sendable, Equatable {
  public enum Span: Sendable, Equatable {
    /// Until its first link starts.
    case whileQueued
    /// Until it has ended, however it ends.
    case untilEnded
    /// For a time from its submission, whatever becomes of it.
    case lasting(Duration)
  }

  public let key: Identifier<Gate>
  public let span: Span

  public init(_ key: Identifier<Gate>, _ span: Span = .untilEnded) {
    self.key = key
    self.span = span
  }

  var text: String {
    switch span {
    case .whileQueued: "q|\(key)"
    case .untilEnded: "e|\(key)"
    case .lasting(let time): "f|\(key)|\(max(1, time.milliseconds))"
    }
  }
}

/// Within a queue, a level that has work goes before those below it.
public enum Priority: Int, Sendable, Codable, CaseIterable {
  case high = 0
  case normal = 1
  case low = 2
}

/// A chain that can't be, and why.
public struct InvalidChain: Error, Sendable, CustomStringConvertible {
  public let id: ChainID
  public let reason: String
  public var description: String { "chain \(id) is refused: \(reason)" }
}

/// The queue that a chain waits in, and that workers serve.
public enum Queues {}
public typealias QueueName = Identifier<Queues>
extension QueueName {
  public static var `default`: QueueName { QueueName(trusted: "default") }
  /// The namespace where none is given.
  public static var namespace: QueueName { QueueName(trusted: "drawbar") }
}
