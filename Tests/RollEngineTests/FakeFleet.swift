import Delivery
import Fleet
import Rollout
import Synchronization
import TaskQueue
import Workflows

/// Servers and a load balancer in memory; the stages of ``StageFakes`` change them.
final class FakeFleet: LoadBalancer, Sendable {
  struct Host: Sendable {
    var state = BalancedServer.State.up
    var version: String
    /// Which stages ended well, and how often a stage was begun.
    var done: [Stage: Int] = [:]
    var begun: [Stage: Int] = [:]
    /// The highest token that a stage came with.
    var token: FenceToken?
  }

  struct Rule: Sendable {
    var version: String
    var stage: Stage
    var host: String
  }

  struct State: Sendable {
    var hosts: [String: Host] = [:]
    var failing: [Rule] = []
    var gates: Set<Stage> = []
    var reachable = true
    /// Which run of the balancer it is; nil: one that forgets nothing.
    var life: BalancerLife?
    /// How many of the next questions for its servers it is restarted before.
    var restartsBeforeAnswers = 0
    var putBackFails = false
    /// Whether Markdown and Markup are left out, as a switch says to the real ones.
    var degraded = false
    /// Whose installed content is not what was published.
    var altered: Set<String> = []
    /// Who doesn't say which version it runs.
    var silent: Set<String> = []
    /// What the scripts of day-2 runs were handed, by host.
    var ran: [String: [String]] = [:]
    var mostOut = 0
  }

  let state: Mutex<State>

  init(hosts: [String], version: String) {
    state = Mutex(
      State(hosts: Dictionary(hosts.map { ($0, Host(version: version)) }, uniquingKeysWith: { a, _ in a })))
  }

  func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }
  func host(_ name: String) -> Host { state.withLock { $0.hosts[name]! } }
  var versions: [String: Int] {
    state.withLock { Dictionary($0.hosts.values.map { ($0.version, 1) }, uniquingKeysWith: +) }
  }
  /// What the servers say that they run; asked of no other than these.
  func reported(by group: Fleet.Group) -> [String: String] {
    state.withLock { state in
      let asked = group.servers.map(\.host).filter { !state.silent.contains($0) }
      return state.hosts.filter { asked.contains($0.key) }.mapValues(\.version)
    }
  }
  var outOfService: [String] {
    state.withLock { $0.hosts.filter { $0.value.state != .up }.map(\.key).sorted() }
  }

  func servers() async throws -> [String: BalancedServer] { try await states(of: nil).servers }

  func states(of host: String?) async throws -> BalancerStates {
    change { state in
      guard state.restartsBeforeAnswers > 0 else { return }
      state.restartsBeforeAnswers -= 1
      state.restart()
    }
    return BalancerStates(life: try await life(), servers: try answer())
  }

  func life() async throws -> BalancerLife? {
    try state.withLock { state in
      guard state.reachable else { throw DeliveryFailure(.loadBalancer, "no answer") }
      return state.life
    }
  }

  func holdOut(_ host: String, permit: @Sendable () async throws -> Void) async throws -> Bool {
    try await move(host, to: .maint, permit)
  }

  func letIn(_ host: String, permit: @Sendable () async throws -> Void) async throws -> Bool {
    try await move(host, to: .up, permit)
  }

  private func move(
    _ host: String, to wanted: BalancedServer.State, _ permit: @Sendable () async throws -> Void
  ) async throws -> Bool {
    guard self.host(host).state != wanted else { return false }
    try await permit()
    change { $0.hosts[host]?.state = wanted }
    return true
  }

  private func answer() throws -> [String: BalancedServer] {
    try state.withLock { state in
      guard state.reachable else { throw DeliveryFailure(.loadBalancer, "no answer") }
      return Dictionary(
        state.hosts.map { ($0.key, BalancedServer(host: $0.key, state: $0.value.state)) },
        uniquingKeysWith: { a, _ in a })
    }
  }

  func server(_ host: String) async throws -> BalancedServer {
    BalancedServer(host: host, state: self.host(host).state)
  }
  func takeOut(
    _ host: String, drain: Duration, force: Bool, permit: @Sendable () async throws -> Void
  ) async throws -> Int {
    try await permit()
    change { $0.hosts[host]?.state = .maint }
    return 0
  }
  func putIn(_ host: String, within: Duration, permit: @Sendable () async throws -> Void) async throws {
    try await permit()
    change { $0.hosts[host]?.state = .up }
  }
}

extension FakeFleet.State {
  /// The balancer begins anew, and has forgotten who was out.
  mutating func restart() {
    life = BalancerLife(process: (life?.process ?? 0) + 1, startedAt: 1)
    for host in hosts.keys { hosts[host]?.state = .up }
  }
}

/// A stage's task under its real name, that changes the fake fleet.
protocol FakeStage: QueueTask where Input == StageInput, Output == StageResult {
  static var stage: Stage { get }
  var fleet: FakeFleet { get }
}

extension FakeStage {
  func run(_ input: StageInput, _ context: TaskContext) async throws -> StageResult {
    let host = input.server.host
    if context.link == 0, input.mayBeSkipped, fleet.state.withLock(\.degraded),
      fleet.host(host).version == input.package.version
    {
      throw ChainControl.finish(note: TargetChain.skippedUnasked)
    }
    if [.markdown, .markup].contains(Self.stage), fleet.state.withLock(\.degraded) {
      return StageResult(degraded: true)
    }
    let version = input.package.version
    if context.link == 0, input.mayBeSkipped {
      let seen = fleet.host(host)
      if seen.version == version, !fails(input) {
        if seen.state == .up { throw ChainControl.finish(note: TargetChain.skipped) }
        if let markup = input.markupLink { throw ChainControl.jump(to: markup, note: "only out of service") }
      }
    }
    let token = input.token(generation: context.generation)
    fleet.change {
      $0.hosts[host]?.begun[Self.stage, default: 0] += 1
      if let seen = $0.hosts[host]?.token, seen > token { return }
      $0.hosts[host]?.token = token
    }
    if Self.stage == .markdown {
      fleet.change { state in
        state.hosts[host]?.state = .maint
        state.mostOut = max(state.mostOut, state.hosts.values.count { $0.state != .up })
      }
    }
    while fleet.state.withLock({ $0.gates.contains(Self.stage) }) {
      try await Task.sleep(for: .milliseconds(2))
    }
    if fails(input) { throw TaskFailure(code: "script", message: "as told\nline 1\nline 2", retry: .never) }
    fleet.change { state in
      if Self.stage == .run, let run = input.dayTwo { state.ran[host] = [run.script] + run.arguments }
      if Self.stage == .install {
        state.hosts[host]?.version = version
        state.altered.remove(host)
      }
      if Self.stage == .markup { state.hosts[host]?.state = .up }
      state.hosts[host]?.done[Self.stage, default: 0] += 1
    }
    return StageResult()
  }

  private func fails(_ input: StageInput) -> Bool {
    fleet.state.withLock { state in
      state.failing.contains {
        $0.version == input.package.version && $0.stage == Self.stage && $0.host == input.server.host
      }
    }
  }
}

struct FakeMarkdown: FakeStage {
  static let (name, stage) = (MarkdownTask.name, Stage.markdown)
  let fleet: FakeFleet
}
struct FakeDownload: FakeStage {
  static let (name, stage) = (DownloadTask.name, Stage.download)
  let fleet: FakeFleet
}
struct FakeInstall: FakeStage {
  static let (name, stage) = (InstallTask.name, Stage.install)
  let fleet: FakeFleet
}
struct FakeVerify: FakeStage {
  static let (name, stage) = (VerifyTask.name, Stage.verify)
  let fleet: FakeFleet
}
struct FakeMarkup: FakeStage {
  static let (name, stage) = (MarkupTask.name, Stage.markup)
  let fleet: FakeFleet
}

/// A day-2 run's script.
struct FakeRun: FakeStage {
  static let (name, stage) = (RunTask.name, Stage.run)
  let fleet: FakeFleet
}

/// Puts a server back, unless it is to fail.
struct FakePutBack: QueueTask {
  static let name = PutBackTask.name
  let fleet: FakeFleet

  func run(_ input: StageInput, _ context: TaskContext) async throws -> Nothing {
    try fleet.state.withLock { state in
      guard !state.putBackFails else { throw TaskFailure(code: "loadBalancer", message: "no answer") }
      let token = input.token(generation: context.generation)
      if let seen = state.hosts[input.server.host]?.token, seen > token {
        throw TaskFailure(code: "fenced", message: "newer work", retry: .never)
      }
      state.hosts[input.server.host]?.token = token
      state.hosts[input.server.host]?.state = .up
    }
    return Nothing()
  }
}

/// Looks at the servers in memory; a version's digest is its name, 64 times, as in the package store.
struct FakeInspect: QueueTask {
  static let name = InspectTask.name
  let fleet: FakeFleet

  func run(_ input: InspectTask.Input, _ context: TaskContext) async throws -> [ServerState] {
    input.servers.map { server in
      let host = fleet.host(server.host)
      let altered = fleet.state.withLock { $0.altered.contains(server.host) }
      return ServerState(
        host: server.host, version: host.version,
        sha256: altered ? "altered" : String(repeating: host.version, count: 64))
    }
  }
}

extension FakeFleet {
  var tasks: TaskRegistry {
    TaskRegistry(
      FakeMarkdown(fleet: self), FakeDownload(fleet: self), FakeInstall(fleet: self), FakeVerify(fleet: self),
      FakeMarkup(fleet: self), FakeRun(fleet: self), FakePutBack(fleet: self), FakeInspect(fleet: self))
  }
}
