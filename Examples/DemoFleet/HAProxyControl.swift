import FoundationEssentials
import Subprocess
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Stops and starts the fleet's HAProxy, as a fault or an upgrade would.
public final class HAProxyControl: Sendable {
  private struct State {
    var wanted = true
    var runs = false
    var end: TerminationStatus?
    var lives = 0
  }
  private let state = Mutex(State())
  private let directory: String

  init(directory: String) { self.directory = directory }

  var socket: String { "\(directory)/haproxy.sock" }
  var pidFile: String { "\(directory)/haproxy.pid" }

  /// Kills it (SIGKILL), and waits until it is gone. Every connection through it breaks.
  public func stop() async throws {
    state.withLock { $0.wanted = false }
    while state.withLock(\.runs) {
      if let text = try? String(contentsOfFile: pidFile, encoding: .utf8),
        let process = text.split(whereSeparator: \.isWhitespace).first.flatMap({ pid_t($0) }), process > 1
      {
        kill(process, SIGKILL)
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Starts it, and returns when it accepts connections.
  public func start() async throws {
    let before = state.withLock { state in
      state.wanted = true
      return state.lives
    }
    while state.withLock({ $0.lives == before }) || !FileManager.default.fileExists(atPath: socket) {
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  /// How its last life ended; nil where none has.
  var endedBy: TerminationStatus? { state.withLock(\.end) }

  /// Returns when it is to be started.
  func untilWanted() async throws {
    while !state.withLock(\.wanted) { try await Task.sleep(for: .milliseconds(2)) }
    try? FileManager.default.removeItem(atPath: socket)
    try? FileManager.default.removeItem(atPath: pidFile)
    state.withLock { state in
      state.runs = true
      state.lives += 1
    }
  }

  func ended(_ status: TerminationStatus) {
    state.withLock { state in
      state.runs = false
      state.end = status
      // One that ends by itself stays down: its log says why.
      state.wanted = false
    }
  }
}
