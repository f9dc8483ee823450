import Rollout

/// A tiny fleet, load balancer and queue that do what a decision's effects say, one step at a time, and
/// keep the score of what must never happen.
struct World {
  /// A server as it really is.
  struct Host {
    var live = true
    var onVersion = false
    /// Out because a run of ours took it out.
    var outByUs = false
    var flag: String?
    /// Whether somebody else has ever taken it down or up.
    var meddled = false
  }

  /// A target's chain as the queue has it.
  struct Chain {
    var ticket: String
    var batch: Int
    var stages: [Stage]
    var mayBeSkipped: Bool
    var progress: TargetReport.Progress = .waiting
    var done: [Stage] = []
    var degraded: [Stage] = []
    var times: [StageTime] = []
    var since: Milliseconds?
    var gentle: Stop.Mode?

    var isOver: Bool { TargetReport(ticket: ticket, progress: progress).isOver }
    var isStarted: Bool { progress != .waiting }
  }

  enum Fate {
    case works
    case fails(Failure.Code)
    case hangs
  }

  var deployment: Deployment
  var now: Milliseconds = 1_000_000
  var hosts: [String: Host] = [:]
  var chains: [String: Chain] = [:]
  var bound = 1
  var failures = 0
  var tripped = false
  var wakes: Set<Milliseconds> = []
  /// The wake of the latest decision: it alone must be enough.
  var nextWake: Milliseconds?
  var mustLook = false
  var notices: [Notice] = []
  /// The rollbacks that were ordered, and until when checks were asked for.
  var orders: [RollbackOrder] = []
  var watched: [Milliseconds] = []
  /// What the checks have found.
  var checks: [CheckResult] = []
  var balancerAnswers = true
  /// Whether the group has a load balancer, or it is left out on purpose.
  var hasBalancer = true
  var brakeAll: String?
  var degradation = Degradation()
  /// All events since the world began, where they are kept.
  var replaying: Replaying?
  var predecessorEnded = true
  /// The group's present servers, where a retry is to follow the list.
  var servers: [PlanServer]?
  /// Raised by every decision that was stored: one made from an older state is refused.
  var revision = 0
  /// When a decision last changed the deployment.
  var changedAt: Milliseconds = 1_000_000
  /// The servers of the group, as its record has them.
  var list: [PlanServer] = []
  /// The servers and the numbers that it was planned with.
  let planned: Set<String>
  let numbers: PlanNumbers
  /// The servers on which a stop at once is not heard of.
  var deaf: Set<String> = []
  /// No worker is there: nothing moves any more.
  var workersAreGone = false
  /// Whether work of a rolling batch was ever handed over.
  var rollingRan = false
  private var names: [String] = []
  var tickets = 0
  var decisions = 0
  /// The largest limit in force so far: an override raises it.
  var largestLimit: Int
  /// How often work was handed over for each batch, in order.
  var history: [(batch: Int, hosts: [String])] = []
  /// What happens to a stage on a host in an attempt.
  var fate: (_ host: String, _ stage: Stage, _ attempt: Int) -> Fate = { _, _, _ in .works }

  init(_ deployment: Deployment, live: (String) -> Bool = { _ in true }) {
    self.deployment = deployment
    largestLimit = deployment.limit
    planned = Set(deployment.targets.map(\.host))
    numbers = deployment.numbers
    names = planned.sorted()
    for target in deployment.targets { hosts[target.host] = Host(live: live(target.host)) }
  }

  var situation: Situation {
    Situation(
      now: now, ticket: "t\(tickets)",
      reports: chains.mapValues {
        TargetReport(
          ticket: $0.ticket, progress: $0.progress, times: $0.times, done: $0.done, degraded: $0.degraded,
          since: $0.since)
      },
      limitTripped: tripped,
      balancer: !hasBalancer
        ? .none
        : balancerAnswers
          ? .inService(Set(hosts.filter(\.value.live).map(\.key))) : .unreachable("no answer"),
      pulledOut: hosts.compactMapValues(\.flag), servers: servers, brakeAll: brakeAll,
      degradation: degradation,
      predecessorEnded: predecessorEnded, checks: checks)
  }

  /// A server by a number.
  func name(_ number: Int) -> String { names[number % names.count] }

  /// The group's list changes: a server goes, or a new one comes. A retry follows it.
  mutating func changeList(_ number: Int) {
    if number % 2 == 0, !list.isEmpty {
      list.remove(at: number % list.count)
    } else {
      let server = PlanServer(host: "new-\(names.count)", inService: true)
      list.append(server)
      names.append(server.host)
      hosts[server.host] = Host()
    }
    servers = list
  }

  /// Servers that a run of ours took out and that nobody has taken over since by pulling them out.
  var outThroughUs: Int {
    let ours = hosts.filter { $0.value.outByUs && $0.value.flag == nil }
    guard !ours.isEmpty else { return 0 }
    return deployment.targets.count { $0.state != .excluded && ours[$0.host] != nil }
  }
  var underWay: [String] { chains.filter { !$0.value.isOver }.map(\.key).sorted() }

  // MARK: Deciding

  /// What follows from an event now; nothing is stored.
  mutating func decided(_ event: Event) throws -> Decision {
    decisions += 1
    return try decide(deployment, event, situation)
  }

  mutating func look() throws {
    repeat {
      mustLook = false
      try apply(decided(.look))
    } while mustLook
    wakes = wakes.filter { $0 > now }
  }

  mutating func act(_ action: Action, by: String = "ann", reason: String? = nil) throws {
    try apply(decided(.action(action, by: by, reason: reason)))
    if mustLook { try look() }
  }

  /// Stores a decision that was made from a revision, unless somebody came first.
  mutating func commit(_ decision: Decision, from revision: Int) throws -> Bool {
    guard revision == self.revision else { return false }
    try apply(decision)
    return true
  }

  private mutating func apply(_ decision: Decision) throws {
    let changed = decision.deployment != deployment
    if changed || !decision.effects.isEmpty { revision += 1 }
    if changed { changedAt = now }
    let before = deployment
    deployment = decision.deployment
    nextWake = nil
    try replay(before)
    largestLimit = max(largestLimit, deployment.limit)
    for effect in decision.effects { try apply(effect, before: before) }
  }

  private mutating func apply(_ effect: Effect, before: Deployment) throws {
    switch effect {
    case .run(let work):
      try check(work)
      tickets += 1
      (bound, failures) = (work.bound, work.failures)
      tripped = failures >= bound
      history.append((work.batch, work.runs.map(\.host)))
      if deployment.batches[work.batch].kind == .rolling { rollingRan = true }
      for run in work.runs {
        chains[run.host] = Chain(
          ticket: work.ticket, batch: work.batch, stages: run.stages, mayBeSkipped: run.mayBeSkipped)
      }
    case .shut: tripped = true
    case .stop(let stops): for stop in stops { try self.stop(stop) }
    case .wake(let at):
      nextWake = at
      if at <= now { mustLook = true } else { wakes.insert(at) }
    case .flagFault(let host, _, let reason): hosts[host]?.flag = reason
    case .rollBack(let order): orders.append(order)
    case .watch(_, let until): watched.append(until)
    case .notify(let notice): notices.append(notice)
    }
  }

  private mutating func stop(_ stop: Stop) throws {
    guard var chain = chains[stop.host], chain.ticket == stop.ticket else {
      throw Violation("a stop for a run that is not there: \(stop)")
    }
    switch stop.mode {
    case .takeBack:
      guard !chain.isStarted, tripped else {
        throw Violation("a run was taken back that may have started: \(stop)")
      }
      chain.progress = .cancelled
    case .now:
      if deaf.contains(stop.host) { return }
      if !chain.isOver { chain.progress = .cancelled }
    case .thenMarkup, .afterStage:
      // The queue heeds it only before the stage that changes the server, where the run has one.
      let change = chain.stages.first { $0 == .install || $0 == .run }
      if !chain.isOver, change.map({ chain.cursor < $0 }) ?? true { chain.gentle = stop.mode }
    }
    chains[stop.host] = chain
    settle(stop.host)
    if case .between = chain.progress, chain.gentle != nil { advanceGentle(stop.host) }
  }

  var isDegraded: Bool { degradation.inForce(.loadBalancer, at: now) != nil }

  /// The events of a change make the same of what they made before.
  private mutating func replay(_ before: Deployment) throws {
    guard replaying != nil else { return }
    if replaying?.deployment == nil { replaying?.apply(.created(before)) }
    for event in events(from: before, to: deployment) { replaying?.apply(event) }
    if replaying?.deployment != deployment { throw Violation("replay of the events differs") }
  }

  // MARK: What must never happen

  private func check(_ work: Work) throws {
    let batch = deployment.batches[work.batch]
    guard underWay.isEmpty else { throw Violation("batch \(work.batch) starts while \(underWay) run") }
    guard work.runs.count <= (batch.kind == .bastion ? 1 : deployment.numbers.batchSize) else {
      throw Violation("\(work.runs.count) at once")
    }
    let pulled = work.runs.filter { run in
      run.stages.contains(.markdown) && hosts[run.host]?.live == true
        && !batch.targets.contains { $0.host == run.host && $0.recheck }
    }
    let staying = hosts.values.count(where: \.live) - pulled.count
    let ungated = !hasBalancer || isDegraded
    guard ungated || pulled.isEmpty || (balancerAnswers && staying >= deployment.numbers.minInService)
    else {
      throw Violation("\(staying) stay in service, \(deployment.numbers.minInService) should")
    }
    for run in work.runs {
      if let chain = chains[run.host], !chain.isOver { throw Violation("\(run.host) runs twice at once") }
      // What is on the version and serves is only ever asked; the bastion is the exception.
      if let host = hosts[run.host], host.onVersion, host.live, batch.kind == .rolling, !run.mayBeSkipped,
        deployment.dayTwo == nil
      {
        throw Violation("\(run.host) is on the version and in service, and is released again")
      }
    }
    guard batch.kind == .rolling else { return }
    if batch.targets.allSatisfy({ $0.state.isGood && !$0.recheck }) {
      throw Violation("a batch that succeeded is touched")
    }
    guard work.bound == deployment.limit else { throw Violation("the queue's bound is not the limit") }
    let f = deployment.failures(
      balancer: isDegraded ? .none : situation.balancer, pulledOut: situation.pulledOut)
    guard f < deployment.limit, f == work.failures else { throw Violation("a batch starts at F=\(f)") }
    if let bastion = deployment.bastion, !bastion.state.isTerminal || bastion.state.isFailure {
      throw Violation("a batch starts before the bastion is done: \(bastion.state)")
    }
    for run in work.runs where hosts[run.host]?.flag != nil {
      throw Violation("\(run.host) is pulled out and was started")
    }
  }

  func checkBound() throws {
    let most = largestLimit - 1 + deployment.numbers.batchSize + (deployment.rolloutOpenedAt == nil ? 1 : 0)
    if outThroughUs > most { throw Violation("\(outThroughUs) out through us, at most \(most) may be") }
    var batch: Int?
    for chain in chains.values where !chain.isOver {
      if let batch, batch != chain.batch {
        throw Violation("batches \(batch) and \(chain.batch) run at once")
      }
      batch = chain.batch
    }
  }
}

struct Violation: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
