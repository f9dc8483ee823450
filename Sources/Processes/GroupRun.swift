import Subprocess
import Synchronization

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// One run of a program as a process group, which ends as a whole: with the program, at its time limit, when the
/// caller is cancelled, and when this process dies.
///
/// For the last of these a guard waits in the group: it reads from a pipe that only this process can write to, and
/// that the kernel closes however this process ends. A process that leaves the group (`setsid`) leaves its guard.
package struct GroupRun: Sendable {
  /// The program's file, absolute.
  package var program: String
  package var arguments: [String]
  /// All of it; nothing is inherited.
  package var environment: [String: String]
  /// An absolute path that exists.
  package var directory: String
  /// A file to read from; removed once it is open. nil: there is nothing to read.
  package var standardInput: String?
  package var limit: Duration?
  /// From SIGTERM to SIGKILL at the time limit.
  package var grace: Duration
  /// The same when the caller is cancelled or this process dies, where less time may be left.
  package var graceWhenStopped: Duration

  package enum Source: Sendable { case output, error }

  package enum Status: Sendable, Equatable {
    case exited(Int)
    case signalled(Int)
  }

  package struct Ending: Sendable, Equatable {
    package var status: Status
    /// Whether it was ended at its time limit.
    package var overdue: Bool
  }

  package init(
    program: String, arguments: [String], environment: [String: String], directory: String,
    standardInput: String? = nil, limit: Duration? = nil, grace: Duration = .seconds(5),
    graceWhenStopped: Duration = .seconds(2)
  ) {
    self.program = program
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
    self.standardInput = standardInput
    self.limit = limit
    self.grace = grace
    self.graceWhenStopped = graceWhenStopped
  }

  /// The guard keeps standard error open, so that its end means the end of the program and not that it closed
  /// its outputs. It is no child of the program, which may wait for all of its children. No value becomes part of
  /// a shell line; all are arguments.
  private static let launch = #"""
    grace=$1 input=$2
    shift 2
    exec 3<&0 <"$input" || exit 127
    if [ "$input" != /dev/null ]; then rm -f -- "$input"; fi
    (
      trap '' TERM HUP INT QUIT
      (
        read -r nothing <&3
        kill -TERM 0 2>/dev/null
        sleep "$grace" 2>/dev/null
        kill -KILL 0 2>/dev/null
      ) >/dev/null &
    )
    exec 3<&-
    exec "$@"
    """#

  /// Runs it to its end, and lends each piece of what it writes as it comes.
  ///
  /// - Parameter lifeline: kills the group for those who can't wait for this call.
  /// - Throws: `CancellationError` where the caller was cancelled; the group is dead then. What Subprocess throws
  ///   where the program can't be started.
  package func callAsFunction(
    lifeline: Lifeline = Lifeline(), _ wrote: @escaping @Sendable (Source, UnsafeRawBufferPointer) -> Void
  ) async throws -> Ending {
    try Task.checkCancellation()
    let (stops, stop) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
    // A cancelled task reads no pipes and waits for nothing, but the program has to be seen to its end: so it is
    // watched by a task that is never cancelled, and that this one waits for.
    let watch = Task { try await run(stops, lifeline, wrote) }
    let ending = try await withTaskCancellationHandler {
      try await watch.value
    } onCancel: {
      stop.yield()
    }
    stop.finish()
    try Task.checkCancellation()
    return ending
  }

  private enum Part { case read, overdue, stopped, idle }

  private func run(
    _ stops: AsyncStream<Void>, _ lifeline: Lifeline,
    _ wrote: @escaping @Sendable (Source, UnsafeRawBufferPointer) -> Void
  ) async throws -> Ending {
    let seconds = "\(max(1, graceWhenStopped.components.seconds))"
    let variables = environment.map { (Environment.Key(rawValue: $0.key), $0.value) }
    let known = variables.compactMap { pair in pair.0.map { ($0, pair.1) } }
    let result = try await Subprocess.run(
      .path("/bin/sh"),
      arguments: Arguments(
        ["-c", Self.launch, "sh", seconds, standardInput ?? "/dev/null", program] + arguments),
      environment: .custom(Dictionary(known, uniquingKeysWith: { $1 })),
      workingDirectory: FilePath(directory), platformOptions: .ownProcessGroup,
      input: .inputWriter, output: .sequence, error: .sequence
    ) { execution in
      let group = execution.processIdentifier.value
      lifeline.hold(group)
      // The program is dead by then and not yet collected, so the number is still its own.
      defer { lifeline.cut() }
      return try await withThrowingTaskGroup(of: Part.self) { parts in
        parts.addTask {
          try await read(execution.standardOutput) { wrote(.output, $0) }
          return .read
        }
        parts.addTask {
          try await read(execution.standardError) { wrote(.error, $0) }
          return .read
        }
        parts.addTask {
          for await _ in stops { return await end(group, within: graceWhenStopped) ? .stopped : .idle }
          return .idle
        }
        if let limit {
          parts.addTask {
            do { try await Task.sleep(for: limit) } catch { return .idle }
            _ = await end(group, within: grace)
            return .overdue
          }
        }
        var reading = 2
        var overdue = false
        while let part = try await parts.next() {
          if part == .overdue { overdue = true }
          if part == .read { reading -= 1 }
          // What is dead and still written to comes from a process that left the group.
          if reading == 0 || part == .overdue || part == .stopped { parts.cancelAll() }
        }
        return overdue
      }
    }
    let status: Status =
      switch result.terminationStatus {
      case .exited(let code): .exited(Int(code))
      case .signaled(let signal): .signalled(Int(signal))
      }
    return Ending(status: status, overdue: result.closureResult)
  }

  private func read(
    _ pieces: SubprocessOutputSequence, _ wrote: @Sendable (UnsafeRawBufferPointer) -> Void
  ) async throws {
    for try await piece in pieces {
      piece.withUnsafeBytes(wrote)
      if Task.isCancelled { return }
    }
  }

  /// Returns whether it had to be killed. Cancelled, the program has ended, and the rest of its group is killed
  /// by whoever cancelled.
  private func end(_ group: pid_t, within grace: Duration) async -> Bool {
    kill(-group, SIGTERM)
    do {
      try await Task.sleep(for: grace)
      kill(-group, SIGKILL)
      // Time for what it wrote last to be read.
      try await Task.sleep(for: .milliseconds(500))
    } catch { return false }
    return true
  }
}

/// A running program's group, for whoever has to kill it at once and from anywhere.
package final class Lifeline: Sendable {
  private struct State {
    var group: pid_t = 0
    var isCut = false
  }

  private let state = Mutex(State())

  package init() {}

  /// Kills the group, also one that has yet to be started; nothing where it has ended.
  package func cut() {
    state.withLock { state in
      if state.group > 1 { kill(-state.group, SIGKILL) }
      state = State(isCut: true)
    }
  }

  fileprivate func hold(_ group: pid_t) {
    state.withLock { state in
      if state.isCut { kill(-group, SIGKILL) } else { state.group = group }
    }
  }
}
