import FoundationEssentials
import RedisClient
import RedisServer
import Subprocess
import TestSupport
import Testing

@testable import TaskQueue

/// What people do to a queue, through the program, while a real worker serves it.
@Suite struct QueueCommandTests {
  struct Echo: QueueTask {
    static let name = "echo"
    func run(_ input: Int, _ context: TaskContext) async throws -> Int {
      if input < 0 { throw TaskFailure(code: "negative", message: "\(input) is below zero") }
      context.log("saw \(input)")
      return input
    }
  }

  /// Runs until it is cancelled.
  struct Wait: QueueTask {
    static let name = "wait"
    func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
      context.progress(0.5, "half of it")
      try await Task.sleep(for: .seconds(60))
      return Nothing()
    }
  }

  /// A queue with one worker, and the program with what every command about it needs.
  struct Bench: Sendable {
    let queue: Queue
    let drawbar: Program
    let redis: String

    @discardableResult
    func callAsFunction(_ arguments: String...) async throws -> Program.Answer {
      try await drawbar.run("drawbar", arguments + ["--redis", redis])
    }

    func state(_ id: String) async throws -> ChainStatus.State? {
      try await queue.status([ChainID(id)])[0]?.state
    }

    func submit(_ id: String, queue name: String = "default", _ links: Link...) async throws {
      try await queue.submit(Chain(id: ChainID(id), queue: QueueName(name), links: links))
    }
  }

  private func withBench(_ body: @escaping @Sendable (Bench) async throws -> Void) async throws {
    try await RedisServer.run { server in
      try await Program.with { drawbar in
        let redis = RedisClient(server.configuration, logger: quiet)
        let queue = Queue(redis: redis)
        let worker = Worker(
          queue: queue, tasks: TaskRegistry(Echo(), Wait()),
          configuration: WorkerConfiguration(
            queues: [.default, try QueueName("other")], concurrency: 4, lease: .milliseconds(900),
            name: "bench"), logger: quiet)
        let bench = Bench(queue: queue, drawbar: drawbar, redis: "\(server.configuration)")
        try await withThrowingTaskGroup { group in
          group.addTask { do { try await worker.run() } catch is CancellationError {} }
          try await body(bench)
          group.cancelAll()
        }
        await redis.close()
      }
    }
  }

  @Test func lsTellsHowEachQueueStands() async throws {
    try await withBench { bench in
      try await bench.submit("a", Link(Wait.self))
      try await bench.submit("bad", Link(Echo.self, -1))
      try await bench.queue.submit(
        Chain(id: ChainID("later"), queue: QueueName("other"), delay: .seconds(600), links: [Link(Wait.self)])
      )
      try await eventually("a runs, bad is dead") {
        let (a, bad) = (try await bench.state("a"), try await bench.state("bad"))
        return a == .granted && bad == .dead
      }
      #expect(try await bench("queue", "cap", "other", "1").out == "other holds at most 1 chains\n")
      #expect(try await bench("queue", "pause", "other").code == 0)
      let shown = try await bench("queue", "ls")
      #expect(shown.code == 0)
      let rows = shown.out.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
      #expect(rows.contains(["default", "1", "-", "0", "1", "0", "1", "0", "0.0/s"]), "\(shown.out)")
      #expect(rows.contains(["other", "1", "1", "0", "0", "1", "0", "0", "0.0/s", "paused"]), "\(shown.out)")
      #expect(!shown.out.contains("\u{1b}"), "no colour in a pipe")
      let json = try await bench("queue", "ls", "--json").out
      #expect(json.contains(#""cap":1,"dead":0,"delayed":1,"depth":1"#), "\(json)")
      #expect(json.contains(#""paused":true"#))
      // One that nobody serves is listed while it holds something, or somebody has set something.
      let lonely = try Chain(
        id: ChainID("lonely"), queue: QueueName("lonely"), delay: .seconds(600), links: [Link(Echo.self, 1)])
      try await bench.queue.submit(lonely)
      #expect(try await bench("queue", "ls").out.contains("\nlonely "))
      try await bench.queue.cancel([Cancellation(lonely.id, .now)])
      #expect(try await bench("queue", "ls").out.contains("\nlonely ") == false)
      try await bench("queue", "pause", "lonely")
      #expect(try await bench("queue", "ls").out.contains("\nlonely "))
      // A queue that nobody knows is probably a slip.
      let slip = try await bench("queue", "pause", "ohter")
      #expect(slip.code == 0)
      #expect(slip.err.contains("is it spelt right?"))
      #expect(try await bench("queue", "pause", "a b").code == 2)
      #expect(try await bench("queue", "cap", "other", "many").code == 2)
      #expect(try await bench("queue", "cap", "other", "none").out == "other has no cap\n")
    }
  }

  @Test func pauseHoldsAndResumeLetsGo() async throws {
    try await withBench { bench in
      try await bench("queue", "pause", "other")
      try await bench.submit("held", queue: "other", Link(Echo.self, 1))
      try await bench.submit("free", Link(Echo.self, 2))
      try await eventually("free ends") { try await bench.state("free") == .finished }
      #expect(try await bench.state("held") == .ready)
      #expect(try await bench("queue", "resume", "other").out == "other goes on\n")
      try await eventually("held ends") { try await bench.state("held") == .finished }
    }
  }

  @Test func showDrawsAWorkflowAsATree() async throws {
    try await withBench { bench in
      let chain = try Chain(
        id: ChainID("flow"),
        links: [
          Link(Echo.self, 7), Link.map(Echo.self, over: [1, -2, 3]), Link(Echo.self, from: .previous),
        ])
      try await bench.queue.submit(chain)
      try await eventually("it is dead") { try await bench.state("flow") == .dead }
      let shown = try await bench("queue", "show", "flow")
      #expect(shown.code == 0, "\(shown.err)")
      for words in [
        "flow dead", "├─ 0 echo done", "7\n", "├─ 1 group of 3 failed", "│  ├─ flow/1/1 dead",
        "│  │  └─ 0 echo failed  negative: -2 is below zero", "│  └─ flow/1/2 finished", "└─ 2 echo not run",
        "group: 1 of 3 members did not end well",
      ] {
        #expect(shown.out.contains(words), "\(words)\n\(shown.out)")
      }
      let few = try await bench("queue", "show", "flow", "--members", "1").out
      #expect(few.contains("… 2 more; of all: 1 dead, 2 finished"), "\(few)")
      let json = try await bench("queue", "show", "flow", "--json").out
      #expect(json.contains(#""code":"negative""#))
      #expect(json.contains(#""states":{"dead":1,"finished":2}"#), "\(json)")
      #expect(try await bench("queue", "show", "flow/1/0", "--log").out.contains("saw 1"))
      #expect(
        try await bench("queue", "show", "flow/1").out.hasPrefix("flow/1 group of 3: 1 dead, 2 finished"))
      let missing = try await bench("queue", "show", "nothing")
      #expect(missing.code == 2)
      #expect(missing.err.contains("no chain or group nothing is kept"))
    }
  }

  @Test func theDeadAreListedPutBackAndForgotten() async throws {
    try await withBench { bench in
      for id in ["x", "y"] { try await bench.submit(id, Link(Echo.self, -1)) }
      try await bench.submit("fine", queue: "other", Link(Echo.self, 1))
      try await eventually("they end") { try await bench.queue.dead().count == 2 }
      try await eventually("it ends") { try await bench.state("fine") == .finished }
      let dead = try await bench("queue", "dead").out
      #expect(dead.contains("negative: -1 is below zero"), "\(dead)")
      #expect(try await bench("queue", "dead", "other").out == "Nothing was given up in other.\n")
      #expect(try await bench("queue", "dead", "--json").out.split(separator: "\n").count == 2)
      // All or nothing.
      let mixed = try await bench("queue", "requeue", "x", "fine")
      #expect(mixed.code == 2)
      #expect(mixed.err.contains("fine can't be put back: it is finished; nothing was changed"))
      #expect(try await bench.state("x") == .dead)
      // It fails again, as it did before.
      let generation = try await bench.queue.status([ChainID("x")])[0]?.generation ?? 0
      #expect(try await bench("queue", "requeue", "x").out == "x requeued\n")
      try await eventually("it fails again") {
        let status = try await bench.queue.status([ChainID("x")])[0]
        return status?.state == .dead && (status?.generation ?? 0) > generation
      }
      // Nobody is there to be asked.
      let asked = try await bench("queue", "forget", "x", "y")
      #expect(asked.code == 2)
      #expect(asked.err.contains("say --yes"))
      let forgotten = try await bench("queue", "forget", "x", "y", "--yes", "--json")
      #expect(forgotten.out.contains(#"{"chain":"x","outcome":"forgotten"}"#), "\(forgotten.out)")
      #expect(try await bench.queue.dead().isEmpty)
      #expect(try await bench("queue", "forget", "x", "--yes").code == 2)
    }
  }

  @Test func cancelReachesChainsAndGroups() async throws {
    try await withBench { bench in
      try await bench.submit("runs", Link(Wait.self), Link(Echo.self, 1))
      try await bench.queue.submit(
        Chain(id: ChainID("waits"), queue: QueueName("nobody"), links: [Link(Echo.self, 1)]))
      try await bench.queue.submit(
        ChainGroup(
          id: GroupID("g"),
          members: try (0..<3).map {
            try Chain(id: ChainID("g-\($0)"), queue: QueueName("nobody"), links: [Link(Echo.self, $0)])
          }))
      try await eventually("it runs") { try await bench.state("runs") == .granted }
      #expect(try await bench("queue", "cancel", "runs", "--mode", "soon").code == 2)
      #expect(try await bench("queue", "cancel", "runs", "nothing", "--yes").code == 2)
      #expect(try await bench.state("runs") == .granted)
      let told = try await bench("queue", "cancel", "runs", "waits", "g", "--yes")
      #expect(told.code == 0, "\(told.err)")
      #expect(told.out.contains("runs cancelling"), "\(told.out)")
      #expect(told.out.contains("waits cancelled\n"), "\(told.out)")
      try await eventually("all end") {
        let states = try await bench.queue.status(
          ["runs", "waits", "g-0", "g-1", "g-2"].map { try ChainID($0) })
        return states.allSatisfy { $0?.state == .cancelled }
      }
      let late = try await bench("queue", "cancel", "runs", "--yes")
      #expect(late.code == 2)
      #expect(late.err.contains("runs is cancelled already"))
    }
  }

  @Test func workersAreListedAndTold() async throws {
    try await withBench { bench in
      try await bench.submit("long", Link(Wait.self))
      try await eventually("it runs, and said so") {
        try await bench.queue.status([ChainID("long")])[0]?.progress != nil
      }
      let list = try await bench("worker", "ls").out
      for words in ["bench-", "holds 1", "long", "wait", "50% half of it"] {
        #expect(list.contains(words), "\(words)\n\(list)")
      }
      #expect(try await bench("worker", "ls", "--json").out.contains(#""chain":"long","link":0"#))
      // By its name, where only one has it; it hears it with its next beat.
      #expect(try await bench("worker", "quiet", "bench").code == 0)
      try await eventually("it has heard, and says so") {
        try await bench.queue.sessions().sessions[0].isQuiet
      }
      let rests = try await bench("worker", "ls").out
      #expect(rests.contains("serves default, other  quiet: it takes nothing new"), "\(rests)")
      #expect(try await bench("worker", "ls", "--json").out.contains(#""quiet":true"#))
      try await bench.submit("next", Link(Echo.self, 1))
      #expect(try await bench("worker", "resume", "bench").code == 0)
      try await eventually("it works again") { try await bench.state("next") == .finished }
      try await eventually("and is not called quiet") {
        try await !bench("worker", "ls").out.contains("quiet")
      }
      #expect(try await bench("worker", "resize", "bench", "0").code == 2)
      #expect(try await bench("worker", "resize", "bench", "8").out.contains("told: resize 8"))
      let nobody = try await bench("worker", "quiet", "bench-0")
      #expect(nobody.code == 2)
      #expect(nobody.err.contains("no worker bench-0 is up: use one of bench-"))
      #expect(try await bench("worker", "stop", "bench").code == 2)
      // What runs would hold it for its grace.
      try await bench("queue", "cancel", "long", "--yes")
      #expect(try await bench("worker", "stop", "bench", "--yes").code == 0)
      try await eventually("it has ended") { try await bench.queue.sessions().sessions.isEmpty }
      #expect(try await bench("worker", "ls").out == "No worker is up.\n")
    }
  }

  @Test func watchTellsWhatHappens() async throws {
    try await withBench { bench in
      try await bench("queue", "pause", "default")
      let seen = try await Subprocess.run(
        .name("drawbar"),
        arguments: ["queue", "watch", "one", "--json", "--redis", bench.redis],
        environment: bench.drawbar.environment, input: .none, output: .sequence, error: .discarded
      ) { watch in
        // It asks for events from its first look on.
        try await eventually("somebody watches") {
          try await bench.queue.redis.send(RedisCommand("EXISTS", .string(bench.queue.broker.key("watch"))))
            .int
            == 1
        }
        try await bench.submit("one", Link(Echo.self, 1))
        try await bench.submit("two", Link(Echo.self, 1))
        try await bench("queue", "resume", "default")
        var lines: [String] = []
        for try await line in watch.standardOutput.strings() {
          lines.append(line)
          if line.contains(#""what":"ended""#) { break }
        }
        try watch.send(signal: .terminate)
        return lines
      }.closureResult
      #expect(seen.allSatisfy { $0.contains(#""subject":"one""#) })
      #expect(seen.contains { $0.contains(#""what":"started""#) })
      #expect(seen.last?.contains(#""detail":"f""#) == true)
    }
  }

  @Test func auditFindsAndMends() async throws {
    try await withBench { bench in
      try await bench("queue", "pause", "default")
      try await bench.submit("lost", Link(Echo.self, 1))
      let clean = try await bench("queue", "audit")
      #expect(clean.code == 0)
      #expect(clean.out.hasPrefix("All is as it should be.  1 chains"), "\(clean.out)")
      // What a person may do to Redis by hand.
      try await bench.queue.redis.send(
        RedisCommand("DEL", .string(bench.queue.broker.key("l:default|1|-"))))
      try await bench.queue.redis.send(
        RedisCommand("HSET", .string(bench.queue.broker.key("workers")), "ghost", "who"))
      let found = try await bench("queue", "audit")
      #expect(found.code == 1)
      for words in [
        "rule 1  lost: it is ready, and in no lane", "expected: a ready chain is in one lane",
        "repair: put into its lane", "ghost", "1 broken, 1 left over: --repair mends it.",
      ] {
        #expect(found.out.contains(words), "\(words)\n\(found.out)")
      }
      let mended = try await bench("queue", "audit", "--repair", "--json")
      #expect(mended.code == 0, "\(mended.err)")
      #expect(mended.out.contains(#""check":"ready-nowhere""#), "\(mended.out)")
      #expect(mended.out.contains(#""outcome":"mended""#))
      #expect(try await bench("queue", "audit").out.hasPrefix("All is as it should be."))
      try await bench("queue", "resume", "default")
      try await eventually("it ends") { try await bench.state("lost") == .finished }
    }
  }

  @Test func groupsAreListedInTheWordsOfTheirFile() async throws {
    try await withBench { bench in
      let file = try bench.drawbar.write(
        """
        group: web
        app: web
        balancer: { haproxy: { address: "127.0.0.1:9999", backend: web } }
        config: { batches: [1, 10%], gates: { bake: 5m } }
        servers: [{ host: a, port: 1, directory: /srv/a }]
        """, to: "g.yaml")
      #expect(try await bench("group", "apply", file).code == 0)
      let json = try await bench("group", "ls", "--json").out
      #expect(
        json.contains(#""balancer":{"haproxy":{"address":"127.0.0.1:9999","backend":"web"}}"#), "\(json)")
      #expect(json.contains(#""batches":["1","10%"]"#))
      #expect(json.contains(#""gates":{"bake":"5m","batches":"auto","rollout":"manual"}"#))
      #expect(!json.contains("_0"))
    }
  }
}
