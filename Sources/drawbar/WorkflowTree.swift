import Console
import TaskQueue

/// A chain with what hangs on it, read as deep and as broad as it is shown: of groups within groups, fewer members.
struct WorkflowTree: Sendable {
  struct Chain: Sendable {
    let inspection: ChainInspection
    /// By the index of the link.
    var groups: [Int: Group] = [:]
    var onFailure: Group?
  }

  struct Group: Sendable {
    let inspection: GroupInspection
    /// Those that are shown, what wants a look first.
    var members: [Chain] = []
  }

  /// How many members of a group are shown.
  let broad: Int

  func chain(_ id: ChainID, in queue: Queue, depth: Int = 8) async throws -> Chain? {
    guard let inspection = try await queue.inspect(id) else { return nil }
    var chain = Chain(inspection: inspection)
    guard depth > 0 else { return chain }
    for link in inspection.links {
      if case .group(let group) = link.work {
        chain.groups[link.index] = try await self.group(group, in: queue, depth: depth - 1)
      }
    }
    if let group = inspection.onFailure {
      chain.onFailure = try await self.group(group, in: queue, depth: depth - 1)
    }
    return chain
  }

  func group(_ id: GroupID, in queue: Queue, depth: Int = 8) async throws -> Group? {
    guard let inspection = try await queue.inspect(group: id) else { return nil }
    var group = Group(inspection: inspection)
    let first = inspection.members.enumerated().sorted {
      (Self.interest($0.element), $0.offset) < (Self.interest($1.element), $1.offset)
    }
    for (_, member) in first.prefix(broad) {
      let below = WorkflowTree(broad: max(1, broad / 4))
      if let chain = try await below.chain(member.id, in: queue, depth: depth - 1) {
        group.members.append(chain)
      }
    }
    return group
  }

  /// What wants a look first.
  private static func interest(_ status: ChainStatus) -> Int {
    switch status.state {
    case .dead: 0
    case .granted: 1
    case .due: 2
    case .waiting: 3
    case .ready: 4
    case .cancelled: 5
    case .finished: 6
    }
  }
}

extension WorkflowTree.Chain {
  /// What a link is at, as a word.
  func state(of link: ChainInspection.Link) -> (word: String, paint: Paint) {
    let status = inspection.status
    if link.outcome != nil { return ("done", .green) }
    if link.index < status.cursor { return ("skipped", .faint) }
    guard link.index == status.cursor else { return (status.hasEnded ? "not run" : "", .faint) }
    switch status.state {
    case .finished: return ("skipped", .faint)
    case .dead: return ("failed", .red)
    default: return (status.state.word, status.state.paint)
    }
  }

  var shown: ShownWorkflow {
    ShownWorkflow(
      chain: ShownChain(inspection.status), priority: "\(inspection.priority)",
      group: inspection.group?.rawValue, unique: inspection.unique, dueAt: inspection.dueAt,
      headers: inspection.headers,
      links: inspection.links.map { link in
        let task: String? = if case .task(let name) = link.work { name } else { nil }
        let isCurrent = link.index == inspection.status.cursor
        let state = state(of: link).word
        return ShownLink(
          link: link.index, task: task, state: state.isEmpty ? "later" : state,
          startedAt: link.outcome?.startedAt ?? (isCurrent ? inspection.status.linkStartedAt : nil),
          endedAt: link.outcome?.endedAt, attempt: link.outcome?.attempt,
          result: link.result.map { String(decoding: $0, as: UTF8.self) },
          group: groups[link.index]?.shown)
      }, onFailure: onFailure?.shown)
  }

  /// - Parameters:
  ///   - now: the server's time.
  ///   - before: what stands to the left of each line but the first.
  func lines(now: Int64, before: Line = Line()) -> [Line] {
    var branches: [(head: Line, rest: (Line) -> [Line])] = inspection.links.map { link in
      (head(of: link, now: now), { groups[link.index]?.lines(now: now, before: $0) ?? [] })
    }
    if let onFailure, onFailure.inspection.sealedAt != nil {
      branches.append((Line("when it failed", .faint), { onFailure.lines(now: now, before: $0) }))
    }
    return [head(now: now)] + Line.branches(branches, before: before)
  }

  private func head(now: Int64) -> Line {
    let status = inspection.status
    var line = Line(status.id.rawValue, .bold) + " " + Line(status.state.word, status.state.paint)
    if status.cancelling, !status.hasEnded { line += Line(", being cancelled", .yellow) }
    line += Line("  \(status.queue)", .faint)
    if inspection.priority != .normal { line += Line(" \(inspection.priority)", .faint) }
    if let at = status.submittedAt {
      line += Line("  submitted \(Clock.text(at))", .faint)
      if let end = status.endedAt { line += Line(", took \(Board.elapsed(end - at))", .faint) }
    }
    if status.crashes > 0 { line += Line("  its worker died \(status.crashes) times", .red) }
    if let unique = inspection.unique { line += Line("  unique \(unique)", .faint) }
    if let note = status.note, !note.isEmpty { line += Line("  \(note)") }
    return line
  }

  private func head(of link: ChainInspection.Link, now: Int64) -> Line {
    let status = inspection.status
    var line = Line("\(link.index) ", .faint)
    switch link.work {
    case .task(let name): line += Line(name)
    case .group(let group):
      line += Line(groups[link.index].map { "group of \($0.inspection.size)" } ?? "group \(group)")
    case .unreadable: line += Line("written by another version", .yellow)
    }
    let (word, paint) = state(of: link)
    if !word.isEmpty { line += Line(" \(word)", paint) }
    if let outcome = link.outcome {
      line += Line(" in \(Board.elapsed(outcome.endedAt - outcome.startedAt))", .faint)
      if outcome.attempt > 1 { line += Line(", try \(outcome.attempt)", .faint) }
    }
    if let result = link.result { line += Line("  \(String(decoding: result.prefix(200), as: UTF8.self))") }
    guard link.index == status.cursor else { return line }
    if let holder = status.holder, let since = status.linkStartedAt {
      line += Line(
        " on \(holder) for \(Board.elapsed(now - since)), try \(status.failedAttempts + 1)", .faint)
    }
    if let progress = status.progress, status.state == .granted {
      line += Line("  \(Int(progress.fraction * 100))% \(progress.note)", .cyan)
    }
    if let due = inspection.dueAt {
      line += Line(due <= now ? " until now" : " for another \(Board.elapsed(due - now))", .faint)
    }
    if let failure = status.failure, failure.link == link.index {
      line += Line("  \(failure.code): ", .red) + Line(failure.message)
      if status.failedAttempts > 1 { line += Line(" (\(status.failedAttempts) tries)", .faint) }
    }
    return line
  }
}

extension WorkflowTree.Group {
  var shown: ShownMembers {
    let group = inspection
    return ShownMembers(
      group: group.id.rawValue, size: group.size, left: group.left, failed: group.failed,
      sealedAt: group.sealedAt, settledAt: group.settledAt, why: group.why, states: states,
      members: members.map(\.shown))
  }

  private var states: [String: Int] {
    Dictionary(inspection.members.map { ($0.state.word, 1) }, uniquingKeysWith: +)
  }

  func lines(now: Int64, before: Line) -> [Line] {
    var branches: [(head: Line, rest: (Line) -> [Line])] = members.map { member in
      let lines = member.lines(now: now)
      return (lines[0], { Array(member.lines(now: now, before: $0).dropFirst()) })
    }
    let more = inspection.size - members.count
    if more > 0 { branches.append((Line("… \(more) more; of all: \(summary)", .faint), { _ in [] })) }
    return Line.branches(branches, before: before)
  }

  /// How the members stand, in words.
  var summary: String {
    let group = inspection
    if group.sealedAt == nil { return "not begun" }
    let unlisted = group.size - group.members.count
    var words = states.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    if unlisted > 0 { words.append("\(unlisted) have ended or are not listed") }
    return words.joined(separator: ", ")
  }
}

extension Line {
  /// Lines as the branches of a tree: each one's head, and below it what `rest` makes with the given left edge.
  static func branches(_ branches: [(head: Line, rest: (Line) -> [Line])], before: Line) -> [Line] {
    branches.enumerated().flatMap { index, branch in
      let isLast = index == branches.count - 1
      return [before + Line(isLast ? "└─ " : "├─ ", .faint) + branch.head]
        + branch.rest(before + Line(isLast ? "   " : "│  ", .faint))
    }
  }
}
