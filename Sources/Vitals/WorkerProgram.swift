#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A program that tells people what stopped it: an error that ``run()`` throws is a line on standard error, and the
/// process ends with status 1, on which a supervisor starts it again. (A `main` that throws ends in a trap.)
///
/// ```swift
/// @main struct Program: WorkerProgram {
///   static func run() async throws {
///     try await Queue(url: "redis://127.0.0.1").serve(TaskRegistry(Resize()), http: "9464")
///   }
/// }
/// ```
public protocol WorkerProgram {
  /// The whole of it.
  static func run() async throws
}

extension WorkerProgram {
  @concurrent public static func main() async {
    do {
      try await run()
    } catch {
      let words = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      let name = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "program"
      let line = Array("\(name): \(words)\n".utf8)
      _ = write(STDERR_FILENO, line, line.count)
      exit(1)
    }
  }
}
