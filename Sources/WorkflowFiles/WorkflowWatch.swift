public import TaskQueue

/// Reads a workflow again and again: what has ended is read once.
public struct WorkflowWatch: Sendable {
  public let id: ChainID
  private let queue: Queue
  private let store: WorkflowStore
  private var outline: Outline?
  private var ended: [ChainID: ChainStatus] = [:]

  public init(_ id: ChainID, queue: Queue) {
    self.id = id
    self.queue = queue
    store = WorkflowStore(redis: queue.redis)
  }

  /// How it stands now; nil where there is no such chain (any more). Of a chain that was submitted without an
  /// outline the steps are numbered.
  /// - Parameter tails: of so many programs that run, the last lines are read too.
  public mutating func look(tails: Int = 0) async throws -> WorkflowView? {
    guard let root = try await read([id])[0] else { return nil }
    if outline == nil { outline = try await store.outline(of: id) }
    let outline =
      outline
      ?? Outline(
        name: id.rawValue, steps: (0..<root.linkCount).map { Outline.Step(name: "step \($0 + 1)") })
    var chains = [id: root]
    var level = [(id, outline.steps)]
    if let steps = outline.onFailure, root.state == .dead, let failed = WorkflowView.member(id, "failed"),
      let status = try await read([failed])[0]
    {
      chains[failed] = status
      level.append((failed, steps))
    }
    while !level.isEmpty {
      let next = level.flatMap { chain, steps in
        chains[chain].map { WorkflowView.members(of: chain, $0, steps) } ?? []
      }
      for (member, status) in zip(next, try await read(next.map(\.0))) { chains[member.0] = status }
      level = next.filter { $0.1.contains { $0.branches != nil } }
    }
    guard
      var view = WorkflowView(id: id, outline: outline, chains: chains, now: try await store.now())
    else { return nil }
    for index in view.rows.indices.filter({ view.rows[$0].isRunningProgram }).prefix(tails) {
      view.rows[index].tail = try await queue.log(of: view.rows[index].chain, last: 3)
    }
    return view
  }

  private mutating func read(_ ids: [ChainID]) async throws -> [ChainStatus?] {
    let open = ids.filter { ended[$0] == nil }
    var fresh: [ChainID: ChainStatus] = [:]
    for (id, status) in zip(open, try await queue.status(open)) {
      guard let status else { continue }
      fresh[id] = status
      if status.hasEnded { ended[id] = status }
    }
    return ids.map { ended[$0] ?? fresh[$0] }
  }
}

extension WorkflowView.Row {
  fileprivate var isRunningProgram: Bool { kind == .step && state == .running }
}
