import Rollout

/// A scenario being played.
struct Play {
  var world: World
  var mishaps: [Mishap]
  var servers: [PlanServer]
  let began: Milliseconds

  init(_ setting: Setting) throws {
    world = try setting.world()
    servers = setting.servers
    mishaps = setting.mishaps
    began = world.now
    applyMishaps()
  }

  private mutating func applyMishaps() {
    let mishaps = mishaps
    world.fate = { host, stage, attempt in
      mishaps.first { $0.meets(host, stage, attempt) }?.fate ?? .works
    }
  }

  // MARK: What is done

  /// Does one word of a `>` line. A `!` before an action says that it is refused, with what is allowed, and
  /// changes nothing; `!retry~part` also why.
  mutating func perform(_ word: String) throws {
    if word.hasPrefix("!") {
      let (word, why) = word.dropFirst().parts(at: "~")
      return try expectRefusal(of: try required(action(word), word), reason(word), why: why)
    }
    if let action = action(word) { return try world.act(action, reason: reason(word)) }
    let (what, value) = word.parts()
    switch what {
    case "run": try world.run()
    case "until": try world.run { $0.deployment.state.rawValue == value }
    case "waits": try world.run { $0.waits }
    case "look": try world.look()
    case "move":
      let (host, times) = value.parts(at: "x")
      for _ in 0..<(Int(times) ?? 1) { try world.move(hostname(host)) }
    case "after":
      world.now += seconds(Int(value) ?? 0)
      try world.look()
    case "pull": for host in hostnames(value) { world.hosts[host]?.flag = "operator: bob" }
    case "unpull": for host in hostnames(value) { world.hosts[host]?.flag = nil }
    case "down": for host in hostnames(value) { world.hosts[host]?.live = false }
    case "up":
      for host in hostnames(value) {
        world.hosts[host]?.live = true
        world.hosts[host]?.outByUs = false
      }
    case "on-version": for host in hostnames(value) { world.hosts[host]?.onVersion = true }
    case "balancer": world.balancerAnswers = value != "off"
    case "degrade": try world.degrade(Int(value) ?? 3_600)
    case "restore": world.degradation.restore()
    case "brake-all": world.brakeAll = "bob: fire"
    case "lift": world.brakeAll = nil
    case "successor": world.predecessorEnded = false
    case "predecessor-ended": world.predecessorEnded = true
    case "fails":
      mishaps.append(try Mishap(value, .fails(.script)))
      applyMishaps()
    case "mend":
      mishaps = []
      applyMishaps()
    case "gone":
      servers.removeAll { hostnames(value).contains($0.host) }
      world.servers = servers
    case "scrap":
      for index in servers.indices where hostnames(value).contains(servers[index].host) {
        servers[index].decommissioned = true
      }
      world.servers = servers
    case "new", "new-at-version":
      for host in hostnames(value) {
        servers.append(PlanServer(host: host, inService: true, version: what == "new" ? nil : "2"))
        if world.hosts[host] == nil { world.hosts[host] = World.Host() }
      }
      world.servers = servers
    case "loses-version":
      for index in servers.indices where hostnames(value).contains(servers[index].host) {
        servers[index].version = "1"
      }
      world.servers = servers
    case "workers": world.workersAreGone = value == "off"
    case "check":
      world.checks.append(
        CheckResult(name: "errors", at: world.now, failure: value == "fails" ? "5 %" : nil))
    case "forget": for host in hostnames(value) { world.forget(host) }
    case "race": try race(required(action(value), word))
    default: throw Violation("nobody knows how to do \(word)")
    }
  }

  private mutating func expectRefusal(of action: Action, _ reason: String?, why: String) throws {
    let before = world.deployment
    do {
      try world.act(action, reason: reason)
    } catch let refusal as Refusal {
      guard refusal.allowed == before.allowed, refusal.state == before.state, refusal.action == action.name
      else { throw Violation("refused with what is not so: \(refusal)") }
      guard refusal.reason.replacing(" ", with: "_").contains(why) || why.isEmpty else {
        throw Violation("refused for another reason: \(refusal.reason)")
      }
      guard world.deployment == before else { throw Violation("a refusal changed something") }
      return
    }
    throw Violation("\(action.name.rawValue): it was not refused")
  }

  /// Two coordinators decide from the same state: one looks, the other has an action. The second to store is
  /// refused, and decides anew.
  private mutating func race(_ action: Action) throws {
    let (revision, before, situation) = (world.revision, world.deployment, world.situation)
    let look = try decide(before, .look, situation)
    let acted = try decide(before, .action(action, by: "bob", reason: "race"), situation)
    guard try world.commit(look, from: revision) else { throw Violation("the first was refused") }
    if try world.commit(acted, from: revision), world.revision > revision + 1 {
      throw Violation("both were stored")
    }
    if world.deployment == look.deployment { try world.act(action, by: "bob", reason: "race") }
  }

  private func reason(_ word: String) -> String? { word.hasSuffix("?") ? nil : "because" }

  /// `retry`, `kill` (a forced abort), `resume+2` (an override), `resume+` (by the old limit); with a `?` at
  /// its end no reason is given.
  private func action(_ word: String) -> Action? {
    let word = word.hasSuffix("?") ? String(word.dropLast()) : word
    return switch word {
    case "start": .start
    case "bake": .bake
    case "rollout": .rollout
    case "pause": .pause
    case "continue": .continue
    case "brake": .brake
    case "retry": .retry
    case "resume": .resume(override: nil)
    case "resume+": .resume(override: Override())
    case "accept": .accept
    case "abort": .abort(forced: false)
    case "kill": .abort(forced: true)
    default:
      word.hasPrefix("resume+")
        ? Int(word.dropFirst(7)).map { .resume(override: Override(more: $0)) } : nil
    }
  }
}
