import Processes
import Subprocess

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// One run of a host script: a process group of its own that ends with the script, with its time limit, or
/// with the worker's next attempt where this worker dies.
///
/// The output goes to a file and not to a pipe: an app that the script starts may keep it open for good, and a
/// worker that dies doesn't break it. No value becomes part of a shell line; all are arguments or environment.
struct ScriptRun {
  /// For messages: `stop`, `start`.
  var name: String
  /// The script's file.
  var file: String
  /// Handed to the script as they are.
  var arguments: [String] = []
  var environment: [String: String]
  var workingDirectory: String
  /// Where the output goes.
  var output: String
  /// Where the script's process id stands while it runs.
  var mark: String
  var limit: Duration

  /// Writes the process id down before the script is, in the same process, so no script runs unknown.
  private static let launch = #"""
    mark=$1 output=$2 directory=$3 script=$4
    shift 4
    exec >>"$output" 2>&1 </dev/null
    cd "$directory" && echo $$ >"$mark" && exec /bin/sh "$script" "$@"
    """#

  /// Output beyond this many bytes is thrown away, the oldest first.
  private static let outputCap = 4 * 1024 * 1024

  /// Runs the script to its end.
  ///
  /// - Throws: ``DeliveryFailure``: `script` where it ends with another status than 0, `timeout` where it is
  ///   killed at its limit, both with its last lines. `CancellationError` where the caller is cancelled; the
  ///   script is dead then.
  func run() async throws {
    Disk.discard(output)
    defer { Disk.discard(mark) }
    let status = try await withThrowingTaskGroup(of: TerminationStatus?.self) { group in
      group.addTask {
        let variables = environment.map { (Environment.Key(rawValue: $0.key), $0.value) }
        let known = variables.compactMap { pair in pair.0.map { ($0, pair.1) } }
        return try await Subprocess.run(
          .name("sh"),
          arguments: Arguments(["-c", Self.launch, name, mark, output, workingDirectory, file] + arguments),
          environment: .custom(Dictionary(known, uniquingKeysWith: { $1 })),
          platformOptions: .ownProcessGroup, output: .discarded, error: .discarded
        ).terminationStatus
      }
      group.addTask {
        try await capOutput(until: .now + limit)
        return nil
      }
      let first = try await group.next()
      group.cancelAll()
      return first ?? nil
    }
    try Task.checkCancellation()
    guard let status else {
      throw DeliveryFailure(
        .timeout, "the host script \(name) ran longer than \(limit) and was killed", log: lastLines())
    }
    guard status.isSuccess else {
      throw DeliveryFailure(.script, "the host script \(name) ended with \(told(status))", log: lastLines())
    }
  }

  /// Sleeps until the deadline, and keeps a script that writes without end from filling the disk meanwhile.
  private func capOutput(until deadline: ContinuousClock.Instant) async throws {
    while ContinuousClock.now < deadline {
      try await Task.sleep(until: min(deadline, .now + .milliseconds(500)))
      var status = stat()
      if stat(output, &status) == 0, status.st_size > Self.outputCap { truncate(output, 0) }
    }
  }

  private func told(_ status: TerminationStatus) -> String {
    switch status {
    case .exited(let code): "exit status \(code)"
    case .signaled(let signal): "signal \(signal)"
    }
  }

  private func lastLines() -> String { LogLines.last(20, of: output) }
}

/// The end of a log, for a failure's message.
enum LogLines {
  /// At most so many last lines of a file, and at most 4 KiB of them; text that is not UTF-8 is mended.
  static func last(_ count: Int, of file: String) -> String {
    let text = String(decoding: Disk.tail(file, bytes: 4096), as: UTF8.self)
    return text.split(separator: "\n", omittingEmptySubsequences: true).suffix(count).joined(separator: "\n")
  }
}
