import Rollout

/// What can go wrong on a server, as a scenario says it.
struct Mishap {
  /// Nil means all of them.
  var hosts: Set<String>?
  var stage: Stage
  /// Nil means in every attempt.
  var attempt: Int?
  var fate: World.Fate

  /// `2,7@VERIFY`, `*@INSTALL`, `3@MARKUP#1` (only in attempt 1).
  init(_ text: String, _ fate: World.Fate) throws {
    let (hosts, rest) = text.parts(at: "@")
    let (stage, attempt) = rest.parts(at: "#")
    guard let stage = Stage(rawValue: stage) else { throw Violation("no stage in \(text)") }
    self.hosts = hosts == "*" ? nil : Set(hostnames(hosts))
    self.stage = stage
    self.attempt = Int(attempt)
    self.fate = fate
  }

  func meets(_ host: String, _ stage: Stage, _ attempt: Int) -> Bool {
    self.stage == stage && (hosts?.contains(host) ?? true) && (self.attempt.map { $0 == attempt } ?? true)
  }
}

/// The fleet, the config and the mishaps of a scenario's second line.
struct Setting {
  var servers: [PlanServer] = []
  var config = DeploymentConfig.automatic()
  var production = true
  var kind = Deployment.Kind.release
  var dayTwo: DayTwo?
  var mishaps: [Mishap] = []
  var balancer = true
  /// The servers on which a stop at once is not heard of.
  var deaf: Set<String> = []
  /// The servers that a rollback's origin touched; nil: all of them.
  var touched: Set<String>?

  init(_ line: String) throws {
    for word in line.split(separator: " ") {
      let (key, value) = word.parts()
      try set(key, value, number: Int64(value).map { Int($0) } ?? 0)
    }
  }

  private mutating func set(_ key: String, _ value: String, number: Int) throws {
    switch key {
    case "fleet": servers = fleet(number)
    case "r": config.maxPullOutRatio = number
    case "b": config.brakeRatio = number
    case "list":
      config.batches = try value.split(separator: ",").map { try required(Quantity(String($0)), value) }
    case "min": config.minInService = try required(Quantity(value), value)
    case "bastion": config.bastion = value != "off"
    case "wait": config.batchWait = seconds(number)
    case "tail": config.tailWait = seconds(number)
    case "from": config.tailFrom = number
    case "gates":
      for gate in value.split(separator: ",") {
        switch gate {
        case "bake": config.gates.bake = .manual
        case "rollout": config.gates.rollout = .manual
        case "batches": config.gates.batches = .manual
        default: throw Violation("no gate \(gate)")
        }
      }
    case "bake-after": config.gates.bake = .auto(after: seconds(number))
    case "rollout-after": config.gates.rollout = .auto(after: seconds(number))
    case "batches-after": config.gates.batches = .auto(after: seconds(number))
    case "notify": config.gateNotifyAfter = seconds(number)
    case "stage-deadline": config.stageDeadline = seconds(number)
    case "batch-deadline": config.batchDeadline = seconds(number)
    case "deadline": config.deploymentDeadline = seconds(number)
    case "revoke-deadline": config.revokeDeadline = seconds(number)
    case "staging": production = false
    case "rollback":
      kind = .rollback
      touched = value.isEmpty ? nil : Set(hostnames(value))
    case "policy": config.rollback = try policy(value)
    case "watch":
      config.rollback?.watch = Watch(
        checks: [Check(name: "errors", probe: .health(url: "http://shop/errors"))], time: seconds(number),
        every: seconds(5), failures: 2)
    case "scale-out": kind = .scaleOut
    case "day-2":
      kind = .dayTwo
      dayTwo = DayTwo(script: value.isEmpty ? "restart" : value, drained: value != "alone")
    case "at-version": mark(value) { $0.version = "2" }
    case "no-balancer": balancer = false
    case "fails": mishaps.append(try Mishap(value, .fails(.script)))
    case "lost", "timeout", "loadBalancer", "unreachable", "checksum":
      mishaps.append(try Mishap(value, .fails(Failure.Code(rawValue: key))))
    case "hangs": mishaps.append(try Mishap(value, .hangs))
    case "deaf": deaf = Set(hostnames(value))
    case "out": mark(value) { $0.inService = false }
    case "marked": mark(value) { $0.bastion = true }
    case "pulled": mark(value) { $0.pulledOut = true }
    case "drained": mark(value) { $0.drainedByHand = true }
    case "scrapped": mark(value) { $0.decommissioned = true }
    case "east": mark(value) { $0.site = "east" }
    case "west": mark(value) { $0.site = "west" }
    default: throw Violation("the fleet's line doesn't know \(key)")
    }
  }

  /// The policy `canary`, by what it answers: causes of a brake, and `bake` for a bake that fails.
  private func policy(_ list: String) throws -> RollbackPolicy {
    let words = list.split(separator: ",").map(String.init)
    let causes = try words.filter { $0 != "bake" }.map { try required(Braked.Cause(rawValue: $0), $0) }
    return RollbackPolicy(
      name: "canary", onBrake: Set(causes), onBakeFailure: words.contains("bake"))
  }

  private mutating func mark(_ hosts: String, _ body: (inout PlanServer) -> Void) {
    let hosts = Set(hostnames(hosts))
    for index in servers.indices where hosts.contains(servers[index].host) { body(&servers[index]) }
  }

  /// The world at the beginning.
  ///
  /// - Throws: ``PlanRefusal`` where no plan can be made.
  func world() throws -> World {
    let plan =
      switch kind {
      case .rollback:
        try makeRollbackPlan(
          servers: servers, touched: touched ?? Set(servers.map(\.host)), config: config,
          production: production)
      case .scaleOut: try makeScaleOutPlan(servers: servers, to: "2", config: config, production: production)
      case .dayTwo: try makeDayTwoPlan(servers: servers, config: config, production: production)
      default: try makePlan(servers: servers, config: config, production: production)
      }
    let out = Set(servers.filter { $0.inService == false }.map(\.host))
    var world = World(deployment(plan, kind: kind, dayTwo: dayTwo)) { !out.contains($0) }
    // The load balancer knows all of the group, those that this deployment leaves alone as well.
    for server in servers where world.hosts[server.host] == nil {
      let serves = server.inService != false && !server.drainedByHand && !server.decommissioned
      world.hosts[server.host] = World.Host(
        live: serves && !server.pulledOut, flag: server.pulledOut ? "operator: ann" : nil)
    }
    world.hasBalancer = balancer
    world.deaf = deaf
    return world
  }
}

func seconds(_ number: Int) -> Milliseconds { Milliseconds(number) * 1_000 }

func required<T>(_ value: T?, _ text: String) throws -> T {
  guard let value else { throw Violation("can't be read: \(text)") }
  return value
}
