import Circuits
import Console
import Fleet
import Rollout

/// A group as `group ls --json` prints it: the words of its file, with times in milliseconds and every default.
struct ShownGroup: Encodable {
  let group: String
  let revision: Int
  let app: String
  let site: String?
  let production: Bool
  /// What ran there before the first release.
  let version: String?
  let health: Health
  let balancer: Balancer
  let config: Config
  let hosts: String
  let servers: [Server]
  /// Where the servers come from; nil where the file lists them.
  let cmdb: CMDB?
  /// The names of the host scripts that replace the defaults.
  let scripts: [String]
  let notify: [Hook]
  let packages: Packages?

  init(_ known: FleetStore.Known) {
    let group = known.group
    self.group = group.name
    revision = known.revision
    app = group.app
    site = group.site
    production = group.production
    version = group.baselineVersion
    health = Health(group.health)
    balancer = Balancer(group.balancer)
    config = Config(group.config)
    hosts = group.hosts.rawValue
    servers = group.servers
    cmdb = group.cmdb.map { CMDB($0, known.cache.map(ShownCache.init)) }
    scripts = group.scripts.keys.sorted()
    notify = group.notify.map(Hook.init)
    packages = group.packages.map { Packages(origin: $0.url, tokenFile: $0.tokenFile) }
  }

  struct Hook: Encodable {
    /// Without its path: with many chat systems that is the secret.
    let webhook: String
    let tokenFile: String?
    let on: [NoticeHook.Event]

    init(_ hook: NoticeHook) {
      webhook = "\(CircuitEndpoint(url: hook.webhook, path: false))"
      tokenFile = hook.tokenFile
      on = hook.on
    }
  }

  struct Packages: Encodable {
    let origin: String
    let tokenFile: String?
  }

  struct CMDB: Encodable {
    let url: String
    let tokenFile: String?
    let timeout: Milliseconds
    let refresh: Milliseconds
    /// nil where it was never synced.
    let cache: ShownCache?

    init(_ source: Fleet.CMDB, _ cache: ShownCache?) {
      url = source.url
      tokenFile = source.tokenFile
      timeout = source.timeout
      refresh = source.refresh
      self.cache = cache
    }
  }

  struct Health: Encodable {
    struct Version: Encodable {
      var json: String?
      var header: String?
      var text: Bool?
    }
    let path: String
    let version: Version
    let successes: Int
    let interval: Milliseconds
    let timeout: Milliseconds

    init(_ check: HealthCheck) {
      path = check.path
      successes = check.successes
      interval = check.interval
      timeout = check.timeout
      version =
        switch check.version {
        case .json(let key): Version(json: key)
        case .header(let name): Version(header: name)
        case .text: Version(text: true)
        }
    }
  }

  struct Balancer: Encodable {
    struct HAProxy: Encodable {
      var socket: String?
      var address: String?
      let backend: String
    }
    /// nil where nothing stands in front.
    let haproxy: HAProxy?

    init(_ balancer: Fleet.Balancer) {
      switch balancer {
      case .none: haproxy = nil
      case .haproxy(let endpoint):
        switch endpoint.address {
        case .unix(let path): haproxy = HAProxy(socket: path, backend: endpoint.backend)
        case .tcp(let host, let port):
          haproxy = HAProxy(address: "\(host):\(port)", backend: endpoint.backend)
        }
      }
    }
  }

  struct Config: Encodable {
    let maxPullOutRatio: Int
    let brakeRatio: Int?
    let batches: [String]?
    let minInService: String?
    let batchWait: Milliseconds
    let tailWait: Milliseconds?
    let tailFrom: Int
    let startupTimeout: Milliseconds
    let drainTimeout: Milliseconds
    let drainForce: Bool
    let ignoreIgnition: Bool
    let bastion: Bool
    /// By gate: manual, auto, or the time after which it opens.
    let gates: [String: String]
    let retries: Int
    let stageDeadline: Milliseconds
    let batchDeadline: Milliseconds?
    let deploymentDeadline: Milliseconds?
    let gateNotifyAfter: Milliseconds
    let revokeDeadline: Milliseconds

    init(_ config: DeploymentConfig) {
      maxPullOutRatio = config.maxPullOutRatio
      brakeRatio = config.brakeRatio
      batches = config.batches?.map(\.text)
      minInService = config.minInService?.text
      batchWait = config.batchWait
      tailWait = config.tailWait
      tailFrom = config.tailFrom
      startupTimeout = config.startupTimeout
      drainTimeout = config.drainTimeout
      drainForce = config.drainForce
      ignoreIgnition = config.ignoreIgnition
      bastion = config.bastion
      gates = [
        "bake": Self.word(config.gates.bake), "rollout": Self.word(config.gates.rollout),
        "batches": Self.word(config.gates.batches),
      ]
      retries = config.retries
      stageDeadline = config.stageDeadline
      batchDeadline = config.batchDeadline
      deploymentDeadline = config.deploymentDeadline
      gateNotifyAfter = config.gateNotifyAfter
      revokeDeadline = config.revokeDeadline
    }

    private static func word(_ gate: Gate) -> String {
      switch gate {
      case .manual: "manual"
      case .auto(0): "auto"
      case .auto(let after): DurationText.text(after)
      }
    }
  }
}

/// How old the servers are that came from a source of record. Times in milliseconds, instants since 1970.
struct ShownCache: Encodable {
  struct Failure: Encodable {
    let at: Milliseconds
    let reason: String
  }
  let syncedAt: Milliseconds
  let age: Milliseconds
  /// Which sync it was, from 1.
  let generation: Int
  /// The last one that failed, where that was later.
  let failure: Failure?

  init(_ cache: ServerCache) {
    syncedAt = cache.syncedAt
    age = cache.age
    generation = cache.generation
    failure = cache.failure.map { Failure(at: $0.at, reason: $0.reason) }
  }
}

extension Plan {
  /// The plan as a command shows it, and how old the list of servers is that it goes by.
  func shown(_ group: String, _ version: String, _ cache: ServerCache?, json: Bool) -> [Line] {
    if json { return [Line(JSONText.line(ShownPlan(self, group: group, version: version, cache: cache)))] }
    let origin = cache.map { [Line("  servers of the \($0.words)", .faint)] } ?? []
    return lines(group: group, version: version) + origin
  }
}
