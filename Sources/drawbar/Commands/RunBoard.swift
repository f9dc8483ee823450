import Console
import TaskQueue
import WorkflowFiles

extension WorkflowView {
  /// The workflow as it is drawn: its steps, and beneath a group the branches that are worth a look.
  /// - Parameter rows: how many lines there may be; nil for all.
  func board(rows room: Int? = nil) -> [Line] {
    var title = Line(id.rawValue, .bold) + Line("  ") + Line(standing.rawValue, standing.paint)
    if let begun = chain.submittedAt {
      title += Line("  for ", .faint) + Line(Board.elapsed((chain.endedAt ?? now) - begun))
    }
    var lines = [title]
    if hasEnded, let failure { lines += Self.why(failure.code, failure.message, indent: "  ") }
    lines.append(Line())
    let width = rows.filter { $0.path.count == 1 }.map { $0.path[0].count }.max() ?? 0
    let shown = rows.filter { isShown($0, all: room == nil) }
    let most = room.map { max(4, $0 - lines.count - 1) } ?? .max
    // Where not all fit, what runs or failed goes before what is done, and that before what waits.
    let kept =
      shown.count <= most
      ? Set(shown.indices)
      : Set(
        shown.indices.sorted { (shown[$0].weight, $0) < (shown[$1].weight, $1) }.prefix(most))
    for index in shown.indices where kept.contains(index) {
      lines += draw(shown[index], width, all: room == nil)
    }
    if kept.count < shown.count { lines.append(Line("  … and \(shown.count - kept.count) more", .faint)) }
    return lines
  }

  /// The steps that failed, with what their programs wrote last where that was not shown: what is told at the end.
  func whatFailed(withOutput: Bool) -> [Line] {
    let most = 5
    let failed = rows.filter { $0.kind == .step && $0.state == .failed && $0.code != nil }
    var lines = failed.prefix(most).flatMap { row in
      [Line(), Line("✗ ", .red) + Line(row.path.joined(separator: " › "), .bold)]
        + Self.why(row.code ?? "", row.message ?? "", indent: "  ", most: withOutput ? 20 : 0)
    }
    if failed.count > most {
      lines.append(Line("… and \(failed.count - most) more: drawbar workflow show \(id)", .faint))
    }
    return lines
  }

  private func isShown(_ row: Row, all: Bool) -> Bool {
    if all || row.path.count == 1 { return true }
    if row.path.count == 2, row.kind == .branch {
      let group = rows.first { $0.path.count == 1 && $0.path[0] == row.path[0] }
      return group?.state == .running || row.state == .failed
    }
    return row.kind == .step && (row.state == .failed || row.state == .retrying)
  }

  private func draw(_ row: Row, _ width: Int, all: Bool) -> [Line] {
    let indent = String(repeating: "  ", count: row.path.count)
    let name = row.path.last ?? ""
    let pad = row.path.count == 1 ? String(repeating: " ", count: width - name.count) : ""
    var line = Line(indent) + Line(row.state.mark + " ", row.state.paint)
    line += Line(name, row.state == .pending || row.state == .skipped ? .faint : .plain) + Line(pad)
    if row.state != .done, row.state != .pending { line += Line("  \(row.state.rawValue)", row.state.paint) }
    if let counts = row.counts { line += Line("  \(counts.text)", counts.failed > 0 ? .yellow : .faint) }
    if let begun = row.startedAt, row.state == .running || row.endedAt != nil {
      line += Line("  \(Board.elapsed((row.endedAt ?? now) - begun))", .faint)
    }
    if row.attempt > 1 { line += Line("  try \(row.attempt)", .faint) }
    if let note = row.note { line += Line("  \(note)", .cyan) }
    if row.path.count > 1, let word = tail(under: row).last { line += Line("  \(word)", .faint) }
    if all, row.kind != .step { line += Line("  \(row.chain)\(row.link.map { "/\($0)" } ?? "")", .faint) }
    if row.path.count == 1, !row.tail.isEmpty {
      return [line] + row.tail.map { Line("\(indent)    \($0)", .faint) }
    }
    guard let code = row.code, row.state == .failed || row.state == .retrying, row.kind != .group else {
      return [line]
    }
    if !all { return [line + Line("  \(code)", .red)] }
    return row.kind == .step ? [line] + Self.why(code, row.message ?? "", indent: indent + "  ") : [line]
  }

  /// What the step of a branch that runs wrote last.
  private func tail(under row: Row) -> [String] {
    rows.first { $0.chain == row.chain && !$0.tail.isEmpty }?.tail ?? []
  }

  private static func why(_ code: String, _ message: String, indent: String, most: Int = 20) -> [Line] {
    let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
    let first = String(lines.first ?? "")
    return [
      Line("\(indent)\(code)", .red)
        + Line(": \(most > 0 ? first : first.replacing("; its last lines:", with: ""))")
    ] + lines.dropFirst().suffix(most).map { Line("\(indent)  \($0)") }
  }
}

extension WorkflowView.Row {
  /// What goes first where there is no room for all.
  fileprivate var weight: Int {
    switch (path.count, state) {
    case (1, _): 0
    case (_, .failed), (_, .retrying): 1
    case (_, .running): 2
    case (_, .cancelled), (_, .ready), (_, .delayed): 3
    case (_, .done): 4
    case (_, .pending), (_, .skipped): 5
    }
  }
}
