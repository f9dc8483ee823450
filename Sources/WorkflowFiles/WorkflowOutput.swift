public import TaskQueue

/// Reads what the steps of a workflow write, as it comes: each line once.
public struct WorkflowOutput: Sendable {
  /// What a step has written since the last look.
  public struct Part: Sendable, Equatable {
    public var chain: ChainID
    public var link: Int
    /// The names from the workflow down to the step.
    public var path: [String]
    public var lines: [String]
  }

  private let queue: Queue
  /// The last line that was read of each chain.
  private var last: [ChainID: LogLine] = [:]
  /// Chains that write nothing more.
  private var closed: Set<ChainID> = []

  public init(queue: Queue) { self.queue = queue }

  /// What is new, step by step, in the order of the steps.
  ///
  /// - Parameter view: read before this: of what has ended there, every line is known by now.
  public mutating func read(_ view: WorkflowView) async throws -> [Part] {
    let steps = Dictionary(grouping: view.rows.filter { $0.kind == .step }, by: \.chain)
    // By chain and link; what is of no step that is known comes last.
    var parts: [ChainID: [Int: Part]] = [:]
    var seen: Set<ChainID> = []
    for row in view.rows where row.kind == .step && row.hasBegun && !closed.contains(row.chain) {
      let chain = row.chain
      guard seen.insert(chain).inserted else { continue }
      let own = steps[chain] ?? []
      for line in try await lines(of: chain) {
        let text = Self.gap(before: line, after: last[chain]) + [line.text]
        last[chain] = line
        let path = own.first { $0.link == line.link }?.path ?? ["step \(line.link + 1)"]
        let empty = Part(chain: chain, link: line.link, path: path, lines: [])
        parts[chain, default: [:]][line.link, default: empty].lines += text
      }
      if own.allSatisfy(\.state.hasEnded) { closed.insert(chain) }
    }
    let known = view.rows.compactMap { row in row.link.flatMap { parts[row.chain]?.removeValue(forKey: $0) } }
    return known + parts.values.flatMap(\.values)
  }

  /// Those after the last one that was read, as they were written.
  private func lines(of chain: ChainID) async throws -> [LogLine] {
    let few = 100
    let last = last[chain]
    var lines = try await queue.lines(of: chain, last: few)
    if lines.count == few, last.map({ lines[0].isAfter($0) }) ?? true {
      lines = try await queue.lines(of: chain)
    }
    return lines.filter { line in last.map { line.isAfter($0) } ?? true }.sorted { $1.isAfter($0) }
  }

  /// What is said of lines that were written and are not kept.
  static func gap(before line: LogLine, after last: LogLine?) -> [String] {
    let next = last?.generation == line.generation ? (last?.number ?? -1) + 1 : 0
    let missing = line.number - next
    return missing > 0 ? ["… \(missing) lines before this one are not kept"] : []
  }
}

extension LogLine {
  fileprivate func isAfter(_ other: LogLine) -> Bool {
    (generation, number) > (other.generation, other.number)
  }
}

extension WorkflowView.Row {
  fileprivate var hasBegun: Bool {
    switch state {
    case .running, .retrying, .done, .failed, .cancelled: true
    case .pending, .ready, .delayed, .skipped: false
    }
  }
}
