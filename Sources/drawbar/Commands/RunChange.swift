import Console
import Rollout
import TaskQueue
import WorkflowFiles

/// Something that changed in a workflow: a line of text, or of JSON.
struct RunChange: Encodable, Equatable {
  /// Milliseconds since 1970, by Redis' clock.
  let at: Int64
  let workflow: String
  /// The names from the workflow down; empty: the workflow itself.
  let path: [String]
  let state: String
  let attempt: Int?
  let code: String?
  let message: String?
  let milliseconds: Int64?
  let counts: WorkflowView.Counts?
  /// What tells its step from others of its name; nil: the workflow itself.
  let place: String?

  private enum CodingKeys: CodingKey {
    case at, workflow, path, state, attempt, code, message, milliseconds, counts
  }

  /// What people are told: that steps and groups began, and how each ended. What waits or was left out isn't.
  static func between(_ last: WorkflowView?, _ view: WorkflowView) -> [RunChange] {
    var changes: [RunChange] = []
    let before = Dictionary((last?.rows ?? []).map { ($0.place, $0) }, uniquingKeysWith: { $1 })
    for row in view.rows where row.kind != .branch && row.isTold {
      let old = before[row.place]
      if old?.state == row.state, old?.attempt == row.attempt { continue }
      changes.append(RunChange(row, view))
    }
    // As it came; what came at once, from the outside in where it began, and from the inside out where it ended.
    changes.sort { ($0.at, $0.order) < ($1.at, $1.order) }
    let begin = last == nil ? [RunChange(view, state: "started", at: view.chain.submittedAt)] : []
    guard view.hasEnded, last?.hasEnded != true else { return begin + changes }
    return begin + changes + [RunChange(view, state: view.standing.rawValue, at: view.chain.endedAt)]
  }

  /// Whether it tells that something has ended, or was tried in vain.
  var hasEnded: Bool { state != "running" && state != "started" }

  private var order: Int { milliseconds == nil && state == "running" ? path.count : 1_000 - path.count }

  private init(_ view: WorkflowView, state: String, at: Int64?) {
    self.at = at ?? view.now
    workflow = view.id.rawValue
    path = []
    self.state = state
    attempt = nil
    let isEnd = state != "started"
    code = isEnd ? view.failure?.code : nil
    message = isEnd ? view.failure?.message : nil
    milliseconds = view.chain.submittedAt.flatMap { begun in isEnd ? at.map { $0 - begun } : nil }
    counts = nil
    place = nil
  }

  private init(_ row: WorkflowView.Row, _ view: WorkflowView) {
    at = row.endedAt ?? (row.state == .running ? row.startedAt : nil) ?? view.now
    workflow = view.id.rawValue
    path = row.path
    state = row.state.rawValue
    attempt = row.attempt > 1 ? row.attempt : nil
    code = row.code
    message = row.message
    milliseconds = row.startedAt.flatMap { begun in row.endedAt.map { $0 - begun } }
    counts = row.kind == .group ? row.counts : nil
    place = row.place
  }

  /// A line, and beneath it what a program that failed wrote last, unless that was shown.
  func lines(withOutput: Bool) -> [Line] {
    var line = Line(Clock.time(at) + "  ", .faint)
    line += path.isEmpty ? Line(workflow, .bold) : Line(path.joined(separator: " › "))
    line += Line("  ") + Line(state, paint)
    if let attempt { line += Line("  try \(attempt)", .faint) }
    if let milliseconds { line += Line("  \(Board.elapsed(milliseconds))", .faint) }
    if let counts { line += Line("  \(counts.text)", .faint) }
    let words = (message ?? "").split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    // Of a group and of the whole, the first words: a step has said the rest.
    let isWhole = counts == nil && !path.isEmpty
    if let code {
      let first = words.first ?? ""
      line +=
        Line("  \(code)", .red)
        + Line(": \(isWhole && withOutput ? first : first.replacing("; its last lines:", with: ""))")
    }
    if !isWhole || !withOutput { return [line] }
    return [line] + words.dropFirst().map { Line("    | \($0)") }
  }

  private var paint: Paint {
    WorkflowView.Row.State(rawValue: state)?.paint ?? WorkflowView.Standing(rawValue: state)?.paint ?? .plain
  }
}

extension WorkflowView.Row {
  fileprivate var isTold: Bool {
    switch state {
    case .running, .retrying, .done, .failed, .cancelled: true
    case .pending, .ready, .delayed, .skipped: false
    }
  }

  /// What stays the same of it.
  fileprivate var place: String { "\(chain) \(link ?? -1)" }
}

extension WorkflowOutput.Part {
  /// As ``RunChange/place`` of the step that wrote it.
  var place: String { "\(chain) \(link)" }
}

extension WorkflowView.Standing {
  var paint: Paint {
    switch self {
    case .waiting: .plain
    case .running: .cyan
    case .finished: .green
    case .failed: .red
    case .braked: .alarm
    case .cancelling, .cancelled, .expired: .yellow
    }
  }
}

extension WorkflowView.Counts {
  var text: String {
    let words = [(done, "done"), (failed, "failed"), (cancelled, "cancelled"), (running, "running")].filter {
      $0.0 > 0
    }.map {
      "\($0.0) \($0.1)"
    }
    return (words.isEmpty ? ["0 done"] : words).joined(separator: ", ") + " of \(members)"
  }
}

extension WorkflowView.Row.State {
  var paint: Paint {
    switch self {
    case .pending, .skipped: .faint
    case .ready, .delayed: .plain
    case .running: .cyan
    case .retrying, .cancelled: .yellow
    case .done: .green
    case .failed: .red
    }
  }

  var mark: String {
    switch self {
    case .pending, .skipped: "·"
    case .ready: "○"
    case .delayed: "◔"
    case .running: "▸"
    case .retrying: "↻"
    case .done: "✓"
    case .failed: "✗"
    case .cancelled: "–"
    }
  }
}
