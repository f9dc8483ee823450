import RedisClient

/// How the queues stand at a glance: for gauges that are read every few seconds.
public struct QueueGauges: Sendable, Equatable {
  public struct Line: Sendable, Equatable {
    public let queue: String
    /// Chains from their submission to their end, wherever they are now.
    public let depth: Int
    /// Chains that a worker could take now; where there are very many lanes, at least so many.
    public let ready: Int
    public let lanes: Int
    /// Chains whose workers died with them twice; each is run alone.
    public let suspects: Int
    /// For how long the oldest of the ready ones waits; nil where there is none. With very many lanes, of those at
    /// whose turn it is next.
    public let oldest: Duration?
    /// Of the latest ``Queue/deadTold`` chains that were given up, those of this queue.
    public let dead: Int
  }

  /// Ordered by name, ``Queue/queuesTold`` of them at most.
  public let queues: [Line]
  /// How many queues there are.
  public let queueCount: Int
  /// What the queues hold that are not told of.
  public let depthOfOthers: Int
  /// Chains that wait for a time.
  public let due: Int
  /// Groups that were staged and not sealed.
  public let staged: Int
  /// Chains that were given up, as far as they are still listed.
  public let dead: Int
  public let sessions: Int
  /// Of these, those whose lease is over.
  public let overdue: Int
  public let schedules: Int
  /// For how long the first firing that is due was left alone: a scheduler takes it within moments.
  public let firingLate: Duration
}

extension Queue {
  public static let queuesTold = 200
  public static let deadTold = 1_000
  private static let lanesLookedInto = 600

  /// One short call, whose cost is bounded however much there is. ``standings()`` tells more, and costs more.
  public func gauges() async throws -> QueueGauges {
    let answer = try await broker.call(
      Scripts.look, [.integer(Self.queuesTold), .integer(Self.lanesLookedInto), .integer(Self.deadTold)])
    guard let items = answer.array, items.count >= 9, items.count % 7 == 2 else {
      throw Broker.malformed("look")
    }
    func number(_ at: Int) -> Int { items[at].int ?? 0 }
    let lines = stride(from: 9, to: items.count, by: 7).map { at in
      QueueGauges.Line(
        queue: items[at].string ?? "", depth: number(at + 1), ready: number(at + 2), lanes: number(at + 3),
        suspects: number(at + 4), oldest: number(at + 5) < 0 ? nil : .milliseconds(number(at + 5)),
        dead: number(at + 6))
    }
    return QueueGauges(
      queues: lines, queueCount: number(0), depthOfOthers: number(6), due: number(1), staged: number(2),
      dead: number(3), sessions: number(4), overdue: number(5),
      schedules: number(7), firingLate: .milliseconds(number(8)))
  }
}
