import FoundationEssentials
import Processes
import Synchronization
public import TaskQueue

/// Runs a program on the worker's machine: the task `program`.
///
/// The program is a process group that ends as a whole: with the program, at its time limit, when the link is
/// cancelled, and when the worker dies. What it writes goes line by line into the link's log.
///
/// | failure's code | means |
/// | --- | --- |
/// | `exit-3`, `signal-9` | it ended with this status, or of this signal |
/// | `timeout` | it was ended at its time limit |
/// | `no-program`, `no-directory` | the worker's machine doesn't have it |
/// | `input` | it can't be run anywhere |
///
/// Who may submit chains to a queue may run anything as the user of the workers that serve it and know this task.
public struct ProgramTask: QueueTask {
  public static let name = "program"

  public init() {}

  public func run(_ input: ProgramInput, _ context: TaskContext) async throws -> ProgramResult {
    try await run(input, context) { context.log($0) }
  }

  /// - Parameter tell: takes each line that the program writes.
  func run(
    _ input: ProgramInput, _ context: TaskContext, tell: @escaping @Sendable (String) -> Void
  ) async throws -> ProgramResult {
    if let problem = input.problem { throw TaskFailure(code: "input", message: problem, retry: .never) }
    let variables = input.variables(InheritedEnvironment.variables(and: input.inherits), context)
    let directory = input.directory ?? "/"
    guard ProgramFile.isDirectory(directory) else {
      throw TaskFailure(
        code: "no-directory", message: "this worker's machine has no directory \(directory)", retry: .never)
    }
    let path = variables["PATH"] ?? ""
    guard let file = ProgramFile.find(input.arguments[0], path: path, directory: directory) else {
      let place = input.arguments[0].contains("/") ? "in \(directory)" : "in PATH (\(path))"
      throw TaskFailure(
        code: "no-program", message: "there is no executable \(input.arguments[0]) \(place)", retry: .never)
    }
    var run = GroupRun(
      program: file, arguments: Array(input.arguments.dropFirst()), environment: variables,
      directory: directory, limit: input.timeLimit.map { .milliseconds($0) },
      grace: .milliseconds(input.grace), graceWhenStopped: .milliseconds(min(input.grace, 2_000)))
    let standardInput = try await StandardInputFile(input.standardInput, context)
    defer { standardInput?.remove() }
    run.standardInput = standardInput?.path

    let output = Mutex(OutputRecord(input.bounds))
    let lifeline = Lifeline()
    context.whenAbandoned { lifeline.cut() }
    let begun = ContinuousClock.now
    let ending: GroupRun.Ending
    do {
      ending = try await run(lifeline: lifeline) { source, piece in
        output.withLock { $0.take(source, piece, tell: tell) }
      }
    } catch let error where !(error is CancellationError) {
      throw TaskFailure(code: "no-program", message: "\(file) can't be started: \(error)")
    }
    let took = ContinuousClock.now - begun
    let record = output.withLock { output in
      output.finish(tell: tell)
      return output
    }
    return try input.judge(ending, took: took, record)
  }
}

extension ProgramInput {
  var bounds: OutputRecord.Bounds {
    var bounds = OutputRecord.Bounds()
    if let outputBounds {
      bounds.lineBytes = max(80, outputBounds.line)
      bounds.lines = max(0, outputBounds.lines)
      bounds.bytes = max(0, outputBounds.bytes)
    }
    bounds.kept = min(max(0, keepsOutput), 1_048_576)
    return bounds
  }

  /// What a run's end means.
  func judge(_ ending: GroupRun.Ending, took: Duration, _ record: OutputRecord) throws -> ProgramResult {
    let lines = record.lastLines
    func failed(_ code: String, _ what: String, _ retry: TaskFailure.Retry) -> TaskFailure {
      let tail = lines.isEmpty ? "; it wrote nothing" : "; its last lines:\n" + lines.joined(separator: "\n")
      return TaskFailure(code: code, message: "\(title) \(what)\(tail)", retry: retry)
    }
    if ending.overdue {
      let limit = Duration.milliseconds(timeLimit ?? 0)
      throw failed("timeout", "ran longer than its limit of \(limit) and was ended", .byPolicy)
    }
    switch ending.status {
    case .signalled(let signal):
      throw failed("signal-\(signal)", "was ended by signal \(signal) after \(took.rounded)", .byPolicy)
    case .exited(let code) where !exitCodes.done.contains(code):
      let again = exitCodes.again.map { $0.contains(code) } ?? true
      throw failed(
        "exit-\(code)", "ended with exit status \(code) after \(took.rounded)", again ? .byPolicy : .never)
    case .exited(let code):
      var result = ProgramResult(
        name: title, exitCode: code, milliseconds: took.wholeMilliseconds, lastLines: lines)
      if record.droppedLines > 0 { result.droppedLines = record.droppedLines }
      if keepsOutput > 0 {
        result.output = String(decoding: record.kept, as: UTF8.self)
        if record.keptIsCut { result.outputIsCut = true }
      }
      return result
    }
  }
}

extension Duration {
  fileprivate var wholeMilliseconds: Int {
    Int(components.seconds) * 1_000 + Int(components.attoseconds / 1_000_000_000_000_000)
  }

  fileprivate var rounded: Duration { .milliseconds(wholeMilliseconds) }
}
