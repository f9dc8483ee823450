import Console
import RedisClient
import Synchronization
import TaskQueue
import UnixSignals
import WorkflowFiles

/// Follows a workflow until it ends.
///
/// On a terminal it is drawn in place; elsewhere each change is a line of text or JSON.
struct RunFollow: Sendable {
  let queue: Queue
  let terminal: Terminal
  let json: Bool
  /// What this process has to do with it beyond looking; nil: nothing, and Ctrl-C only stops looking.
  var reach: RunHost.Reach?
  /// What to type to go on with it.
  var again: String
  /// Whose output is shown; nil: that of steps that failed, and of a workflow with one step all.
  var output: OutputMode?
  /// Where Redis is, for what to type.
  var place: PlaceOptions

  /// What a signal has brought about.
  private final class Stopping: Sendable {
    let isCancelling = Mutex(false)
  }

  /// Returns how the workflow ended; nil where the server went away and another may be looked for.
  func callAsFunction(_ id: ChainID) async throws -> Ending? {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
    let stopping = Stopping()
    return try await withThrowingTaskGroup(of: Ending?.self) { group in
      group.addTask { try await follow(id, stopping) }
      group.addTask { await obey(signals, id, stopping) }
      defer { group.cancelAll() }
      return try await group.next() ?? .failed
    }
  }

  // MARK: Signals

  /// The first Ctrl-C cancels; whatever comes then leaves, as every other signal does.
  private func obey(_ signals: UnixSignalsSequence, _ id: ChainID, _ stopping: Stopping) async -> Ending? {
    for await signal in signals {
      guard signal == .sigint, reach != nil, !stopping.isCancelling.withLock({ $0 }) else { break }
      do {
        try await queue.cancel([Cancellation(id, .now)])
        stopping.isCancelling.withLock { $0 = true }
        if !isDrawn {
          Problem.tell("\(id) is being cancelled: what runs is ended. Ctrl-C again leaves at once.")
        }
      } catch {
        Problem.tell("\(id) could not be cancelled: \(error)")
        break
      }
    }
    if Task.isCancelled { return .waiting }
    if stopping.isCancelling.withLock({ $0 }) {
      Problem.tell("\n\(id) is cancelled; what still runs is ended by its worker.")
      return .revoked
    }
    let words =
      reach?.works == true
      ? "\(id) has stopped, and goes on with:  \(again)"
      : "\(id) goes on. Look at it:  drawbar workflow watch \(id)\nEnd it:  drawbar workflow cancel \(id)"
    Problem.tell("\n" + words)
    return .waiting
  }

  // MARK: Looking

  private func follow(_ id: ChainID, _ stopping: Stopping) async throws -> Ending? {
    var screen = Screen(terminal)
    var watch = WorkflowWatch(id, queue: queue)
    var last: WorkflowView?
    var lostSince: ContinuousClock.Instant?
    var written = WorkflowOutput(queue: queue)
    var missing = MissingWorkers()
    while true {
      let begun = ContinuousClock.now
      do {
        guard var view = try await watch.look(tails: isDrawn && output != .all ? 8 : 0) else {
          throw Stop(.refused, "there is no workflow \(id), or it ended long ago; see drawbar workflow ls")
        }
        lostSince = nil
        if reach?.works != true { try await missing.look(view, queue) }
        let mode = output ?? (view.hasOneStep && !json ? .all : .failed)
        let parts = mode == .all ? try await written.read(view) : []
        if mode == .all { for index in view.rows.indices { view.rows[index].tail = [] } }
        show(view, after: last, parts, mode, missing, stopping.isCancelling.withLock { $0 }, on: &screen)
        missing.isTold = true
        last = view
        // Who works here hands its work back; and isn't stopped half-way because a log's disk is full.
        if Terminal.failure == .closed { return .unread }
        if reach?.works != true { try terminal.checkOutput() }
        if view.hasEnded {
          screen.settle()
          if isDrawn { terminal.show(view.whatFailed(withOutput: mode == .failed)) }
          return Ending(view)
        }
      } catch let error as RedisError where error.isConnectionFailure && last != nil {
        if isDrawn, let last {
          screen.draw(
            last.board(rows: rows) + [Line("Redis can't be reached, trying again: \(error)", .yellow)])
        }
        let since = lostSince ?? .now
        lostSince = since
        if reach?.mayBeTakenOver == true, ContinuousClock.now - since > .seconds(2) { return nil }
        try await Task.sleep(for: .milliseconds(500))
        continue
      }
      // Reading a large workflow costs something: look again after a multiple of what it took.
      try await Task.sleep(for: max(.milliseconds(200), (ContinuousClock.now - begun) * 4))
    }
  }

  private var isDrawn: Bool { terminal.isInteractive && !json }
  private var rows: Int { max(10, terminal.size.rows - 4) }

  private func show(
    _ view: WorkflowView, after last: WorkflowView?, _ parts: [WorkflowOutput.Part], _ mode: OutputMode,
    _ missing: MissingWorkers, _ isCancelling: Bool, on screen: inout Screen
  ) {
    let lacks = missing.lacks.map { $0.sentence(place) }
    guard isDrawn else {
      var parts = parts
      for change in RunChange.between(last, view) {
        // What a step wrote comes before its end.
        if change.hasEnded {
          let ended = { (part: WorkflowOutput.Part) in change.place == nil || change.place == part.place }
          show(parts.filter(ended), view)
          parts.removeAll(where: ended)
        }
        terminal.show(json ? [Line(JSONText.line(change))] : change.lines(withOutput: mode == .failed))
      }
      show(parts, view)
      if !missing.isTold { for sentence in lacks { Problem.note(sentence, json: json) } }
      return
    }
    var lines = view.board(rows: rows)
    lines += lacks.map { Line($0, .yellow) }
    if !view.hasEnded { lines += [Line(), Line(hint(isCancelling), .faint)] }
    screen.draw(lines, below: parts.flatMap { $0.lines(of: view) })
  }

  private func show(_ parts: [WorkflowOutput.Part], _ view: WorkflowView) {
    for part in parts {
      terminal.show(json ? part.objects(of: view).map { Line(JSONText.line($0)) } : part.lines(of: view))
    }
  }

  private func hint(_ isCancelling: Bool) -> String {
    if isCancelling { return "Being cancelled: what runs is ended. Ctrl-C again leaves at once." }
    return reach == nil ? "Ctrl-C stops watching, not the workflow." : "Ctrl-C cancels the workflow."
  }
}

extension Ending {
  /// How a workflow ended.
  init(_ view: WorkflowView) {
    self =
      switch view.standing {
      case .finished: .succeeded
      case .failed: .failed
      case .braked: .braked
      case .cancelled, .expired: .revoked
      case .waiting, .running, .cancelling: .waiting
      }
  }
}

extension Session {
  /// Looks at a workflow until it ends, and ends the command by how that ended.
  func follow(
    workflow id: ChainID, json: Bool, _ output: OutputMode?, _ place: PlaceOptions
  ) async throws {
    let follow = RunFollow(
      queue: queue, terminal: terminal, json: json, again: "drawbar workflow watch \(id)", output: output,
      place: place)
    let ending = try await follow(id) ?? .unavailable
    if ending != .succeeded { throw Stop(ending) }
  }
}
