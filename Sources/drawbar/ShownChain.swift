import Console
import FoundationEssentials
import TaskQueue

/// A chain as `queue dead --json` and `queue show --json` print it. Instants are milliseconds since 1970, by the
/// server's clock.
struct ShownChain: Encodable {
  let chain: String
  let queue: String
  let state: String
  /// The link that runs or is next, from 0.
  let link: Int
  let links: Int
  let failedAttempts: Int
  let crashes: Int
  let worker: String?
  let submittedAt: Int64?
  let startedAt: Int64?
  let endedAt: Int64?
  /// The last failure: its link, code and message.
  let failedLink: Int?
  let code: String?
  let message: String?
  let note: String?
  let progress: Double?
  let cancelling: Bool

  init(_ status: ChainStatus) {
    chain = status.id.rawValue
    queue = status.queue.rawValue
    state = status.state.word
    link = status.cursor
    links = status.linkCount
    failedAttempts = status.failedAttempts
    crashes = status.crashes
    worker = status.holder
    submittedAt = status.submittedAt
    startedAt = status.linkStartedAt
    endedAt = status.endedAt
    failedLink = status.failure?.link
    code = status.failure?.code
    message = status.failure?.message
    note = status.note
    progress = status.progress?.fraction
    cancelling = status.cancelling
  }
}

/// A chain with its links, and the groups among them with their members.
struct ShownWorkflow: Encodable {
  let chain: ShownChain
  let priority: String
  let group: String?
  let unique: String?
  let dueAt: Int64?
  let headers: [String: String]
  let links: [ShownLink]
  let onFailure: ShownMembers?
}

struct ShownLink: Encodable {
  let link: Int
  let task: String?
  let state: String
  let startedAt: Int64?
  let endedAt: Int64?
  let attempt: Int?
  /// As JSON text, as the task returned it.
  let result: String?
  let group: ShownMembers?
}

struct ShownMembers: Encodable {
  let group: String
  let size: Int
  let left: Int
  let failed: Int
  let sealedAt: Int64?
  let settledAt: Int64?
  /// The first member that did not end well.
  let why: String?
  /// How many members are in each state, of those that are listed.
  let states: [String: Int]
  let members: [ShownWorkflow]
}

extension ChainStatus.State {
  var word: String {
    switch self {
    case .ready: "ready"
    case .granted: "running"
    case .due: "delayed"
    case .waiting: "waiting"
    case .finished: "finished"
    case .dead: "dead"
    case .cancelled: "cancelled"
    }
  }

  var paint: Paint {
    switch self {
    case .ready, .due: .plain
    case .granted, .waiting: .cyan
    case .finished: .green
    case .dead: .red
    case .cancelled: .yellow
    }
  }
}
