public import Delivery
import Fleet
public import Rollout
public import TaskQueue

/// The release of one server as a chain: a link for each stage, all with the same input.
public enum TargetChain {
  /// The note of a chain that ended at its first link because the server needed nothing.
  public static let skipped = "skipped"
  /// The same while people do without the load balancer: it was not asked whether the server is in service.
  public static let skippedUnasked = "skipped, the load balancer not asked"

  /// The tasks of the five stages, and those beside them, for a worker.
  public static func tasks(_ drivers: Drivers) -> TaskRegistry {
    TaskRegistry(
      MarkdownTask(drivers), DownloadTask(drivers), InstallTask(drivers), VerifyTask(drivers),
      MarkupTask(drivers), RunTask(drivers), PutBackTask(drivers), InspectTask(drivers))
  }

  /// - Parameters:
  ///   - id: the caller's own; a chain that is submitted twice exists once.
  ///   - stages: in their order; each becomes a link, in the same place.
  ///   - retries: how often a failed stage is tried again. Verify is not: it tries all through its time.
  /// - Throws: what ``TaskQueue/Chain`` throws, for no stages.
  public static func make(
    id: ChainID, input: StageInput, stages: [Stage], retries: Int, queue: QueueName = .default,
    lane: String = "-", priority: Priority = .normal
  ) throws -> Chain {
    var input = input
    input.markupLink = stages.firstIndex(of: .markup)
    input.staysOut = stages.contains { $0 == .markdown || $0 == .markup }
    let again = RetryPolicy(attempts: 1 + max(0, retries), backoff: 1_000, maxBackoff: 30_000)
    let links = try stages.map { stage in
      var link = link(stage, input.rules, again)
      if stage == .install || stage == .run { link.options.concurrency = try oneAtATime(on: input.server) }
      return link
    }
    return try Chain(
      id: id, queue: queue, lane: lane, priority: priority, sharedInput: input, links: links)
  }

  /// Servers that share a machine install one after another, also those of different groups: their scripts may
  /// use the same disk, ports and memory. The others wait without a worker's slot.
  private static func oneAtATime(on server: Server) throws -> ConcurrencyLimit {
    // Names too long for a key share one with those that begin alike: they only wait more than they need to.
    let place = server.place.map { $0 == ":" ? "=" : $0 }.prefix(180)
    return ConcurrencyLimit(key: try Identifier("install/\(String(place))"), atMost: 1)
  }

  /// Time limits leave each stage its own limit and some time to say what was wrong: they are for a stage
  /// that hangs where none of its own limits holds.
  private static func link(_ stage: Stage, _ rules: StageRules, _ again: RetryPolicy) -> Link {
    func limit(_ own: Milliseconds) -> Duration { .milliseconds(own) + .seconds(60) }
    switch stage {
    case .markdown:
      return Link(MarkdownTask.self, retry: again, timeLimit: limit(rules.drainTimeout))
    case .download: return Link(DownloadTask.self, retry: again, timeLimit: .seconds(1_800))
    case .install: return Link(InstallTask.self, retry: again, timeLimit: limit(2 * rules.scriptTimeout))
    case .verify: return Link(VerifyTask.self, timeLimit: limit(rules.startupTimeout))
    case .markup: return Link(MarkupTask.self, retry: again, timeLimit: limit(rules.markupTimeout))
    case .run: return Link(RunTask.self, retry: again, timeLimit: limit(2 * rules.scriptTimeout))
    }
  }
}
