/// How a chain stands in Redis at the end.
public struct Standing: Sendable, Equatable {
  public struct Outcome: Sendable, Equatable {
    /// Server's milliseconds since the epoch.
    public var ended: Int64
    public var attempt: Int
    public var generation: Int

    public init(ended: Int64, attempt: Int, generation: Int) {
      (self.ended, self.attempt, self.generation) = (ended, attempt, generation)
    }
  }

  /// nil: it has not ended.
  public var end: Expectation.End?
  /// Server's milliseconds since the epoch.
  public var ended: Int64?
  public var failure: String?
  public var outcomes: [Int: Outcome]

  public init(end: Expectation.End?, ended: Int64?, failure: String? = nil, outcomes: [Int: Outcome]) {
    (self.end, self.ended, self.failure, self.outcomes) = (end, ended, failure, outcomes)
  }
}

/// A time, by the boot clock, in which a worker, or nobody, could be expected to reach Redis.
public struct Disruption: Sendable, Equatable {
  public var what: String
  /// nil: it met every worker.
  public var worker: String?
  public var from: Int64
  public var to: Int64

  public init(_ what: String, worker: String?, from: Int64, to: Int64) {
    (self.what, self.worker, self.from, self.to) = (what, worker, from, to)
  }
}

/// The end of a process, by the boot clock.
public struct Death: Sendable, Equatable {
  public var pid: Int32
  public var at: Int64

  public init(pid: Int32, at: Int64) { (self.pid, self.at) = (pid, at) }
}

/// All that is known of a run when it is over.
public struct Evidence: Sendable {
  public var expectations: [Expectation]
  public var history: History
  public var standings: [String: Standing]
  public var deaths: [Death] = []
  public var disruptions: [Disruption] = []
  /// Times in which chains waited to be run alone: others then wait longer.
  public var crowded: [Disruption] = []
  /// Chains that exist although nobody was told so: their submitter died, and its successor had no time.
  public var unacknowledged: Set<String> = []
  /// When chains of a unique key were asked for and acknowledged, by their chain.
  public var submissions: [String: Submission] = [:]
  /// Chains that were refused as duplicates.
  public var refused: Set<String> = []
  public var fired: [Fired] = []
  public var lease: Duration
  /// Deaths alone after which a chain is given up.
  public var crashCap = 3
  /// What a busy machine may add to any time.
  public var slack: Duration = .seconds(1)

  public init(expectations: [Expectation], history: History, standings: [String: Standing], lease: Duration) {
    (self.expectations, self.history, self.standings, self.lease) = (expectations, history, standings, lease)
  }
}

extension Run {
  /// The name of the worker, which outlives its processes.
  public var worker: String { String(session[..<(session.lastIndex(of: "-") ?? session.endIndex)]) }
}

extension Duration {
  public var microseconds: Int64 {
    components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
  }
}
