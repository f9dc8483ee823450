/// One step of a model run. It prints as the Swift that makes it, so that a sequence that failed can be
/// pasted into a test.
enum Operation: Sendable, Equatable {
  case submit([NewChain])
  case stage(Staging)
  /// The parts of a chain with groups, then the chain; or so many parts and no more, as by a caller that died.
  case workflow(NewChain, parts: Int? = nil)
  /// All members of a group are cancelled.
  case haltGroup(String)
  case commit(Change)
  /// Removes a limit, and cancels what it still holds back, as its owner must.
  case removeLimit(String)
  case halt([Stop])
  case hello(String, queues: [String] = ["q0"], lease: Int = 10_000)
  case turn(Turn)
  /// The session's last turn is said again, word by word, as after an answer that was lost; back: under the
  /// number that was so many before it.
  case again(String, back: Int = 0)
  /// off: how far the number that the worker believes to hold is from the truth. life: the server's.
  case beat(String, off: Int = 0, life: String = "life")
  case bye(String)
  case pause(String)
  case resume(String)
  /// Dead chains go on, or are forgotten.
  case requeue([String], forget: Bool = false)
  case reap(String)
  /// The server's clock moves, and what has expired is gone.
  case advance(Int)

  /// What a chain is made of.
  struct NewChain: Sendable, Equatable {
    var id: String
    var queue = "q0"
    var level = 1
    var lane = "-"
    var delay = 0
    var links = 1
    var keep = 60_000
    var expires: Int?
    var unique: Unique?
    /// For its links by their index.
    var plans: [Int: Plan] = [:]

    /// How many links its error callback has; 0: it has none.
    var failed = 0
    var brake: Int?

    var hasPlans: Bool { plans.contains { $0.key < links && $0.value != Plan() } }
  }

  struct Unique: Sendable, Equatable {
    var key: String
    var span: Span
    enum Span: Sendable, Equatable {
      case queued
      case ended
      case lasting(Int)
    }
  }

  struct Plan: Sendable, Equatable {
    var queue: String?
    var level = 1
    var delay = 0
    /// A concurrency key.
    var key: String?
    var atMost = 1
    /// The link is a group. Of its members the links and plans count.
    var members: [NewChain]?
    var goesOn = false
  }

  struct Staging: Sendable, Equatable {
    var group: String
    var members: [NewChain]
    var limit: String?
    var callback: NewChain?
    var abandonAfter = 20_000
    var keep = 60_000
  }

  struct Stop: Sendable, Equatable {
    enum Mode: Sendable, Equatable {
      case now
      case after
      case then(Int)
    }
    var chain: String
    var mode: Mode
    var before: Int?
  }

  struct NewLimit: Sendable, Equatable {
    var id: String
    var bound: Int
    var failures: Int?
    var callback: NewChain?
  }

  /// A record's move. off: how far the revision that is expected is from the truth.
  struct Move: Sendable, Equatable {
    var record: String
    var off = 0
    var set: [String: String] = [:]
    var remove: [String] = []
  }

  struct Change: Sendable, Equatable {
    var moves: [Move] = []
    var untripped: [String] = []
    var limits: [NewLimit] = []
    var seal: [String] = []
    var submit: [NewChain] = []
    var stop: [Stop] = []
  }

  /// Which token an outcome carries.
  enum Token: Sendable, Equatable {
    /// The last that this session was given for the chain.
    case own
    /// The chain's own, whoever holds it.
    case current
    /// One beside it.
    case off(Int)
  }

  enum Kind: Sendable, Equatable {
    case done(String = "")
    case jump(Int)
    case retry(Int)
    case snooze(Int)
    case dead
    case back
    case unstarted
  }

  struct Told: Sendable, Equatable {
    var chain: String
    var kind: Kind
    var token = Token.own
  }

  struct Turn: Sendable, Equatable {
    var session: String
    var told: [Told] = []
    var free = 0
    var total = 0
    /// Whether chains may go on in this worker.
    var stay = true
    /// Whether the session's queues are served in the other order.
    var reversed = false
    /// Told under number 0, in the name of a session that its worker gave up.
    var late = false
    /// The worker had taken the queues' wake-ups before it asked.
    var rung = false
  }
}
