import FoundationEssentials
import Programs
import Rollout
public import TaskQueue

extension Workflow {
  /// The queue of programs where a file names none: workers have to ask for it.
  public static let queue = "programs"

  /// The header of a workflow's chain that says which file and values it was made of; see ``chain(id:source:)``.
  public static let sourceHeader = "workflow-file"

  /// The queues that its steps name.
  public var queues: Set<String> {
    Set((steps + onFailure).flatMap(\.queues)).union(queue.map { [$0] } ?? [])
  }

  /// The workflow as what the queue runs.
  ///
  /// - Parameter source: a word for the file and the values that it was made of; kept in the chain's headers, so
  ///   that two workflows under one id can be told apart.
  /// - Throws: ``InvalidChain`` for more links than a chain may have; ``InvalidIdentifier``.
  public func chain(id: ChainID, source: String? = nil) throws -> Chain {
    let priorities: [String: Priority] = ["high": .high, "low": .low]
    var chain = try Chain(
      id: id, queue: QueueName(queue ?? Self.queue), lane: "workflow-\(name)",
      priority: priority.flatMap { priorities[$0] } ?? .normal, links: steps.map { try $0.link() })
    if let source { chain.headers[Self.sourceHeader] = source }
    chain.expiresAfter = expiresAfter.map { .milliseconds($0) }
    chain.keptFor = keptFor.map { .milliseconds($0) }
    chain.brake = brake
    chain.unique = try unique.map { unique in
      switch unique.until {
      case .queued: try TaskQueue.Unique(Identifier(unique.key), .whileQueued)
      case .ended: try TaskQueue.Unique(Identifier(unique.key), .untilEnded)
      case .time(let time): try TaskQueue.Unique(Identifier(unique.key), .lasting(.milliseconds(time)))
      }
    }
    chain.onFailure = try onFailure.map { try $0.link() }
    return chain
  }
}

extension Workflow.Step {
  fileprivate var queues: [String] {
    guard case .group(let branches, _) = work else { return rules.queue.map { [$0] } ?? [] }
    return branches.flatMap { $0.steps.flatMap(\.queues) }
  }

  func link() throws -> Link {
    switch work {
    case .program(let input):
      var options = try rules.options
      // The program's own limit is the one that tells its last lines; the queue's is for where that fails.
      options.timeLimit = input.timeLimit.map { .milliseconds($0 + input.grace) + .seconds(10) }
      return try Link(named: ProgramTask.name, json: Array(JSONEncoder().encode(input)), options: options)
    case .task(let task, let input):
      return try Link(
        named: task, json: input.map { Array($0.utf8) }, from: .previous, options: rules.options)
    case .pause: return try Link(named: PauseTask.name, json: [], options: rules.options)
    case .group(let branches, let goesOn):
      var link = Link.group(
        try branches.map { try $0.steps.map { try $0.link() } }, failing: goesOn ? .goesOn : .fails)
      link.options.countsForBrake = failuresCount
      return link
    }
  }
}

extension Workflow.Rules {
  fileprivate var options: LinkOptions {
    get throws {
      var options = LinkOptions(
        retry: RetryPolicy(attempts: attempts, backoff: Int(backoff), maxBackoff: Int(mostBackoff)),
        timeLimit: timeLimit.map { .milliseconds($0) }, queue: try queue.map { try QueueName($0) })
      options.hardLimit = hardLimit.map { .milliseconds($0) }
      options.delay = .milliseconds(delay ?? 0)
      options.concurrency = try concurrency.map {
        ConcurrencyLimit(key: try Identifier($0.key), atMost: $0.atMost)
      }
      options.rate = try rate.map {
        RateLimit(
          key: try Identifier($0.key), count: $0.count, per: .milliseconds($0.per), burst: $0.burst ?? 1)
      }
      return options
    }
  }
}
