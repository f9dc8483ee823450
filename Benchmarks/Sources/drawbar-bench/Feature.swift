import TaskQueue

/// What a chain of five links may have beyond doing nothing, one at a time.
enum Feature: String, CaseIterable, Sendable {
  case plain = "plain chain"
  case result = "a result kept (a number)"
  case previous = "the result handed to the next link"
  case queueHop = "another queue at each link"
  case rate = "a rate limit that is never reached"
  case concurrency = "a concurrency limit that is never reached"
  case timeLimit = "a time limit and a retry policy"
  case headers = "headers (trace context)"
  case unique = "a unique key a chain"
  case errorCallback = "an error callback that never runs"
  case middleware = "middleware with metrics"
  case watched = "events watched"

  func links() throws -> [Link] {
    try (0..<5).map { index in
      var link: Link
      switch self {
      case .result: link = Link(One.self)
      case .previous: link = index == 0 ? Link(One.self) : Link(Next.self, from: .previous)
      case .timeLimit: link = Link(NoOp.self, retry: RetryPolicy(attempts: 3), timeLimit: .seconds(60))
      default: link = Link(NoOp.self)
      }
      switch self {
      case .queueHop: link.options.queue = index % 2 == 0 ? .default : Self.other
      case .rate:
        link.options.rate = RateLimit(
          key: try .init("bench"), count: 1_000_000, per: .seconds(1), burst: 10_000_000)
      case .concurrency:
        link.options.concurrency = ConcurrencyLimit(key: try .init("bench"), atMost: 1_000_000)
      default: break
      }
      return link
    }
  }

  func change(_ chain: inout Chain) throws {
    switch self {
    case .headers:
      chain.headers = ["traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]
    case .unique: chain.unique = Unique(try .init(chain.id.rawValue), .untilEnded)
    case .errorCallback: chain.onFailure = [Link(NoOp.self)]
    default: break
    }
  }

  static let other = try! QueueName("other")
}
