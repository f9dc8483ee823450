import ArgumentParser
import Console
import TaskQueue

extension QueueCommand {
  struct PauseQueue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "pause",
      abstract: "Grant nothing more of a queue until it is resumed; what runs runs to the end of its link.",
      discussion: "Examples:\n  drawbar queue pause thumbnails")
    @Argument(help: "The queue.") var queue: String
    @OptionGroup var options: QueueOptions

    func run() async throws {
      try await options.tell(queue, "paused") { try await $0.pause($1) }
    }
  }

  struct ResumeQueue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "resume", abstract: "Let a paused queue go on.",
      discussion: "Examples:\n  drawbar queue resume thumbnails")
    @Argument(help: "The queue.") var queue: String
    @OptionGroup var options: QueueOptions

    func run() async throws {
      try await options.tell(queue, "goes on") { try await $0.resume($1) }
    }
  }

  struct Cap: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Refuse submissions that would make a queue deeper than this.",
      discussion: """
        It never applies to hand-overs, retries and callbacks: what was accepted is done.

        Examples:
          drawbar queue cap thumbnails 100000
          drawbar queue cap thumbnails none
        """)
    @Argument(help: "The queue.") var queue: String
    @Argument(
      help: ArgumentHelp("So many chains at most, or none.", valueName: "count|none"),
      transform: { text in
        if text == "none" { return -1 }
        guard let number = Int(text), number >= 0 else {
          throw ValidationError("'\(text)' is no count of chains; write 0 or more, or none")
        }
        return number
      })
    var depth: Int
    @OptionGroup var options: QueueOptions

    func run() async throws {
      let cap = depth < 0 ? nil : depth
      try await options.tell(queue, cap.map { "holds at most \($0) chains" } ?? "has no cap") {
        try await $0.cap($1, at: cap)
      }
    }
  }

  struct Requeue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let chains that were given up go on at the link that failed, with no tries counted.",
      discussion: """
        If one of them is not dead, nothing is done.

        Examples:
          drawbar queue requeue order-42
          drawbar queue dead --json | jq -r .chain | xargs drawbar queue requeue
        """)
    @Argument(help: ArgumentHelp("Chains, as queue dead lists them.", valueName: "id")) var chains: [String]
    @OptionGroup var options: QueueOptions

    func run() async throws {
      let ids = try chains.map { try ChainID($0) }
      try await options.open { session in
        try await session.requireDead(ids, for: "put back")
        let outcomes = try await session.queue.requeue(ids)
        try session.report(
          zip(ids, outcomes).map { id, outcome in
            switch outcome {
            case .done: Act(id, "requeued")
            case .detached:
              Act(id, "requeued", note: "detached: the group that it was part of has ended without it")
            case .groupFailed:
              Act(
                id, refused: "its group failed",
                "put its dead members back (drawbar queue show \(id)), or submit the workflow again")
            case .keyHeld:
              Act(
                id, refused: "its unique key is held",
                "another chain has the key that this one had: wait for its end, or cancel it")
            case .unknown: Act(id, refused: "no longer dead", "somebody was faster: drawbar queue show \(id)")
            }
          }, json: options.json)
      }
    }
  }

  struct Forget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove chains that were given up, with all that is kept of them.",
      discussion: """
        If one of them is not dead, nothing is done.

        Examples:
          drawbar queue forget order-42
          drawbar queue dead thumbnails --json | jq -r .chain | xargs drawbar queue forget --yes
        """)
    @Argument(help: ArgumentHelp("Chains, as queue dead lists them.", valueName: "id")) var chains: [String]
    @OptionGroup var confirmation: ConfirmationOptions
    @OptionGroup var options: QueueOptions

    func run() async throws {
      let ids = try chains.map { try ChainID($0) }
      try await options.open { session in
        try await session.requireDead(ids, for: "forgotten")
        try confirmation.ask(
          "Forget \(ids.count == 1 ? ids[0].rawValue : "\(ids.count) chains") for good?", json: options.json)
        var acts: [Act] = []
        for id in ids {
          let forgotten = try await session.queue.forget([id]) == 1
          acts.append(
            forgotten ? Act(id, "forgotten") : Act(id, refused: "no longer dead", "somebody was faster"))
        }
        try session.report(acts, json: options.json)
      }
    }
  }

  struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Cancel chains, or groups with all their members.",
      discussion: """
        now      what waits ends at once, what runs is told within a beat
        after    the link that runs may end, nothing follows it
        then:N   the link that runs may end, then link N runs, such as one that cleans up \
        It is kept in Redis, and holds for workers that are away. A group is cancelled now.

        Examples:
          drawbar queue cancel order-42
          drawbar queue cancel order-42 order-43 --mode after --yes
          drawbar queue cancel release-7 --mode then:4
        """)
    @Argument(help: ArgumentHelp("Chains or groups.", valueName: "id")) var ids: [String]
    @Option(
      help: ArgumentHelp("now, after or then:N.", valueName: "mode"),
      transform: { text in
        switch text {
        case "now": return .now
        case "after": return .afterLink
        default:
          guard text.hasPrefix("then:"), let link = Int(text.dropFirst(5)), link >= 0 else {
            throw ValidationError("'\(text)' is no way to cancel; write now, after or then:N")
          }
          return .afterLinkThen(last: link)
        }
      })
    var mode = Cancellation.Mode.now
    @OptionGroup var confirmation: ConfirmationOptions
    @OptionGroup var options: QueueOptions

    func run() async throws {
      let chains = try ids.map { try ChainID($0) }
      try await options.open { session in
        let statuses = try await session.queue.status(chains)
        var groups: [GroupID] = []
        for (id, status) in zip(chains, statuses) {
          if let status {
            guard !status.hasEnded else {
              throw Stop(.refused, "\(id) is \(status.state.word) already; nothing was changed")
            }
          } else {
            let group = try GroupID(id.rawValue)
            guard try await session.queue.inspect(group: group, most: 1) != nil else {
              throw Stop(.refused, "\(id): no chain or group of this name is kept; nothing was changed")
            }
            guard mode == .now else {
              throw Stop(.refused, "\(id) is a group, which can only be cancelled now; nothing was changed")
            }
            groups.append(group)
          }
        }
        try confirmation.ask(
          "Cancel \(ids.count == 1 ? ids[0] : "\(ids.count) chains")?", json: options.json)
        let asked = zip(chains, statuses).filter { $0.1 != nil }.map(\.0)
        let outcomes = try await session.queue.cancel(asked.map { Cancellation($0, mode) })
        var acts = zip(asked, outcomes).map { id, outcome in Act(id, cancelled: outcome) }
        for group in groups {
          let outcome = try await session.queue.cancel(group: group)
          acts.append(Act(try ChainID(group.rawValue), cancelled: outcome))
        }
        try session.report(acts, json: options.json)
      }
    }
  }
}

/// What became of one chain that a command was to do something with.
struct Act: Encodable {
  let chain: String
  let outcome: String
  /// What else is to be known, or what to do now.
  let note: String?
  let isRefused: Bool

  private enum CodingKeys: CodingKey { case chain, outcome, note }

  init(_ chain: ChainID, _ outcome: String, note: String? = nil) {
    (self.chain, self.outcome, self.note, isRefused) = (chain.rawValue, outcome, note, false)
  }

  init(_ chain: ChainID, refused why: String, _ now: String) {
    (self.chain, outcome, note, isRefused) = (chain.rawValue, "refused: \(why)", now, true)
  }

  init(_ chain: ChainID, cancelled outcome: Queue.Cancelled) {
    switch outcome {
    case .ended: self.init(chain, "cancelled")
    case .underWay: self.init(chain, "cancelling", note: "its worker is told, or its link may still end")
    case .unknownOrEnded: self.init(chain, refused: "it has ended", "it ended before it could be told")
    }
  }

  var line: Line {
    Line(chain, .bold) + Line(" \(outcome)", isRefused ? .red : .plain)
      + (note.map { Line(" (\($0))", .faint) } ?? Line())
  }
}

extension QueueOptions {
  fileprivate struct Told: Encodable {
    let queue: String
    let outcome: String
  }

  /// Tells a queue something, and says so.
  fileprivate func tell(
    _ queue: String, _ outcome: String, _ body: (Queue, QueueName) async throws -> Void
  ) async throws {
    let name = try QueueName(queue)
    try await open { session in
      try await body(session.queue, name)
      if json { return session.terminal.show(Line(JSONText.line(Told(queue: queue, outcome: outcome)))) }
      session.terminal.show(Line(queue, .bold) + Line(" \(outcome)"))
      guard try await session.queue.overview().queues.contains(where: { $0.queue == queue }) else {
        return Problem.tell("drawbar: nothing was ever submitted to \(queue): is it spelt right?")
      }
    }
  }
}

extension Session {
  /// Refuses the whole if one of the chains wasn't given up.
  fileprivate func requireDead(_ chains: [ChainID], for what: String) async throws {
    for (id, status) in zip(chains, try await queue.status(chains)) where status?.state != .dead {
      let why = status.map { "it is \($0.state.word)" } ?? "no chain of this name is kept"
      throw Stop(.refused, "\(id) can't be \(what): \(why); nothing was changed")
    }
  }

  fileprivate func report(_ acts: [Act], json: Bool) throws {
    terminal.show(acts.map { json ? Line(JSONText.line($0)) : $0.line })
    if acts.contains(where: \.isRefused) { throw Stop(.failed) }
  }
}
