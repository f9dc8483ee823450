public import Rollout
import SeededRandom

/// One group's releases from the first start to the last end, in simulated time.
///
/// The core is the real one: every decision is `Rollout.decide`'s. Around it stand, step by step as in the
/// engine, a coordinator's loop (read the brake for all, the record, the limit, the chains, the balancer and
/// the flags; decide; commit under the revision that was read; look again), a queue (chains of links under
/// one limit, leases, generations, crash caps, cancels, wake-ups), workers, hosts and a load balancer; people
/// act on it. Anything may die, hang, lie or come late between any two steps. The same seed is the same run.
public struct Simulation {
  /// What is simulated.
  public struct Setting: Sendable {
    /// The seed of everything.
    public var seed: UInt64
    /// What goes wrong, until people have had enough and all is calm.
    public var hazards: Hazards
    /// The plan.
    public var plan: Plan
    /// What kind of deployment it is.
    public var kind: Deployment.Kind
    /// What a day-2 run does.
    public var dayTwo: DayTwo?
    /// Workers, and how many links each works on at a time.
    public var workers: (count: Int, slots: Int)
    /// Whether the record is compared with its replayed events after every change, or only at the end.
    public var comparesAlways = true
  }

  var agenda = Agenda<Step>()
  var now: Milliseconds = 1_000_000
  var random: SeededGenerator
  let setting: Setting
  var hazards: Hazards
  var servers: [SimulatedServer]
  let index: [String: Int]
  var balancer = SimulatedBalancer()
  var degradation = Degradation()
  var brakeAll: String?
  var records: [SimulatedRecord]
  var chains: [SimulatedChain] = []
  var workers: [SimulatedWorker]
  /// Chains that wait for a worker, the next one at `readyHead`.
  var ready: [Int] = []
  var readyHead = 0
  var freeSlots: Int
  var nextWorker = 0
  var tickets = 0
  var isCalm = false
  /// Whether what failed works once all is calm.
  var mends = true
  var triesOfPeople = 0
  var outcome = Outcome()
  /// What happened lately; kept only where a broken rule is told again.
  var trail: Trail?

  /// A run that has not begun.
  public init(_ setting: Setting) {
    self.setting = setting
    random = SeededGenerator(seed: setting.seed)
    hazards = setting.hazards
    let targets = setting.plan.batches.flatMap(\.targets)
    servers = targets.map { SimulatedServer(host: $0.host, version: "1", inRotation: !$0.wasOut) }
    index = Dictionary(uniqueKeysWithValues: targets.enumerated().map { ($1.host, $0) })
    workers = Array(repeating: SimulatedWorker(), count: setting.workers.count)
    freeSlots = setting.workers.count * setting.workers.slots
    records = [
      SimulatedRecord(
        Deployment(
          id: "web-1", group: "web", number: 1, kind: setting.kind,
          package: PackageVersion(app: "shop", version: "2", sha256: "22"), fromVersion: "1",
          dayTwo: setting.dayTwo, plan: setting.plan, createdAt: now, createdBy: "ann"))
    ]
  }

  /// Runs to the end of the last deployment.
  ///
  /// - Throws: ``BrokenRule`` with the seed and what happened last.
  public mutating func run() throws(BrokenRule) -> Outcome {
    var again = self
    do {
      return try toTheEnd()
    } catch {
      // The same once more, this time with a record of what happens.
      again.trail = Trail()
      _ = try? again.toTheEnd()
      throw BrokenRule(seed: setting.seed, violation: "\(error)", trail: again.trail?.lines ?? [])
    }
  }

  private mutating func toTheEnd() throws -> Outcome {
    mends = random.chance(70)
    note(.person, in: 1...2_000)
    note(.sweep, in: 60_000...60_000)
    if hazards.vanishes > 0 || hazards.balancerAway > 0 || hazards.balancerForgets > 0 {
      note(.mischief, in: 1_000...60_000)
    }
    note(.calm, in: 600_000...7_200_000)
    while let (at, step) = agenda.next() {
      now = at
      outcome.steps += 1
      try perform(step)
      if let closing, now > closing { break }
      if now > 1_000_000 + 3 * 86_400_000 { throw Violation("it never ends: \(whereItHangs)") }
    }
    try checkEnd()
    outcome.end = records[0].deployment.state
    outcome.rolledBack = records.count > 1
    outcome.simulated = now - 1_000_000
    return outcome
  }

  /// Some time after the last end, so that what was late has come.
  private var closing: Milliseconds? {
    let last = records[current].deployment
    guard last.state.isTerminal, let ended = last.endedAt, last.rollbackOrder == nil else { return nil }
    return max(ended + 300_000, (last.watchedUntil ?? 0) + 60_000)
  }

  /// The deployment that people look at.
  var current: Int { records.count - 1 }

  mutating func note(_ step: Step, in delay: ClosedRange<Milliseconds>) {
    agenda.note(step, at: now + Milliseconds.random(in: delay, using: &random))
  }

  private var whereItHangs: String {
    let left = chains.filter { !$0.isOver }.map { "\(servers[$0.server].host) \($0.state) at \($0.stage)" }
    return "\(records[current].deployment.state.rawValue); \(left.joined(separator: ", "))"
  }

  func told(_ what: @autoclosure () -> String) {
    trail?.add("\(now - 1_000_000) ms: \(what())")
  }
}

/// The last lines of a story.
final class Trail {
  private(set) var lines: [String] = []

  func add(_ line: String) {
    lines.append(line)
    if lines.count > 80 { lines.removeFirst(20) }
  }
}

/// Something that happens at an instant.
enum Step {
  /// A worker comes to the next step of a link.
  case work(Effort)
  /// A link is to be tried again.
  case due(chain: Int, generation: Int)
  /// A worker has not been heard for its lease.
  case reap(worker: Int, life: Int)
  /// A worker is started again.
  case revive(worker: Int, life: Int)
  /// A worker that stood still goes on, and takes more.
  case goesOn
  /// A worker is told that a link was cancelled.
  case acknowledge(chain: Int, generation: Int)
  /// A coordinator is to look.
  case wake(record: Int)
  /// A coordinator comes to its next step.
  indirect case coordinate(Look)
  /// A server gets its fault flag.
  case flag(server: Int, reason: String)
  /// A release is to be rolled back.
  case rollBack(record: Int)
  /// The checks after a release are made.
  case check(record: Int, until: Milliseconds)
  /// A person looks.
  case person
  /// Servers and the balancer make trouble.
  case mischief
  /// A server is there again.
  case returns(server: Int, old: Bool)
  /// The balancer is there again, or knows its intended states again.
  case balancer
  /// All deployments that are under way are looked at.
  case sweep
  /// Nothing goes wrong from now on.
  case calm
}

/// What a run came to.
public struct Outcome: Sendable {
  /// Where the first deployment ended.
  public var end = DeploymentState.pending
  /// Whether its policy rolled it back.
  public var rolledBack = false
  /// Decisions made, those that were thrown away included.
  public var decisions = 0
  /// Commits that were refused because somebody came first.
  public var refusedCommits = 0
  /// What workers and coordinators came to.
  public var deaths = 0
  /// Steps of everything.
  public var steps = 0
  /// Simulated milliseconds.
  public var simulated: Milliseconds = 0
}

/// A rule that a run broke.
public struct BrokenRule: Error, CustomStringConvertible {
  /// The seed that leads there.
  public var seed: UInt64
  /// The rule.
  public var violation: String
  /// What happened last.
  public var trail: [String]

  /// The seed, the rule, and what happened last.
  public var description: String {
    (["seed \(seed): \(violation)"] + trail).joined(separator: "\n  ")
  }
}

struct Violation: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

extension Simulation {
  private mutating func perform(_ step: Step) throws {
    switch step {
    case .work(let effort): try work(effort)
    case .due(let chain, let generation): becomeReady(chain, generation)
    case .reap(let worker, let life): try reap(worker, life)
    case .revive(let worker, let life): try revive(worker, life)
    case .goesOn: pump()
    case .acknowledge(let chain, let generation): try acknowledge(chain, generation)
    case .wake(let record): note(.coordinate(Look(record: record, event: .look)), in: 0...20)
    case .coordinate(let look): try coordinate(look)
    case .flag(let server, let reason): servers[server].flag = reason
    case .rollBack(let record): try rollBack(record)
    case .check(let record, let until): check(record, until)
    case .person: try person()
    case .mischief: mischief()
    case .returns(let server, let old): comeBack(server, old: old)
    case .balancer: settleBalancer()
    case .sweep:
      for record in records.indices where !records[record].deployment.state.isTerminal {
        note(.wake(record: record), in: 0...100)
      }
      for record in records.indices where owesRollback(record) {
        note(.rollBack(record: record), in: 0...100)
      }
      note(.sweep, in: 60_000...60_000)
    case .calm: try calm()
    }
  }
}
