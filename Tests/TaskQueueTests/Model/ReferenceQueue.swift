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
    /// For the members of a group, which is its link.
    case group(String)
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
    /// What is said of the link at the cursor. Of one that is a group, the rest is said of its members.
    var plan: Operation.Plan? {
      guard cursor < made.links, let plan = made.plans[cursor] else { return nil }
      return plan.members == nil ? plan : Operation.Plan(members: plan.members, goesOn: plan.goesOn)
    }
    func group(at link: Int) -> String? {
      link < made.links && made.plans[link]?.members != nil ? "\(made.id)/\(link)" : nil
    }
    /// Whose links it has: a callback's are its template's.
    let spec: String
    var state = State.ready
    var place = Place.ended
    var generation = 1
    var cursor = 0
    var lane: String
    var group: String?
    /// Where its last result goes; nil: to itself.
    var number: Int?
    var limit: String?
    var keep: Int
    /// The group of its error callback, as long as that may come.
    var failed: String?
    var attempts = 0
    var crashesAlone = 0
    var crashesInCompany = 0
    /// Whether a link was ever begun, as far as anyone knows; and what that was before the present grant.
    var started = false
    var startedBefore = false
    /// Whether the link at the cursor was begun and came back without an end.
    var cameBack = false
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

    var linkHasBegun: Bool {
      switch place {
      case .held, .group: true
      default: cameBack || attempts > 0 || crashesAlone > 0 || crashesInCompany > 0
      }
    }

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
    /// The chain that waits for it.
    var waiting: (chain: String, link: Int)?
    var goesOn = false
    /// The first member that did not end well.
    var why: String?
    var results: [Int: String] = [:]
    var keep = 0
    /// What it is staged for.
    var root = ""
    var sealed: Int?
    var fired: Int?
    /// Its removal has begun: it will not be sealed.
    var gone = false
    var removed: Set<String> = []
  }

  /// Groups that wait for what they are part of to come to be, or to be put back.
  struct StagedRoot {
    var until: Int
    var groups: Set<String> = []
    /// Groups and members.
    var count = 0
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
    /// Whose brake it is.
    var brakes: String?
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
  /// By root: "g:" and a group of its own, "c:" and the chain to be, "d:" and the chain that died.
  var staged: [String: StagedRoot] = [:]
  /// Those whose groups the server has not all found yet, after it began to remove them.
  var droppingRoots: Set<String> = []
  /// Groups whose members are being cancelled: all, or those that never started.
  var cancelling: [String: Bool] = [:]
  var limits: [String: Limit] = [:]
  var records: [String: Record] = [:]
  var uniques: [String: UniqueKey] = [:]
  /// By concurrency key: who waits for it, in turn.
  var keyQueues: [String: [String]] = [:]
  /// When chains that wait for a time are due.
  var due: [String: Int] = [:]
  /// Chains that have not ended, and of which something is said beyond their number of links.
  var special: Set<String> = []
  var paused: Set<String> = []
  /// Chains that were cancelled where they waited: their entries stay behind until somebody takes them, and
  /// would count for another chain of that name.
  var leftBehind: Set<String> = []
  /// Chains with groups, as they were first made, and whether all of it came to be.
  var workflows: [String: (made: NewChain, submitted: Bool)] = [:]
  var listedDead: [String: Int] = [:]
  var life: String?
  var lastBeat = 0
  var calmUntil = 0
  let crashCap = 2

  /// Chains without anything special, which come to their lanes together at the end of their step.
  var later: [String] = []
  /// Entries of chains that became ready while a turn looked at others, which ended or wait for members; nil: there
  /// were none such.
  var came: Set<String>?
  /// Limits that such chains tripped, perhaps after others were granted.
  var trippedNow: Set<String> = []
  /// What becomes ready while this is set does so in an order of the server's choice.
  var inOneStep = false
  var head = 0
  var tail = 0
}
