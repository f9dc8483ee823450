import Console
import RedisClient
import RollEngine
import Rollout

/// Follows a deployment until it ends, or until it waits for somebody who isn't here.
///
/// On a terminal the board is drawn again in place; elsewhere each change is a line of text or JSON. It only
/// reads: to stop following stops nothing else.
struct Follow {
  let releases: Releases
  let terminal: Terminal
  let json: Bool

  func callAsFunction(_ id: String) async throws -> Ending {
    var screen = Screen(terminal)
    var last: Board?
    var restingSince: ContinuousClock.Instant?
    while true {
      let begun = ContinuousClock.now
      let view: DeploymentView
      do {
        view = try await releases.look(id)
      } catch let error as RedisError where error.isConnectionFailure && last != nil {
        if terminal.isInteractive, !json, let last {
          screen.draw(draw(last) + [Line("Redis can't be reached, trying again: \(error)", .yellow)])
        }
        try await Task.sleep(for: .seconds(1))
        continue
      }
      let board = Board(view)
      show(board, after: last, on: &screen)
      try terminal.checkOutput()
      last = board
      if let ending = ending(view, board, resting: &restingSince) {
        screen.settle()
        return ending
      }
      // Reading a large deployment costs something: look again after a multiple of what it took.
      try await Task.sleep(for: max(.milliseconds(200), (ContinuousClock.now - begun) * 4))
    }
  }

  private func show(_ board: Board, after last: Board?, on screen: inout Screen) {
    if terminal.isInteractive, !json {
      screen.draw(draw(board) + [Line(), Line("Ctrl-C stops watching, not the release.", .faint)])
      return
    }
    for change in Change.between(last, board) {
      terminal.show(json ? Line(JSONText.line(change)) : change.line)
    }
  }

  private func draw(_ board: Board) -> [Line] {
    board.lines(rows: max(10, terminal.size.rows - 4))
  }

  /// How following ends; nil where it goes on.
  private func ending(
    _ view: DeploymentView, _ board: Board, resting: inout ContinuousClock.Instant?
  ) -> Ending? {
    let state = view.deployment.state
    if state.isTerminal { return Ending(state) }
    guard view.isAtRest, !(state == .pending && view.deployment.startRequested) else {
      resting = nil
      return nil
    }
    switch state {
    case .smokeFailure, .bakeFailure, .failure, .braked: return Ending(state)
    default:
      if terminal.isInteractive, !json { return nil }
      // The coordinator may be about to move it: only what stays at rest waits for a person.
      let since = resting ?? .now
      resting = since
      return ContinuousClock.now - since > .seconds(2) ? .waiting : nil
    }
  }
}

extension Board {
  init(_ view: DeploymentView) {
    self.init(
      deployment: view.deployment, now: view.now, failures: view.failures, nextStepAt: view.nextStepAt,
      allowed: view.allowed)
  }
}
