import CoreMetrics
import Foundation
import NIOHTTP1
import RedisClient
import RedisServer
import TestSupport
import Testing

@testable import TaskQueue
@testable import Vitals

@Suite struct PagesTests {
  @Test func aProcessIsReadyWhileItsWorkersServeAndRedisAnswers() async throws {
    func one(_ queue: Queue, _ metrics: MetricRegistry) -> [Worker] {
      [Worker(queue: queue, tasks: TaskRegistry(), logger: quiet)]
    }
    try await Stand.with(workers: one) { stand in
      #expect(try await stand.get("/health/live").body == "alive\n")
      try await eventually("it is ready") { try await stand.get("/health/ready").status == 200 }
      let ready = try await stand.get("/health/ready")
      #expect(ready.body.hasPrefix("ready\nredis: answers\nworker worker: session worker-"))

      try await stand.server.kill()
      try await eventually("it says that Redis is away") {
        try await stand.get("/health/ready").body.hasPrefix("not ready\nredis: no: ")
      }
      #expect(try await stand.get("/health/ready").status == 503)
      #expect(try await stand.get("/health/live").status == 200)
      // What the process knows by itself is shown still.
      let page = try await stand.page()
      #expect(page.value("drawbar_redis_up") == 0)
      #expect(page.value("drawbar_worker_slots", ["worker": "worker"]) == 16)
      #expect(page.value("drawbar_chains_due") == nil)

      try await stand.server.restart()
      try await eventually("it is ready again") { try await stand.get("/health/ready").status == 200 }
    }
  }

  @Test func aWorkerThatNeverBeganIsNotReady() async throws {
    func one(_ queue: Queue) -> [Worker] { [Worker(queue: queue, tasks: TaskRegistry(), logger: quiet)] }
    try await Stand.with(idle: one) { stand in
      let reply = try await stand.get("/health/ready")
      #expect(reply.status == 503)
      #expect(reply.body == "not ready\nredis: answers\nworker worker: no: it has not begun, or has ended\n")
      #expect(try await stand.page().value("drawbar_worker_serving", ["worker": "worker"]) == 0)
    }
  }

  @Test func whileAWorkerDrainsThePagesAnswerAndSaySo() async throws {
    let gate = Gate()
    try await Stand.with { stand in
      let worker = Worker(queue: stand.queue, tasks: TaskRegistry(Wait(gate: gate)), logger: quiet)
      let site = Site(queue: stand.queue, workers: [worker], metrics: stand.metrics, patience: .seconds(2))
      try await stand.queue.submit(Chain(id: ChainID("a"), links: [Link(Wait.self)]))
      try await withThrowingTaskGroup { group in
        group.addTask {
          try await whileRunning([worker]) {
            try await eventually("it runs") { worker.status.running == 1 }
          }
        }
        try await eventually("it drains") { worker.status.state == .draining }
        let answer = await site.answer(.GET, "/health/ready")
        #expect(answer.status == .serviceUnavailable)
        #expect(
          answer.body.hasSuffix(
            "worker worker: no: it was told to stop and takes nothing new, 1 of 16 slots run\n"))
        gate.open()
        try await group.waitForAll()
      }
      #expect(try await stand.queue.status([ChainID("a")])[0]?.state == .finished)
    }
  }

  @Test func aStuckWorkerMakesItsProcessUnhealthyUntilItIsStartedAgain() async throws {
    let gate = Gate()
    try await Stand.with { stand in
      let worker = Worker(
        queue: stand.queue, tasks: TaskRegistry(Deaf(gate: gate), Wait(gate: gate)),
        configuration: {
          var configuration = WorkerConfiguration(abandonAfter: .milliseconds(20), name: "w")
          configuration.setAsideLimit = 1
          return configuration
        }(), logger: quiet)
      let site = Site(queue: stand.queue, workers: [worker], metrics: stand.metrics, patience: .seconds(2))
      // What it holds well is let end, which takes a while.
      try await stand.queue.submit(Chain(id: ChainID("well"), links: [Link(Wait.self)]))
      try await withThrowingTaskGroup { group in
        group.addTask {
          await #expect(throws: WorkerStuck.self) { try await worker.run() }
        }
        try await eventually("it runs") { worker.status.running == 1 }
        #expect(await site.answer(.GET, "/health/live").status == .ok)
        try await stand.queue.submit(
          Chain(id: ChainID("deaf"), links: [Link(Deaf.self, timeLimit: .milliseconds(20))]))
        try await eventually("it is stuck") { worker.status.state == .stuck }
        let live = await site.answer(.GET, "/health/live")
        #expect(live.status == .serviceUnavailable)
        #expect(live.body == "stuck: tasks never returned; restart this process\n")
        let ready = await site.answer(.GET, "/health/ready")
        #expect(ready.status == .serviceUnavailable)
        #expect(
          ready.body.hasSuffix("worker w: no: 1 of its tasks never returned; it ends, to be started again\n"))
        gate.open()
        try await group.waitForAll()
      }
      #expect(try await stand.queue.status([ChainID("well")])[0]?.state == .finished)
    }
  }

  @Test func metricsAreWhatPrometheusReads() async throws {
    let gate = Gate()
    let retry = RetryPolicy(attempts: 2, backoff: 1)
    func measured(_ queue: Queue, _ metrics: MetricRegistry) -> [Worker] {
      [
        Worker(
          queue: queue, tasks: TaskRegistry(Obey(), Wait(gate: gate)),
          configuration: WorkerConfiguration(
            concurrency: 4, name: "w", middleware: [MeasureLinks(factory: metrics)]), logger: quiet)
      ]
    }
    try await Stand.with(workers: measured) { stand in
      let queue = stand.queue
      try await queue.submit([
        Chain(id: ChainID("a"), links: [Link(Obey.self, "well"), Link(Obey.self, "well")]),
        Chain(id: ChainID("b"), links: [Link(Obey.self, "full", retry: retry)]),
        Chain(id: ChainID("c"), links: [Link(Wait.self)]),
        Chain(id: ChainID("d"), queue: QueueName("other"), links: [Link(Wait.self)]),
        Chain(id: ChainID("e"), delay: .seconds(1_000), links: [Link(Wait.self)]),
      ])
      try await eventually("all but c, d, e end") {
        try await queue.status([ChainID("a"), ChainID("b")]).allSatisfy { $0?.hasEnded == true }
      }
      try await eventually("it is seen in the metrics") {
        try await stand.page().value("drawbar_chains_dead") == 1
      }
      let reply = try await stand.get("/metrics")
      #expect(reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
      let page = try PrometheusPage(reply.body)
      #expect(page.value("drawbar_links_total", ["task": "obey", "outcome": "done"]) == 2)
      #expect(page.value("drawbar_links_total", ["task": "obey", "outcome": "retried"]) == 1)
      #expect(page.value("drawbar_links_total", ["task": "obey", "outcome": "dead"]) == 1)
      #expect(page.value("drawbar_link_failures_total", ["task": "obey", "code": "full"]) == 2)
      #expect(page.value("drawbar_link_duration_seconds_count", ["task": "obey"]) == 4)
      #expect(page.value("drawbar_links_running", ["task": "wait"]) == 1)
      #expect(page.value("drawbar_links_running", ["task": "obey"]) == 0)
      #expect(page.value("drawbar_queue_ready", ["queue": "other"]) == 1)
      #expect(page.value("drawbar_queue_depth", ["queue": "other"]) == 1)
      #expect((page.value("drawbar_queue_oldest_ready_seconds", ["queue": "other"]) ?? 0) > 0)
      #expect(page.value("drawbar_queue_oldest_ready_seconds", ["queue": "default"]) == 0)
      #expect(page.value("drawbar_queue_dead", ["queue": "default"]) == 1)
      #expect(page.value("drawbar_queue_dead", ["queue": "other"]) == 0)
      #expect(page.value("drawbar_queue_ready", ["queue": "default"]) == 0)
      #expect(page.value("drawbar_chains_due") == 1)
      #expect(page.value("drawbar_sessions") == 1)
      #expect(page.value("drawbar_sessions_overdue") == 0)
      #expect(page.value("drawbar_redis_up") == 1)
      #expect(page.value("drawbar_worker_serving", ["worker": "w"]) == 1)
      #expect(page.value("drawbar_worker_running", ["worker": "w"]) == 1)
      #expect((page.value("process_resident_memory_bytes") ?? 0) > 1_000_000)
      #expect((page.value("process_open_fds") ?? 0) > 3)
      // Each says what it is, in a sentence of ours.
      #expect(page.help.values.allSatisfy { $0.hasSuffix(".") && !$0.contains("as the program names it") })
      gate.open()
    }
  }

  @Test func scrapesDontLoadRedis() async throws {
    try await Stand.with { stand in
      _ = try await stand.queue.redis.send(RedisCommand("CONFIG", "RESETSTAT"))
      let begun = ContinuousClock.now
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<40 {
          group.addTask {
            let page = try await stand.page()
            #expect(page.value("drawbar_redis_up") == 1)
          }
        }
        try await group.waitForAll()
      }
      let seconds = (ContinuousClock.now - begun).components.seconds + 1
      let stats = try await stand.queue.redis.send(RedisCommand("INFO", "commandstats")).string ?? ""
      // One script a scrape, and nothing else.
      func calls(_ command: String) -> Int {
        stats.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_\(command):") }
          .flatMap { $0.split(separator: "calls=").last?.split(separator: ",").first.flatMap { Int($0) } }
          ?? 0
      }
      #expect(calls("evalsha") + calls("eval") > 0)
      #expect(calls("evalsha") + calls("eval") <= seconds + 1)
      #expect(calls("scan") + calls("keys") == 0)
    }
  }

  @Test func moreQueuesThanCanBeShownAreSummedUp() async throws {
    try await Stand.with { stand in
      try await stand.queue.submit(
        (0..<203).map {
          try Chain(id: ChainID("c\($0)"), queue: QueueName("q\($0 + 100)"), links: [Link(Wait.self)])
        })
      let page = try await stand.page()
      #expect(page.samples.filter { $0.name == "drawbar_queue_ready" }.count == 200)
      #expect(page.value("drawbar_queue_depth", ["queue": "q100"]) == 1)
      #expect(page.value("drawbar_queue_depth", ["queue": "other"]) == 3)
      #expect(page.value("drawbar_queues") == 203)
    }
  }

  /// Every metric that is shown is in the document, with its kind and labels, and no other.
  @Test func theDocumentListsExactlyTheMetricsThatAreShown() async throws {
    func measured(_ queue: Queue, _ metrics: MetricRegistry) -> [Worker] {
      // Of what a process asks outside, which this one doesn't: as `CircuitBreaker` tells it.
      Gauge(
        label: "drawbar.circuit.open", dimensions: [("system", "cmdb"), ("endpoint", "e")], factory: metrics
      ).record(0)
      return [
        Worker(
          queue: queue, tasks: TaskRegistry(Obey()),
          configuration: WorkerConfiguration(middleware: [MeasureLinks(factory: metrics)]), logger: quiet)
      ]
    }
    try await Stand.with(workers: measured) { stand in
      try await stand.queue.submit(Chain(id: ChainID("a"), links: [Link(Obey.self, "full")]))
      try await eventually("it ends") {
        try await stand.page().value("drawbar_links_total", ["task": "obey", "outcome": "dead"]) == 1
      }
      let page = try await stand.page()
      var shown: Set<String> = []
      for (name, kind) in page.types {
        let suffixes = kind == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        let labels = page.samples.filter { sample in suffixes.contains { sample.name == name + $0 } }
          .flatMap { $0.labels.keys.filter { $0 != "le" } }
        shown.insert("\(name) \(kind) \(Set(labels).sorted().joined(separator: ","))")
      }
      let file = URL(filePath: #filePath).appending(path: "../../../docs/observing.md").standardized
      let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
      let rows = text.split(separator: "\n").map { row in
        row.split(separator: "|", omittingEmptySubsequences: false).map {
          String($0).trimmingCharacters(in: .whitespaces)
        }
      }
      let told = rows.filter { row in
        row.count > 4 && ["counter", "gauge", "histogram"].contains(row[2])
      }.map { row in
        let labels = row[3].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        return "\(row[1].filter { $0 != "`" }) \(row[2]) \(labels.sorted().joined(separator: ","))"
      }
      #expect(Set(told).subtracting(shown).isEmpty, "told of and not shown")
      #expect(shown.subtracting(told).isEmpty, "shown and not told of")
      #expect(Set(told).count == told.count)
    }
  }

  /// A person's word is no fault: the process stays ready, and its page says why it takes nothing.
  @Test func aQuietWorkerIsShownAsSuch() throws {
    let status = WorkerStatus(
      name: "w", state: .quiet, session: "w-1", slots: 4, running: 1, held: 1, setAside: 0)
    let page = Readiness(redis: nil, workers: [status]).page
    #expect(page.hasPrefix("ready\n"))
    #expect(
      page.contains("worker w: quiet: it was told to take nothing new, session w-1, 1 of 4 slots run\n"))
    let metrics = try PrometheusPage(PrometheusText.page(QueueMetrics.families([status])))
    #expect(metrics.value("drawbar_worker_serving", ["worker": "w"]) == 0)
  }

  @Test func workersOfOneNameAreToldApart() throws {
    let status = WorkerStatus(
      name: "w", state: .serving, session: "s", slots: 4, running: 1, held: 2, setAside: 0)
    let page = try PrometheusPage(PrometheusText.page(QueueMetrics.families([status, status])))
    #expect(page.value("drawbar_worker_slots", ["worker": "w"]) == 4)
    #expect(page.value("drawbar_worker_slots", ["worker": "w-2"]) == 4)
  }
}
