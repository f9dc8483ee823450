import Rollout

/// The queue and the servers, one step at a time.
extension World {
  /// The hosts that can make a step: to start, to end a stage, to begin the next.
  var movable: [String] {
    if workersAreGone { return [] }
    return chains.filter { host, chain in
      switch chain.progress {
      case .waiting: !tripped
      case .running(let stage):
        if case .hangs = fate(host, stage, deployment.attempt) { false } else { true }
      case .between: true
      default: false
      }
    }.map(\.key).sorted()
  }

  /// Whether nothing is under way, and only time or a person brings the next step.
  var waits: Bool { underWay.isEmpty && !mustLook && !history.isEmpty }

  /// One step of one host.
  mutating func move(_ host: String) throws {
    guard let chain = chains[host] else { return }
    switch chain.progress {
    case .waiting: begin(host, chain.stages[0])
    case .between(let done):
      if let next = chain.stages.first(where: { $0 > done }) { begin(host, next) }
    case .running(let stage): end(host, stage)
    default: break
    }
    // Only a Markdown that begins takes another server out.
    if chains[host]?.progress == .running(.markdown) { try checkBound() }
  }

  private mutating func begin(_ host: String, _ stage: Stage) {
    chains[host]?.progress = .running(stage)
    chains[host]?.since = now
    chains[host]?.times.append(StageTime(stage: stage, startedAt: now))
    // A server is out from the first moment of its Markdown, unless that only asks.
    let asks = chains[host]?.mayBeSkipped == true && hosts[host]?.onVersion == true && verifies(host)
    if stage == .markdown, !asks, !isDegraded { takeOut(host) }
    if stage == .markdown || stage == .markup, isDegraded { chains[host]?.degraded.append(stage) }
  }

  private func verifies(_ host: String) -> Bool {
    if case .works = fate(host, .verify, deployment.attempt) { true } else { false }
  }

  private mutating func takeOut(_ host: String) {
    // A server that was down already is not out through us.
    if hosts[host]?.live == true { hosts[host]?.outByUs = true }
    hosts[host]?.live = false
  }

  private mutating func end(_ host: String, _ stage: Stage) {
    guard let chain = chains[host], let server = hosts[host] else { return }
    let last = chain.times.count - 1
    chains[host]?.times[last].endedAt = now
    if stage == .markdown, chain.mayBeSkipped, server.onVersion, verifies(host) {
      if server.live {
        chains[host]?.progress = .skipped
        return settle(host)
      }
      chains[host]?.done.append(stage)
      return begin(host, .markup)
    }
    if case .fails(let code) = fate(host, stage, deployment.attempt) {
      chains[host]?.progress = .failed(stage, Failure(code: code, message: "\(stage) failed"))
      failures += 1
      if failures >= bound, !tripped {
        tripped = true
        mustLook = true
      }
      return settle(host)
    }
    chains[host]?.done.append(stage)
    switch stage {
    case .install: hosts[host]?.onVersion = true
    case .markup where server.flag != nil:
      // Pulled out in mid-chain: its chain ends, and it stays out.
      hosts[host]?.outByUs = false
      hosts[host]?.meddled = true
    case .markup where chains[host]?.degraded.contains(.markup) == false:
      hosts[host]?.live = true
      hosts[host]?.outByUs = false
    default: break
    }
    if chain.gentle != nil, stage != .markup {
      chains[host]?.progress = .between(after: stage)
      return advanceGentle(host)
    }
    if stage == chain.stages.last || chain.gentle != nil {
      chains[host]?.progress = .finished
      settle(host)
    } else {
      chains[host]?.progress = .between(after: stage)
      chains[host]?.since = now
    }
  }

  /// The load balancer is left out on purpose for so many seconds.
  mutating func degrade(_ duration: Int = 3_600) throws {
    try degradation.degrade(
      [.loadBalancer], by: "bob", reason: "it is down", now: now, for: Milliseconds(duration) * 1_000)
  }

  /// The queue loses all it knew of a run.
  mutating func forget(_ host: String) {
    chains[host]?.progress = .unknown
    chains[host]?.times = []
    chains[host]?.done = []
  }

  /// A run that was told to stop gently has ended a stage: Markup follows, or nothing.
  mutating func advanceGentle(_ host: String) {
    if chains[host]?.gentle == .thenMarkup {
      begin(host, .markup)
    } else {
      chains[host]?.progress = .cancelled
      settle(host)
    }
  }

  /// The group settles when its last run is over: a look is due.
  mutating func settle(_ host: String) {
    if let chain = chains[host], chain.isOver, underWay.isEmpty { mustLook = true }
  }

  /// Runs until nothing moves: every chain to its end, every wake in its time.
  mutating func run(until stop: (World) -> Bool = { _ in false }) throws {
    for _ in 0..<100_000 {
      if stop(self) { return }
      if mustLook {
        try look()
      } else if let host = movable.first {
        try move(host)
      } else if let wake = nextWake, wake - now < 30 * 86_400_000 {
        now = max(now, wake)
        try look()
      } else {
        return
      }
    }
    throw Violation("it never comes to rest")
  }
}

extension World.Chain {
  /// The stage that runs or is next.
  var cursor: Stage {
    switch progress {
    case .running(let stage): stage
    case .between(let done): stages.first { $0 > done } ?? .markup
    default: stages[0]
    }
  }
}
