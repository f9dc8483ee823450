import Rollout

extension Board {
  /// A line a target: its batch, its state, its stages and its last error.
  func targets(room: Int?) -> [Line] {
    let rows = deployment.batches.enumerated().flatMap { index, batch in
      batch.targets.map { Row(batch: batchName(index), target: $0) }
    }
    var shown = rows
    if let room, rows.count > room {
      // The most telling rows, in the order of the plan.
      let kept = rows.indices.sorted { (rows[$0].rank, $0) < (rows[$1].rank, $1) }.prefix(max(0, room - 1))
      let indices = Set(kept)
      shown = rows.indices.filter(indices.contains).map { rows[$0] }
    }
    let hostWidth = max(4, shown.map { $0.target.host.count }.max() ?? 4)
    let head =
      Self.cell("batch", 8) + Self.cell("host", hostWidth + 2) + Self.cell("state", 18)
      + deployment.rollingStages.map { Self.cell($0.rawValue.lowercased(), 10) }.joined() + "last error"
    var lines = [Line(head, .faint)] + shown.map { line($0, hostWidth) }
    if shown.count < rows.count { lines.append(summary(of: rows, besides: shown)) }
    return lines
  }

  struct Row {
    let batch: String
    let target: Target

    /// What is looked for first: failures, then what runs, then what waits, then what is done.
    var rank: Int {
      switch target.state {
      case .failed: 0
      case .running, .succeeded: 1
      case .excluded, .revoked: 2
      case .pending: 3
      case .success, .skipped: 4
      }
    }
  }

  func batchName(_ index: Int) -> String {
    let batch = deployment.batches[index]
    if batch.kind == .bastion { return "bastion" }
    return "\(index + (deployment.batches.first?.kind == .bastion ? 0 : 1))"
  }

  private func line(_ row: Row, _ hostWidth: Int) -> Line {
    let target = row.target
    var line = Line(Self.cell(row.batch, 8), .faint) + Line(Self.cell(target.host, hostWidth + 2))
    line += Line(Self.cell(target.state.rawValue, 18), target.state.paint)
    for stage in deployment.rollingStages { line += cell(stage, of: target) }
    if let failure = target.failure {
      let words = failure.message.split(whereSeparator: \.isNewline).first ?? ""
      line += Line("\(failure.code.rawValue): \(words)", .red)
    } else if let note = target.note {
      line += Line(note, .faint)
    }
    return line
  }

  /// `✔ 1.2s`, `▸ 3.0s`, `✘ 5.1s`, or `·` for what has not begun.
  private func cell(_ stage: Stage, of target: Target) -> Line {
    let time = target.times.first { $0.stage == stage }
    let took = time.map { Self.elapsed(($0.endedAt ?? now) - $0.startedAt) } ?? ""
    let (mark, paint): (String, Paint) =
      switch target.state {
      case .failed(stage): ("✘", .red)
      case .running(stage): ("▸", .cyan)
      case .skipped: ("=", .faint)
      default: time?.endedAt != nil ? ("✔", .green) : ("·", .faint)
      }
    return Line(Self.cell("\(mark) \(took)", 10), paint)
  }

  private func summary(of rows: [Row], besides shown: [Row]) -> Line {
    let seen = Set(shown.map(\.target.host))
    var counts: [String: Int] = [:]
    for row in rows where !seen.contains(row.target.host) {
      counts[row.target.state.rawValue, default: 0] += 1
    }
    let states = TargetState.allStates.compactMap { state in
      counts[state.rawValue].map { "\($0) \(state.rawValue)" }
    }
    return Line("… \(rows.count - shown.count) more: \(states.joined(separator: ", "))", .faint)
  }

  private static func cell(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}

extension TargetState {
  var paint: Paint {
    switch self {
    case .failed: .red
    case .success: .green
    case .running, .succeeded: .cyan
    case .skipped: .blue
    case .excluded, .revoked: .yellow
    case .pending: .faint
    }
  }
}
