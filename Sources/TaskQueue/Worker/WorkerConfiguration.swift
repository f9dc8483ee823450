#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How a worker works.
public struct WorkerConfiguration: Sendable {
  /// Served in this order: what is ready in an earlier one goes first, unless there are weights.
  public var queues: [QueueName]
  /// Where a queue has one, the order is drawn for each fetch: a queue of weight 6 comes first about six times as
  /// often as one of weight 1, and none starves. A queue without one has weight 1.
  public var weights: [QueueName: Int] = [:]
  /// Links that run at once.
  public var concurrency: Int
  /// Chains taken beyond those that run, so that a slot never waits for Redis. They are handed back
  /// uncounted at shutdown. Members of a group with a limit are never taken ahead.
  public var prefetch: Int
  /// A worker that hasn't been heard of for so long is taken for dead, and its chains go to others. It
  /// beats three times in a lease, and stops its own tasks before the lease is over if no beat is answered.
  public var lease: Duration
  /// How long running links may go on after a graceful shutdown was asked for; then they are cancelled
  /// and handed back.
  public var shutdownGrace: Duration
  /// How long a task that was cancelled for its time limit may take to end. Then the link is settled
  /// without it, and its slot is set aside.
  public var abandonAfter: Duration
  /// So many tasks that never returned end the worker with ``WorkerStuck``, so that its process can be started again.
  /// nil: half of `concurrency`, and two at least. It ends as well when such tasks have all threads, so that for the
  /// time of a lease no link could begin.
  public var setAsideLimit: Int?
  /// A chain whose worker died so often while it ran alone is given up with code `lost`.
  public var crashCap: Int
  /// A word for people on who this is; part of the session's name. Letters, digits, `.`, `_` and `-`.
  public var name: String
  /// Wraps the run of every link, the first outermost. None: links run with nothing around them.
  public var middleware: [any TaskMiddleware]
  /// Ended chains stay listed for so long, and so many of them at most.
  public var listedFor: Duration = .seconds(7 * 86_400)
  public var listedAtMost: Int = 100_000
  /// Ends the process, where the worker can't end by itself any more.
  var lastResort: @Sendable () -> Void = { exit(1) }

  public init(
    queues: [QueueName] = [.default], concurrency: Int = 16, prefetch: Int = 0,
    lease: Duration = .seconds(15),
    shutdownGrace: Duration = .seconds(30), abandonAfter: Duration = .seconds(5), crashCap: Int = 3,
    name: String = "worker", middleware: [any TaskMiddleware] = []
  ) {
    self.queues = queues
    self.concurrency = max(1, concurrency)
    self.prefetch = max(0, prefetch)
    self.lease = max(lease, .milliseconds(300))
    self.shutdownGrace = shutdownGrace
    self.abandonAfter = abandonAfter
    self.crashCap = max(1, crashCap)
    self.middleware = middleware
    self.name = String(
      name.unicodeScalars.filter { $0.isASCII && QueueName.allows(UInt8($0.value)) }.prefix(40))
  }

  /// The queues in the order in which they are served now.
  ///
  /// - Parameter draw: a number in 0..<1; passed in, so that the rule stays a value.
  func order(_ draw: Double) -> [QueueName] {
    guard !weights.isEmpty, queues.count > 1 else { return queues }
    var left = queues
    var order: [QueueName] = []
    var draw = draw
    while left.count > 1 {
      let shares = left.map { Double(max(1, weights[$0] ?? 1)) }
      var point = draw * shares.reduce(0, +)
      var index = 0
      while index < left.count - 1, point >= shares[index] {
        point -= shares[index]
        index += 1
      }
      // What is left of the draw decides the next place.
      draw = min(point / shares[index], 0.999_999)
      order.append(left.remove(at: index))
    }
    return order + left
  }
}
