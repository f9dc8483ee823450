import RedisClient
import Synchronization

/// What a running link has said and was not sent yet, and what is to happen when it is abandoned.
final class LinkNotes: Sendable {
  private struct State {
    var progress: String?
    var lines: [String] = []
    var bytes = 0
    var dropped = 0
    /// How many lines were taken out.
    var numbered = 0
    var abandoned = false
    var whenAbandoned: [@Sendable () -> Void] = []
  }

  /// What is waiting may not be more: the rest is dropped, and counted.
  static let lineLength = 2_000
  private static let mostLines = 500
  private static let mostBytes = 128 << 10

  private let state = Mutex(State())

  func set(progress: String) { state.withLock { $0.progress = progress } }

  func add(line: String) {
    state.withLock { state in
      // Whoever floods it doesn't pay for each line: once one is dropped, all are, until the next are sent.
      guard state.dropped == 0 else {
        state.dropped += 1
        return
      }
      let line = String(line.prefix(Self.lineLength))
      guard state.lines.count < Self.mostLines, state.bytes + line.utf8.count < Self.mostBytes else {
        state.dropped += 1
        return
      }
      state.lines.append(line)
      state.bytes += line.utf8.count
    }
  }

  func add(whenAbandoned body: @escaping @Sendable () -> Void) {
    let late = state.withLock { state in
      if !state.abandoned { state.whenAbandoned.append(body) }
      return state.abandoned
    }
    if late { body() }
  }

  func abandon() {
    let bodies = state.withLock { state in
      state.abandoned = true
      defer { state.whenAbandoned = [] }
      return state.whenAbandoned
    }
    for body in bodies { body() }
  }

  /// What is sent at a time.
  struct Said: Sendable {
    var progress: String?
    var lines: [String] = []
    /// The number of the first of these lines, among all of this run of the link.
    var first = 0
  }

  /// Takes out what is to be sent; nil where nothing was said.
  func take() -> Said? {
    state.withLock { state in
      guard state.progress != nil || !state.lines.isEmpty || state.dropped > 0 else { return nil }
      var lines = state.lines
      if state.dropped > 0 {
        lines.append("… \(state.dropped) lines were dropped: they came faster than they could be sent")
      }
      defer {
        state.numbered += lines.count
        state.progress = nil
        state.lines = []
        state.bytes = 0
        state.dropped = 0
      }
      return Said(progress: state.progress, lines: lines, first: state.numbered)
    }
  }
}

extension Broker {
  static let linesKept = 1_000

  /// Sends what a link has said. What comes after the chain has gone elsewhere is dropped.
  func send(_ said: LinkNotes.Said, of held: Held) async throws(RedisError) {
    let lines = said.lines.enumerated().map { offset, text in
      LogLine(link: held.cursor, generation: held.generation, number: said.first + offset, text: text)
    }
    _ = try await call(
      Scripts.note,
      [
        .string(held.session), .string(held.chain.rawValue), .integer(held.generation),
        .string(said.progress ?? ""), .integer(Self.linesKept),
      ] + lines.map { .string($0.stored) })
  }
}
