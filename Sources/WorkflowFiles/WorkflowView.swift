public import TaskQueue

/// A workflow as it is at a moment, a row for each step and branch.
public struct WorkflowView: Sendable, Equatable {
  public var id: ChainID
  public var outline: Outline
  /// The workflow's own chain.
  public var chain: ChainStatus
  /// The chain of what runs on a failure, once there was one.
  public var callback: ChainStatus?
  public var rows: [Row]
  /// Milliseconds since 1970, by Redis' clock.
  public var now: Int64

  public struct Row: Sendable, Equatable {
    public enum Kind: Sendable, Equatable { case step, group, branch }

    public enum State: String, Sendable, Equatable, Codable {
      /// Its turn has not come.
      case pending
      /// It waits for a worker.
      case ready
      /// It waits for a time, or for its turn under a limit.
      case delayed
      case running
      /// It failed, and is tried again.
      case retrying
      case done
      case failed
      case cancelled
      /// Its turn never came.
      case skipped
    }

    public var kind: Kind
    /// The names from the workflow down to this.
    public var path: [String]
    public var state: State
    /// The chain that it is, or is a link of.
    public var chain: ChainID
    public var link: Int?
    /// 1 for the first try.
    public var attempt = 1
    public var code: String?
    public var message: String?
    /// Of a group.
    public var counts: Counts?
    /// Of a group that goes on: whether failed members make the workflow a failed one.
    public var failuresCount = false
    /// Where it waits for a worker, while it does.
    public var queue: QueueName?
    /// What its program wrote last, where it runs and was asked for.
    public var tail: [String] = []
    public var startedAt: Int64?
    public var endedAt: Int64?
    /// What it says itself.
    public var note: String?
  }

  /// Members of a group.
  public struct Counts: Sendable, Equatable, Codable {
    public var members = 0
    public var done = 0
    public var failed = 0
    public var cancelled = 0
    public var running = 0
  }
}

extension WorkflowView {
  /// Puts the states of chains in their places. A value: the chains are read elsewhere.
  public init?(id: ChainID, outline: Outline, chains: [ChainID: ChainStatus], now: Int64) {
    guard let root = chains[id] else { return nil }
    self.init(id: id, outline: outline, chain: root, rows: [], now: now)
    rows = Self.rows(outline.steps, of: id, chains, [])
    if let steps = outline.onFailure, let failed = Self.member(id, "failed"), let status = chains[failed] {
      callback = status
      rows += Self.rows(steps, of: failed, chains, ["on failure"])
    }
  }

  /// The chains below a chain that exist by now, as far as its outline goes.
  static func members(of id: ChainID, _ status: ChainStatus, _ steps: [Outline.Step]) -> [(
    ChainID, [Outline.Step]
  )] {
    steps.enumerated().flatMap { index, step -> [(ChainID, [Outline.Step])] in
      guard index <= status.cursor, let branches = step.branches else { return [] }
      return branches.enumerated().compactMap { number, branch in
        member(id, "\(index)/\(number)").map { ($0, branch.steps) }
      }
    }
  }

  static func member(_ id: ChainID, _ suffix: String) -> ChainID? {
    do { return try ChainID("\(id)/\(suffix)") } catch { return nil }
  }

  private static func rows(
    _ steps: [Outline.Step], of id: ChainID, _ chains: [ChainID: ChainStatus], _ path: [String]
  ) -> [Row] {
    steps.enumerated().flatMap { index, step -> [Row] in
      var row = Row(
        kind: step.branches == nil ? .step : .group, path: path + [step.name], state: .pending, chain: id,
        link: index)
      if let status = chains[id] { row.tell(status, link: index) }
      guard let branches = step.branches else { return [row] }
      var counts = Counts()
      let below = branches.enumerated().flatMap { number, branch -> [Row] in
        let member = member(id, "\(index)/\(number)") ?? id
        var own = Row(kind: .branch, path: row.path + [branch.name], state: .pending, chain: member)
        let started = row.state != .pending && row.state != .ready && row.state != .delayed
        if started, let status = chains[member] { own.tell(status, of: branch) }
        if own.state == .pending, row.state.hasEnded { own.state = .skipped }
        counts.count(own.state)
        return [own] + rows(branch.steps, of: member, started ? chains : [:], own.path)
      }
      row.counts = counts
      row.failuresCount = step.failuresCount == true
      return [row] + below
    }
  }
}

extension WorkflowView {
  /// How a workflow stands.
  public enum Standing: String, Sendable, Equatable, Codable {
    case waiting, running, cancelling
    case finished, failed, braked, cancelled, expired
  }

  /// Whether nothing of it runs any more: neither its steps nor what runs on a failure.
  public var hasEnded: Bool { chain.hasEnded && callback?.hasEnded != false }

  public var standing: Standing {
    let standing = Standing(chain)
    return standing == .finished && owed > 0 ? .failed : standing
  }

  /// Why it failed; nil where it did not.
  public var failure: (code: String, message: String)? {
    if chain.state == .finished {
      let members = rows.filter(\.failuresCount).compactMap(\.counts).reduce(0) { $0 + $1.members }
      return owed > 0
        ? ("group", "\(owed) of \(members) failed; it went on, as they were fewer than brake") : nil
    }
    return chain.failure.map { ($0.code, $0.message) }
  }

  /// Members that failed while the workflow went on, and that it should have done.
  private var owed: Int { rows.filter(\.failuresCount).reduce(0) { $0 + ($1.counts?.failed ?? 0) } }
}

extension WorkflowView.Standing {
  /// What the workflow's own chain says; members that failed under a brake are not seen by it.
  public init(_ chain: ChainStatus) {
    self =
      switch chain.state {
      case .finished: .finished
      case .dead: chain.failure?.code == "brake" ? .braked : .failed
      case .cancelled: chain.failure?.code == "expired" ? .expired : .cancelled
      case .ready, .due: chain.started ? .running : .waiting
      case .granted, .waiting: chain.cancelling ? .cancelling : .running
      }
  }
}

extension WorkflowView.Row.State {
  public var hasEnded: Bool {
    switch self {
    case .done, .failed, .cancelled, .skipped: true
    case .pending, .ready, .delayed, .running, .retrying: false
    }
  }
}

extension WorkflowView.Counts {
  fileprivate mutating func count(_ state: WorkflowView.Row.State) {
    members += 1
    switch state {
    case .done: done += 1
    case .failed: failed += 1
    case .cancelled: cancelled += 1
    case .running, .retrying: running += 1
    case .pending, .ready, .delayed, .skipped: break
    }
  }
}

extension WorkflowView.Row {
  /// What a chain says of one of its links.
  fileprivate mutating func tell(_ status: ChainStatus, link: Int) {
    let outcome = status.outcomes[link]
    startedAt = outcome?.startedAt
    endedAt = outcome?.endedAt
    if let outcome { attempt = outcome.attempt }
    let failed = status.failure?.link == link ? status.failure : nil
    if link < status.cursor {
      state = outcome == nil && !isGroup ? .skipped : .done
      return
    }
    if status.hasEnded, link > status.cursor {
      state = .skipped
      return
    }
    guard link == status.cursor else { return }
    attempt = status.failedAttempts + 1
    startedAt = status.linkStartedAt
    if let failed { (code, message) = (failed.code, failed.message) }
    switch status.state {
    case .ready: (state, queue) = (.ready, status.linkQueue)
    case .granted, .waiting: state = .running
    case .due: state = failed == nil ? .delayed : .retrying
    case .finished: state = .skipped
    case .dead:
      state = .failed
      endedAt = status.endedAt
      attempt = max(1, status.failedAttempts)
    case .cancelled:
      state = .cancelled
      endedAt = status.endedAt
    }
    if status.state == .granted, let progress = status.progress {
      note = "\(Int(progress.fraction * 100))% \(progress.note)"
    }
  }

  private var isGroup: Bool { kind == .group }

  /// What a member's chain says of the branch.
  fileprivate mutating func tell(_ status: ChainStatus, of branch: Outline.Branch) {
    attempt = status.state == .dead ? max(1, status.failedAttempts) : status.failedAttempts + 1
    startedAt = status.outcomes[0]?.startedAt ?? status.linkStartedAt
    endedAt = status.endedAt
    if status.state != .finished, let failure = status.failure {
      (code, message) = (failure.code, failure.message)
    }
    if !status.hasEnded, branch.steps.indices.contains(status.cursor), branch.steps.count > 1 {
      note = branch.steps[status.cursor].name
    }
    switch status.state {
    case .ready: (state, queue) = (status.started ? .running : .ready, status.linkQueue)
    case .granted, .waiting: state = .running
    case .due: state = status.failure == nil ? .delayed : .retrying
    case .finished: state = .done
    case .dead: state = .failed
    case .cancelled: state = status.started ? .cancelled : .skipped
    }
  }
}
