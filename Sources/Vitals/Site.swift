import NIOHTTP1
import RedisClient
import TaskQueue

/// The pages: what is asked of, and what comes back.
struct Site: Sendable {
  struct Answer: Sendable, Equatable {
    var status: HTTPResponseStatus
    var body: String
    var type = "text/plain; charset=utf-8"
    /// Where another method would have been right.
    var allow: String?
  }

  enum Page: String {
    case live = "/health/live"
    case ready = "/health/ready"
    case metrics = "/metrics"
  }

  private let workers: [Worker]
  private let metrics: MetricRegistry
  private let redis: Cached<Void>
  private let gauges: Cached<QueueGauges>

  /// - Parameter patience: for Redis' answer.
  init(queue: Queue, workers: [Worker], metrics: MetricRegistry, patience: Duration) {
    self.workers = workers
    self.metrics = metrics
    redis = Cached(for: .seconds(1)) {
      try await within(patience) { _ = try await queue.redis.send(RedisCommand("PING")) }
    }
    gauges = Cached(for: .seconds(1)) { try await within(patience) { try await queue.gauges() } }
  }

  func answer(_ method: HTTPMethod, _ target: String) async -> Answer {
    let path = target.prefix { $0 != "?" }
    guard let page = Page(rawValue: String(path)) else {
      return Answer(
        status: .notFound, body: "not found: there are /health/live, /health/ready and /metrics\n")
    }
    guard method == .GET || method == .HEAD else {
      return Answer(status: .methodNotAllowed, body: "only GET and HEAD\n", allow: "GET, HEAD")
    }
    switch page {
    case .live:
      guard workers.allSatisfy({ $0.status.state != .stuck }) else {
        return Answer(
          status: .serviceUnavailable, body: "stuck: tasks never returned; restart this process\n")
      }
      return Answer(status: .ok, body: "alive\n")
    case .ready:
      let readiness = await self.readiness()
      return Answer(status: readiness.isReady ? .ok : .serviceUnavailable, body: readiness.page)
    case .metrics:
      return Answer(
        status: .ok, body: PrometheusText.page(await families()), type: PrometheusText.contentType)
    }
  }

  private func readiness() async -> Readiness {
    do {
      try await redis.value()
      return Readiness(redis: nil, workers: workers.map(\.status))
    } catch {
      return Readiness(redis: error, workers: workers.map(\.status))
    }
  }

  /// A Redis that is away takes its own gauges with it; what this process knows by itself is always there.
  private func families() async -> [MetricFamily] {
    var families = metrics.collect() + QueueMetrics.families(workers.map(\.status))
    var isUp = true
    do {
      families += QueueMetrics.families(try await gauges.value())
    } catch {
      isUp = false
    }
    families.append(
      .gauge("drawbar_redis_up", "1 if Redis answered what this page asked it.", isUp ? 1 : 0))
    return families + ProcessMetrics.collect()
  }
}
