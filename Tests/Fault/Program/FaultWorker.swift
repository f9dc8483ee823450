import FaultRun
import Glibc
import Logging
import RedisClient
import ServiceLifecycle
import TaskQueue
import UnixSignals

/// One process of a fault run: `fault-worker work name=value …`; or `submit`, `schedule`, `guard`.
@main
struct FaultWorker {
  static func main() async throws {
    let options = Options(CommandLine.arguments.dropFirst(2))
    if CommandLine.arguments.dropFirst().first == "guard" { return try guardRun(options.text("directory")) }
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = .warning
      return handler
    }
    var configuration = try RedisConfiguration(url: options.text("redis"))
    configuration.commandTimeout = .seconds(1)
    configuration.connectTimeout = .seconds(1)
    configuration.backoff.maximum = .milliseconds(250)
    let logger = Logger(label: options.text("name"))
    let queue = Queue(redis: RedisClient(configuration, logger: logger))
    let history = try HistoryFile(options.text("history"))
    let watch = StandstillWatch(history)
    watch.start()
    switch CommandLine.arguments.dropFirst().first {
    case "work": try await work(queue, history, options, logger)
    case "schedule":
      let scheduler = Scheduler(queue: queue, logger: logger)
      try await ServiceGroup(services: [scheduler], gracefulShutdownSignals: [.sigterm], logger: logger).run()
    case "submit": try await Submitter(queue: queue, history: history, options: options).run()
    default: fatalError("work, submit, schedule or guard")
    }
  }
}

/// `name=value` words.
struct Options {
  private var values: [Substring: Substring] = [:]

  init(_ words: some Sequence<String>) {
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { fatalError("\(word) is not name=value") }
      values[parts[0]] = parts[1]
    }
  }

  func text(_ name: String) -> String {
    guard let value = values[Substring(name)] else { fatalError("\(name)= is missing") }
    return String(value)
  }

  func number(_ name: String) -> Int {
    guard let number = Int(text(name)) else { fatalError("\(name)= must be a number") }
    return number
  }
}
