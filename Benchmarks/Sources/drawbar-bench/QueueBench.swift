import Logging
import RedisClient
import RedisServer
import ServiceLifecycle
import Synchronization
import TaskQueue

/// Does nothing, with arguments that it doesn't look at.
struct NoOp: QueueTask {
  static let name = "noop"
  let count: Counter
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
    count.increment()
    return Nothing()
  }
}

final class Counter: Sendable {
  private let value = Atomic<Int>(0)
  func increment() { value.wrappingAdd(1, ordering: .relaxed) }
  var now: Int { value.load(ordering: .relaxed) }
}

/// Chains of five links that do nothing, drained by one worker.
func benchQueue(_ report: inout Report, chains: Int = 40_000) async throws {
  print("TaskQueue: \(chains) chains of five no-op links, 200 B of shared arguments, one worker")
  for appendOnly in [RedisServer.AppendOnly.off, .everySecond] {
    var rates: [Double] = []
    var submits: [Double] = []
    var cpu: [Double] = []
    for _ in 0..<3 {
      try await RedisServer.run(options: .init(appendOnly: appendOnly)) { server in
        let redis = RedisClient(server.configuration, logger: Logger(label: "bench"))
        let queue = Queue(redis: redis, retention: .seconds(60))
        let links = (0..<5).map { _ in Link(NoOp.self) }
        let arguments = String(repeating: "x", count: 198)
        let work = try (0..<chains).map {
          try Chain(id: ChainID("chain-\($0)"), sharedInput: arguments, links: links)
        }
        var start = ContinuousClock.now
        try await queue.submit(work)
        submits.append(Double(chains) / seconds(.now - start))

        let count = Counter()
        let worker = Worker(
          queue: queue, tasks: TaskRegistry(NoOp(count: count)),
          configuration: WorkerConfiguration(concurrency: 128, prefetch: 256), logger: Logger(label: "bench"))
        let services = ServiceGroup(
          configuration: .init(services: [.init(service: worker)], logger: Logger(label: "bench")))
        let used = cpuSeconds()
        start = ContinuousClock.now
        try await withThrowingTaskGroup { group in
          group.addTask { try await services.run() }
          while count.now < chains * 5 { try await Task.sleep(for: .milliseconds(1)) }
          rates.append(Double(chains * 5) / seconds(.now - start))
          cpu.append((cpuSeconds() - used) / Double(chains * 5) * 1e6)
          await services.triggerGracefulShutdown()
          try await group.waitForAll()
        }
        await redis.close()
      }
    }
    let name = appendOnly == .off ? "AOF off" : "AOF everysec"
    report.add("links drained, \(name)", median(rates), "links/s")
    report.add("worker's CPU a link, \(name)", median(cpu), "µs")
    report.add("chains submitted in bulk, \(name)", median(submits), "chains/s")
  }
}
