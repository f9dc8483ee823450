import FoundationEssentials
import Subprocess

/// The `drawbar` that was built beside these tests, with a state directory of its own.
struct Program: Sendable {
  struct Answer: Sendable {
    let code: Int
    let out: String
    let err: String
  }

  /// Short, since it holds a unix socket.
  let state: String
  /// Where the programs were built.
  private let folder: String

  /// Lends a program whose state directory is removed afterwards.
  static func with(_ body: (Program) async throws -> Void) async throws {
    let state = "/tmp/drawbar-cli-\(UInt32.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: state) }
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folder = tests.split(separator: "/").dropLast().joined(separator: "/")
    try await body(Program(state: state, folder: "/" + folder))
  }

  @discardableResult
  func callAsFunction(_ arguments: String...) async throws -> Answer {
    try await answer("drawbar", Arguments(arguments), environment)
  }

  /// Runs another program of this package.
  func run(
    _ program: String, _ arguments: [String], _ more: [Environment.Key: String?] = [:]
  ) async throws -> Answer {
    try await answer(program, Arguments(arguments), environment.updating(more))
  }

  /// Runs the demo with more in its environment.
  func demo(_ more: [Environment.Key: String?]) async throws -> Answer {
    try await answer("demo", [], environment.updating(more))
  }

  private func answer(
    _ program: String, _ arguments: Arguments, _ environment: Environment
  ) async throws -> Answer {
    let result = try await Subprocess.run(
      .name(program), arguments: arguments, environment: environment,
      output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    guard case .exited(let code) = result.terminationStatus else {
      return Answer(code: -1, out: result.standardOutput, err: "\(result.terminationStatus)")
    }
    return Answer(code: Int(code), out: result.standardOutput, err: result.standardError)
  }

  /// Runs another program of this package while the body runs, and ends it by SIGTERM.
  ///
  /// - Parameters:
  ///   - word: the body begins when the program has written it to its log.
  ///   - body: gets what was written so far.
  /// - Returns: how it ended.
  func whileRunning(
    _ program: String, _ arguments: [String] = [], _ more: [Environment.Key: String?] = [:],
    once word: String, _ body: @Sendable (String) async throws -> Void
  ) async throws -> TerminationStatus {
    try await Subprocess.run(
      .name(program), arguments: Arguments(arguments), environment: environment.updating(more), input: .none,
      output: .discarded, error: .sequence
    ) { running in
      var log = ""
      for try await line in running.standardError.strings() {
        log += line + "\n"
        if line.contains(word) { break }
      }
      do {
        try await body(log)
      } catch {
        try running.send(signal: .terminate)
        throw error
      }
      try running.send(signal: .terminate)
    }.terminationStatus
  }

  /// Runs another program of this package and kills it with SIGKILL, some time after it has written a word.
  func untilKilled(
    _ program: String, _ arguments: [String], once word: String, after time: Duration
  ) async throws -> TerminationStatus {
    try await Subprocess.run(
      .name(program), arguments: Arguments(arguments), environment: environment, input: .none,
      output: .discarded, error: .sequence
    ) { running in
      for try await line in running.standardError.strings() where line.contains(word) { break }
      try await Task.sleep(for: time)
      try running.send(signal: .kill)
    }.terminationStatus
  }

  /// Runs `drawbar`, and sends it a signal once the body has returned.
  func signalled(
    _ signal: Signal, _ arguments: [String], _ body: @Sendable () async throws -> Void
  ) async throws -> Answer {
    let result = try await Subprocess.run(
      .name("drawbar"), arguments: Arguments(arguments), environment: environment, input: .none,
      output: .sequence, error: .sequence
    ) { running in
      async let out = running.standardOutput.strings().reduce(into: "") { $0 += $1 + "\n" }
      async let err = running.standardError.strings().reduce(into: "") { $0 += $1 + "\n" }
      do { try await body() } catch {
        try running.send(signal: .kill)
        throw error
      }
      try running.send(signal: signal)
      return try await (out, err)
    }
    var code = -1
    if case .exited(let status) = result.terminationStatus { code = Int(status) }
    return Answer(code: code, out: result.closureResult.0, err: result.closureResult.1)
  }

  /// Runs `drawbar up` while the body runs, and ends it by SIGTERM.
  /// - Returns: how `up` ended.
  func whileUp(_ body: @Sendable () async throws -> Void) async throws -> TerminationStatus {
    try await Subprocess.run(
      .name("drawbar"), arguments: ["up"], environment: environment, input: .none, output: .sequence,
      error: .discarded
    ) { up in
      for try await line in up.standardOutput.strings() where line.contains("is up") { break }
      do {
        try await body()
      } catch {
        try up.send(signal: .terminate)
        throw error
      }
      try up.send(signal: .terminate)
    }.terminationStatus
  }

  func write(_ text: String, to name: String, executable: Bool = false) throws -> String {
    let file = "\(state)/\(name)"
    try Data(text.utf8).write(to: URL(filePath: file))
    if executable {
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
    }
    return file
  }

  /// Where programs are looked for; those in the state directory hide others of their name.
  var pathWithState: [Environment.Key: String?] { ["PATH": "\(state):\(path)"] }

  private var path: String { "\(folder):" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin") }

  var environment: Environment {
    .inherit.updating(["PATH": path, "DRAWBAR_STATE": state, "DRAWBAR_REDIS": nil])
  }
}
