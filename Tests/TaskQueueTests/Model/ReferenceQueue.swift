/// What the scripts should do, as a plain value: the rules of docs/queue.md without Redis' data types.
///
/// Where the rules leave a choice (which chain of several a worker is given, in which order a dead session
/// is emptied), the reference doesn't guess: it checks that the server's choice was allowed, and follows it.
struct ReferenceQueue {
  typealias NewChain = Operation.NewChain

  enum State: String { case ready, granted, due, waiting, finished, dead, cancelled }
  enum Cancel: Equatable {
    case now, after
    case then(Int)
    /// The named last link is what runs, or is next.
    case last
  }

  /// Where ready chains wait. gate: the limit that holds back those that were never started.
  struct Lane: Hashable {
    var queue: String
    var level: Int
    var name: String
    var gate: String?
  }

  /// order: chains that came to a lane in one step may be in any order, and share a number.
  struct Entry: Equatable {
    var chain: String
    var generation: Int
    var order: Int
  }

  enum Place: Equatable {
    case lane(Lane)
    case suspects
    /// For a concurrency key to be free.
    case key(String)
    case due(Int)
    case held(String)
    case ended
  }

  struct Token: Hashable {
    var session: String
    var generation: Int
  }

  struct LinkEnd: Equatable { var begun, ended, attempt, generation: Int }
  struct Failure: Equatable {
    var link: Int
    var code: String
    var message: String
  }

  struct Chain {
    let made: NewChain
    var queue: String { plan?.queue ?? made.queue }
    var level: Int { plan?.queue == nil ? made.level : plan?.level ?? 1 }
    /// What is said of the link at the cursor.
    var plan: Operation.Plan? { made.plans[cursor] }
    /// Whose links it has: a callback's are its template's.
    let spec: String
    var state = State.ready
    var place = Place.ended
    var generation = 1
    var cursor = 0
    var lane: String
    var group: String?
    var limit: String?
    var keep: Int
    var attempts = 0
    var crashesAlone = 0
    var crashesInCompany = 0
    /// Whether a link was ever begun, as far as anyone knows; and what that was before the present grant.
    var started = false
    var startedBefore = false
    var begun = 0
    var expires: Int?
    /// The concurrency key that it runs under.
    var holdsKey: String?
    /// Or that it waited for, while it is in its lane to try again.
    var letGo: String?
    var cancel: Cancel?
    var created: Int
    var ended: Int?
    var failure: Failure?
    var note: String?
    var ends: [Int: LinkEnd] = [:]
    var results: [Int: String] = [:]
    /// The token under which a death or a goodbye took it back, while nobody had it since.
    var takenBackFrom: Token?

    /// What was given up is kept for longer.
    var goesAt: Int? { ended.map { $0 + keep * (state == .dead ? 2 : 1) } }
    var hasEnded: Bool { state == .finished || state == .dead || state == .cancelled }
  }

  struct Session {
    /// When its lease is over; nil: it is dead.
    var lease: Int?
    /// Dead, and not yet emptied.
    var reaping = false
    var held: Set<String> = []
    /// A chain that was held by two dead workers, and is alone here.
    var suspect: String?
    var number = 0
    /// The last two answers, the latest last.
    var answers: [(codes: [Int], grants: [Entry])] = []
    var cancels: Set<String> = []
    /// What the worker knows: what it was last given of each chain, and what it said last.
    var known: [String: Known] = [:]
    var said: Resolved?
    var queues: [String] = []
  }

  /// A chain as its worker knows it.
  struct Known: Equatable {
    var generation = 1
    var cursor = 0
    var links = 1
    var marks = "?"
    var begun = ""
  }

  struct Group {
    var size = 0
    var left = 0
    var bad = 0
    var failed = 0
    var members: Set<String> = []
    var limit: String?
    var callback: NewChain?
    var keep = 0
    var abandonedAt = 0
    var sealed: Int?
    var fired: Int?
    /// Its removal has begun: it was not sealed in time.
    var gone = false
  }

  struct UniqueKey {
    var holder: String
    var until: Int?
  }

  struct Limit {
    var bound = 0
    var failures = 0
    var trips = 0
    var tripped = false
    var callback: NewChain?
  }

  struct Record: Equatable {
    var revision = 0
    var fields: [String: String] = [:]
  }

  /// A turn whose tokens and number are settled.
  struct Resolved: Equatable {
    var turn: Operation.Turn
    var number: Int
    var tokens: [Known]
  }

  var now = 1_700_000_000_000
  var chains: [String: Chain] = [:]
  var lanes: [Lane: [Entry]] = [:]
  /// By queue; with entries that no longer count, since they hold a worker back until they are found out.
  var suspects: [String: [Entry]] = [:]
  var clearing: [String: (session: String, until: Int)] = [:]
  var sessions: [String: Session] = [:]
  var groups: [String: Group] = [:]
  var limits: [String: Limit] = [:]
  var records: [String: Record] = [:]
  var uniques: [String: UniqueKey] = [:]
  /// By concurrency key: who waits for it, in turn.
  var keyQueues: [String: [String]] = [:]
  var paused: Set<String> = []
  /// Chains that were cancelled where they waited: their entries stay behind until somebody takes them, and
  /// would count for another chain of that name.
  var leftBehind: Set<String> = []
  var listedDead: [String: Int] = [:]
  var life: String?
  var lastBeat = 0
  var calmUntil = 0
  let crashCap = 2

  private var later: [String] = []
  /// Ready since the turn that is looked at: perhaps too late for it.
  var firedNow: Set<String> = []
  /// What becomes ready while this is set does so in an order of the server's choice.
  var inOneStep = false
  private var head = 0
  private var tail = 0

  // MARK: Places

  mutating func nextHead() -> Int {
    if !inOneStep { head -= 1 }
    return head
  }

  mutating func nextTail() { tail += 1 }

  func isTripped(_ limit: String) -> Bool { limits[limit]?.tripped ?? false }

  /// Whether workers may see a lane at all: a group's lanes are hidden until it is sealed.
  func isVisible(_ lane: Lane) -> Bool {
    guard lane.name.hasPrefix("*"), let group = groups[String(lane.name.dropFirst())] else { return true }
    return group.sealed != nil
  }

  func mayGrant(_ lane: Lane) -> Bool {
    isVisible(lane) && !(lane.gate.map(isTripped) ?? false)
  }

  func gate(of chain: Chain) -> String? { chain.started ? nil : chain.limit }

  /// Out of where it is; its place is then to be set.
  mutating func leave(_ id: String) {
    guard let chain = chains[id] else { return }
    chains[id]?.letGo = nil
    switch chain.place {
    case .lane(let lane):
      lanes[lane]?.removeAll { $0.chain == id }
      if lanes[lane]?.isEmpty == true { lanes[lane] = nil }
    case .held(let session):
      sessions[session]?.held.remove(id)
      sessions[session]?.cancels.remove(id)
      if sessions[session]?.suspect == id { sessions[session]?.suspect = nil }
    case .key(let key): keyQueues[key]?.removeAll { $0 == id }
    case .suspects, .due, .ended: break
    }
  }

  /// Into its lane, at the tail or at the head; the chain's generation is that of its entry.
  mutating func makeReady(_ id: String, atHead order: Int? = nil) {
    leave(id)
    guard let chain = chains[id] else { return }
    let lane = Lane(
      queue: chain.queue, level: chain.level, name: chain.lane, gate: gate(of: chain))
    if let order {
      lanes[lane, default: []].insert(Entry(chain: id, generation: chain.generation, order: order), at: 0)
    } else {
      if !inOneStep { tail += 1 }
      lanes[lane, default: []].append(Entry(chain: id, generation: chain.generation, order: tail))
    }
    chains[id]?.state = .ready
    chains[id]?.place = .lane(lane)
  }

  // MARK: Making

  enum Made: Equatable {
    case created, existed
    case duplicate(String)

    var text: String {
      switch self {
      case .created: "1"
      case .existed: "0"
      case .duplicate(let holder): holder
      }
    }
  }

  /// A chain that is there stays as it is.
  mutating func create(_ new: NewChain, group: String? = nil, limit: String? = nil, spec: String? = nil)
    -> Made
  {
    guard chains[new.id] == nil else { return .existed }
    if let unique = new.unique, let holder = claim(unique, for: new.id) { return .duplicate(holder) }
    chains[new.id] = Chain(
      made: new, spec: spec ?? Wire.spec(of: new), lane: group.map { "*" + $0 } ?? new.lane, group: group,
      limit: limit, keep: new.keep,
      created: now)
    chains[new.id]?.expires = new.expires.map { now + $0 }
    if group == nil, new.delay > 0 {
      chains[new.id]?.state = .due
      chains[new.id]?.place = .due(now + new.delay)
    } else if let delay = new.plans[0]?.delay, delay > 0, group == nil {
      chains[new.id]?.state = .due
      chains[new.id]?.place = .due(now + delay)
    } else if group == nil, spec == nil, !new.hasPlans, new.unique == nil, new.expires == nil {
      later.append(new.id)
    } else {
      makeReady(new.id)
    }
    return .created
  }

  /// Chains without anything special come to their lanes together, after the others of their step.
  mutating func pushLater() {
    for id in later { makeReady(id) }
    later = []
  }

  /// Whoever has the key instead.
  private mutating func claim(_ unique: Operation.Unique, for id: String) -> String? {
    let key = uniques[unique.key]
    if let holder = key?.holder, holder != id {
      if case .lasting = unique.span { return holder }
      if let other = chains[holder], !other.hasEnded { return holder }
    }
    let until: Int? = if case .lasting(let time) = unique.span { now + time } else { nil }
    uniques[unique.key] = UniqueKey(holder: id, until: until)
    return nil
  }

  mutating func freeUnique(_ id: String, _ chain: Chain, started: Bool) {
    guard let unique = chain.made.unique, uniques[unique.key]?.holder == id else { return }
    switch unique.span {
    case .queued: uniques[unique.key] = nil
    case .ended: if !started { uniques[unique.key] = nil }
    case .lasting: break
    }
  }

  /// Of these, whose name may be given to a chain: an id is not used again while something of it is left.
  func allowed(_ new: [NewChain]) -> [NewChain] {
    new.filter { chains[$0.id] != nil || !leftBehind.contains($0.id) }
  }

  mutating func submit(_ new: [NewChain]) -> [String] {
    let made = new.map { create($0).text }
    pushLater()
    return made
  }

  enum Staged: Equatable {
    case size(Int)
    case sealed, abandoned
  }

  mutating func stage(_ staging: Operation.Staging) -> Staged {
    var group = groups[staging.group] ?? Group()
    if group.sealed != nil { return .sealed }
    if group.gone { return .abandoned }
    group.keep = staging.keep
    if let limit = staging.limit { group.limit = limit }
    if let callback = staging.callback { group.callback = callback }
    group.abandonedAt = now + staging.abandonAfter
    groups[staging.group] = group
    for member in staging.members
    where create(member, group: staging.group, limit: staging.limit) == .created {
      groups[staging.group]?.size += 1
      groups[staging.group]?.left += 1
      groups[staging.group]?.members.insert(member.id)
    }
    return .size(groups[staging.group]?.size ?? 0)
  }

  mutating func seal(_ id: String) {
    guard groups[id]?.sealed == nil else { return }
    groups[id]?.sealed = now
    groupMayEnd(id)
  }

  // MARK: Keys

  /// The concurrency key that a chain runs under is free; who waits for it longest may try.
  mutating func freeKey(_ id: String) {
    guard let key = chains[id]?.holdsKey else { return }
    chains[id]?.holdsKey = nil
    letNext(key)
  }

  /// A ready chain that will not start its link after all may be the one that was let go last.
  mutating func passKey(_ id: String) {
    guard let chain = chains[id], chain.state == .ready, let key = chain.plan?.key else { return }
    keyQueues[key]?.removeAll { $0 == id }
    letNext(key)
  }

  private mutating func letNext(_ key: String) {
    guard let next = keyQueues[key]?.first else { return }
    makeReady(next, atHead: nextHead())
    chains[next]?.letGo = key
  }

  // MARK: Ending

  mutating func finish(_ id: String, _ state: State) {
    freeKey(id)
    passKey(id)
    leave(id)
    chains[id]?.state = state
    chains[id]?.place = .ended
    chains[id]?.generation += 1
    chains[id]?.ended = now
    chains[id]?.takenBackFrom = nil
    if state == .dead { listedDead[id] = now }
    settle(id, state)
    if let chain = chains[id] { freeUnique(id, chain, started: false) }
  }

  private mutating func settle(_ id: String, _ state: State) {
    guard let group = chains[id]?.group, groups[group]?.members.remove(id) != nil else { return }
    groups[group]?.left -= 1
    if state != .finished { groups[group]?.bad += 1 }
    if state == .dead {
      groups[group]?.failed += 1
      if let limit = groups[group]?.limit { countFailure(limit) }
    }
    groupMayEnd(group)
  }

  private mutating func countFailure(_ id: String) {
    guard var limit = limits[id] else { return }
    limit.failures += 1
    let trips = limit.bound > 0 && limit.failures >= limit.bound && !limit.tripped
    if trips {
      limit.tripped = true
      limit.trips += 1
    }
    limits[id] = limit
    if trips, let callback = limit.callback { fire(callback, suffix: ".\(limit.trips)") }
  }

  private mutating func groupMayEnd(_ id: String) {
    guard let group = groups[id], group.sealed != nil, group.left == 0, group.fired == nil
    else { return }
    groups[id]?.fired = now
    if let callback = group.callback { fire(callback) }
  }

  private mutating func fire(_ template: NewChain, suffix: String = "") {
    var callback = template
    callback.id += suffix
    callback.delay = 0
    _ = create(callback, spec: Wire.spec(of: template))
  }

  // MARK: Time

  mutating func advance(_ time: Int) {
    now += time
    for (id, chain) in chains {
      if let goesAt = chain.goesAt, goesAt <= now { chains[id] = nil }
    }
    for (id, group) in groups {
      if let fired = group.fired, fired + group.keep <= now { groups[id] = nil }
    }
    for (key, unique) in uniques { if let until = unique.until, until <= now { uniques[key] = nil } }
    for (queue, clear) in clearing where clear.until <= now { clearing[queue] = nil }
  }
}
