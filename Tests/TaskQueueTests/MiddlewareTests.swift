import Logging
import RedisClient
import Synchronization
import TestSupport
import Testing

@testable import TaskQueue

@Suite struct MiddlewareTests {
  // MARK: Around a real worker's links

  @Test func theFirstIsTheOutermostAndEachIsCalledOnceALink() async throws {
    try await withQueue { queue in
      let log = Log()
      try await queue.submit(chain("a", Link(Say.self, "1"), Link(Say.self, "2")))
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Say(log: log)),
        configuration: WorkerConfiguration(middleware: [Around("outer", log), Around("inner", log)]),
        logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("a ends") { try await queue.status([ChainID("a")])[0]?.state == .finished }
      }
      #expect(
        log.all == [
          "outer begins say a 0 try 1", "inner begins say a 0 try 1", "1", "inner ends done",
          "outer ends done",
          "outer begins say a 1 try 1", "inner begins say a 1 try 1", "2", "inner ends done",
          "outer ends done",
        ])
    }
  }

  @Test func anErrorPassesThroughAllOfThemAndIsTheLinksError() async throws {
    try await withQueue { queue in
      let log = Log()
      let retry = RetryPolicy(attempts: 2, backoff: 1)
      try await queue.submit(chain("a", Link(Fail.self, .init(code: "full"), retry: retry)))
      try await queue.submit(chain("b", Link(Say.self, "no such task here")))
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Fail()),
        configuration: WorkerConfiguration(concurrency: 1, middleware: [Around("m", log)]), logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("both end") {
          try await queue.status([ChainID("a"), ChainID("b")]).allSatisfy { $0?.state == .dead }
        }
      }
      #expect(log.all.filter { $0.contains("fail a") }.count == 2)
      #expect(log.count("m ends retried full") == 1)
      #expect(log.count("m ends dead full") == 1)
      #expect(log.count("m ends dead unknown") == 1)
      let failures = try await queue.status([ChainID("a"), ChainID("b")]).map { $0?.failure?.code }
      #expect(failures == ["full", "unknown"])
    }
  }

  @Test func oneThatThrowsKeepsTheTaskFromRunning() async throws {
    struct Closed: TaskMiddleware {
      func handle(
        _ run: TaskRun, next: @Sendable () async throws -> TaskOutput
      ) async throws -> TaskOutput {
        throw TaskFailure(code: "closed", message: "come back tomorrow", retry: .never)
      }
    }
    try await withQueue { queue in
      let log = Log()
      try await queue.submit(chain("a", Link(Say.self, "1")))
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Say(log: log)),
        configuration: WorkerConfiguration(middleware: [Around("m", log), Closed()]), logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("a ends") { try await queue.status([ChainID("a")])[0]?.state == .dead }
      }
      #expect(log.all == ["m begins say a 0 try 1", "m ends dead closed"])
      let failure = try await queue.status([ChainID("a")])[0]?.failure
      #expect(failure == .init(link: 0, code: "closed", message: "come back tomorrow"))
    }
  }

  @Test func aCancelReachesTheTaskThroughThemAndCountsAsStopped() async throws {
    try await withQueue { queue in
      let log = Log()
      try await queue.submit(chain("a", Link(Hang.self, "1")))
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Hang(log: log)),
        configuration: WorkerConfiguration(lease: .milliseconds(600), middleware: [Around("m", log)]),
        logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("it runs") { log.count("begun 1") == 1 }
        try await queue.cancel([Cancellation(ChainID("a"), .now)])
        try await eventually("it ends") { try await queue.status([ChainID("a")])[0]?.state == .cancelled }
      }
      #expect(log.all == ["m begins hang a 0 try 1", "begun 1", "stopped 1", "m ends stopped"])
    }
  }

  @Test func aTimeLimitIsAFailureAndNoStop() async throws {
    try await withQueue { queue in
      let log = Log()
      try await queue.submit(chain("a", Link(Hang.self, "1", timeLimit: .milliseconds(100))))
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Hang(log: log)),
        configuration: WorkerConfiguration(middleware: [Around("m", log)]), logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("it ends") { try await queue.status([ChainID("a")])[0]?.state == .dead }
      }
      #expect(log.all.last == "m ends dead timeout")
    }
  }

  @Test func taskLocalValuesReachTheTask() async throws {
    struct Bind: TaskMiddleware {
      func handle(
        _ run: TaskRun, next: @Sendable () async throws -> TaskOutput
      ) async throws -> TaskOutput {
        try await Local.$word.withValue("bound by \(run.chain)") { try await next() }
      }
    }
    try await withQueue { queue in
      let log = Log()
      try await queue.submit(chain("a", Link(Local.Tell.self, Nothing())))
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Local.Tell(log: log)),
        configuration: WorkerConfiguration(middleware: [Bind()]), logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("a ends") { try await queue.status([ChainID("a")])[0]?.state == .finished }
      }
      #expect(log.all == ["bound by a"])
    }
  }

  // MARK: A worker's own status

  @Test func aWorkerTellsWhatItDoes() async throws {
    try await withQueue { queue in
      let log = Log()
      try await queue.submit((0..<3).map { try chain("c\($0)", Link(Hang.self, "\($0)")) })
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Hang(log: log)),
        configuration: WorkerConfiguration(concurrency: 2, shutdownGrace: .zero, name: "w"), logger: quiet)
      #expect(worker.status.state == .down)
      try await whileRunning([worker]) {
        try await eventually("two run") { log.all.count == 2 }
        let status = worker.status
        #expect(status.state == .serving)
        #expect(status.session?.hasPrefix("w-") == true)
        #expect((status.slots, status.running, status.held, status.setAside) == (2, 2, 2, 0))
      }
      #expect(worker.status.state == .down)
      #expect(worker.status.session == nil)
    }
  }

  // MARK: How a run is judged

  @Test func aRunSaysWhatTheQueueWillMakeOfItsEnd() throws {
    func ending(_ error: (any Error)?, attempt: Int = 1, of attempts: Int = 3) throws -> TaskEnding {
      try TaskRun(
        task: "t", chain: ChainID("c"), attempt: attempt, retry: RetryPolicy(attempts: attempts)
      ).ending(error)
    }
    struct Unknown: Error {}
    #expect(try ending(nil) == .done)
    #expect(try ending(ChainControl.finish(note: "enough")) == .done)
    #expect(try ending(TaskFailure(code: "x", message: "")) == .retried(code: "x"))
    #expect(try ending(TaskFailure(code: "x", message: ""), attempt: 3) == .dead(code: "x"))
    #expect(try ending(TaskFailure(code: "x", message: "", retry: .never)) == .dead(code: "x"))
    #expect(try ending(Unknown()) == .retried(code: "error"))
    #expect(try ending(Unknown(), of: 1) == .dead(code: "error"))
  }

  // MARK: Logging

  @Test func aLineALinkSaysWhatItWasAndHowItEnded() async throws {
    let lines = Lines()
    let run = try TaskRun(task: "image.resize", chain: ChainID("c-1"), link: 2, queue: QueueName("images"))
    _ = try await LogLinks(lines.logger()).handle(run) { TaskOutput(bytes: [1, 2]) }
    let line = try #require(lines.all.first)
    #expect(lines.all.count == 1)
    #expect(line.level == .info)
    #expect(line.message == "image.resize done")
    var metadata = line.metadata
    let milliseconds = try #require(metadata.removeValue(forKey: "ms").flatMap { Double("\($0)") })
    #expect(milliseconds >= 0)
    #expect(
      metadata == [
        "task": "image.resize", "chain": "c-1", "link": "2", "attempt": "1", "outcome": "done",
        "queue": "images",
      ])
  }

  @Test func aFailureIsAWarningOfOneLine() async throws {
    let lines = Lines()
    let run = try TaskRun(task: "t", chain: ChainID("c"), retry: RetryPolicy(attempts: 2))
    let failure = TaskFailure(
      code: "disk", message: "full\nreally " + String(repeating: "x", count: 10_000))
    await #expect(throws: TaskFailure.self) {
      _ = try await LogLinks(lines.logger(), level: .debug).handle(run) { throw failure }
    }
    let line = try #require(lines.all.first)
    #expect(line.level == .warning)
    #expect(line.message.hasPrefix("t retried: disk: full really xxx"))
    #expect(line.message.count < 600)
    #expect(line.metadata["code"] == "disk")
    #expect(line.metadata["outcome"] == "retried")
  }

  @Test func whatIsBelowTheLoggersLevelIsNotWritten() async throws {
    let lines = Lines()
    let run = try TaskRun(task: "t", chain: ChainID("c"))
    _ = try await LogLinks(lines.logger(), level: .debug).handle(run) { TaskOutput(bytes: []) }
    #expect(lines.all.isEmpty)
  }

  @Test func durationsAreShownToTheMicrosecond() {
    #expect(Duration.milliseconds(12).inMilliseconds == "12.000")
    #expect(Duration.microseconds(7).inMilliseconds == "0.007")
    #expect(Duration.nanoseconds(1_499).inMilliseconds == "0.001")
    #expect(Duration.seconds(61).inMilliseconds == "61000.000")
  }
}

/// Says when it begins and ends.
private struct Around: TaskMiddleware {
  let name: String
  let log: Log

  init(_ name: String, _ log: Log) { (self.name, self.log) = (name, log) }

  func handle(
    _ run: TaskRun, next: @Sendable () async throws -> TaskOutput
  ) async throws -> TaskOutput {
    log.add("\(name) begins \(run.task) \(run.chain) \(run.link) try \(run.attempt)")
    return try await run.watch(next) { ending, _, _ in
      log.add("\(name) ends \(ending.word)" + (ending.code.map { " \($0)" } ?? ""))
    }
  }
}

private enum Local {
  @TaskLocal static var word = "nothing"

  struct Tell: QueueTask {
    static let name = "tell"
    let log: Log
    func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
      log.add(Local.word)
      return Nothing()
    }
  }
}

/// A log's lines, kept.
final class Lines: Sendable {
  struct Line: Sendable {
    var level: Logger.Level
    var message: String
    var metadata: [String: Logger.MetadataValue]
  }

  private let lines = Mutex<[Line]>([])
  var all: [Line] { lines.withLock { $0 } }

  func logger() -> Logger { Logger(label: "lines") { _ in Handler(lines: self) } }

  private struct Handler: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let line = Line(level: event.level, message: "\(event.message)", metadata: event.metadata ?? [:])
      lines.lines.withLock { $0.append(line) }
    }
  }
}
