import Rollout
import SeededRandom

/// What stages do to servers and to the load balancer.
extension Simulation {
  var isDegraded: Bool { degradation.inForce(.loadBalancer, at: now) != nil }

  private func isValid(_ effort: Effort) -> Bool {
    chains[effort.chain].generation == effort.generation
      && chains[effort.chain].state == .running(worker: effort.worker)
  }

  /// The first half of a stage.
  ///
  /// - Returns: why it could not begin.
  mutating func begin(_ effort: inout Effort) throws -> Failure.Code? {
    let chain = chains[effort.chain]
    let s = chain.server
    guard !servers[s].gone else { return .unreachable }
    var fence = chain.fence
    fence.generation = effort.generation
    guard fence >= servers[s].fence else { return Failure.Code(rawValue: "stale") }
    servers[s].fence = fence
    if isValid(effort) { try checkAlone(effort, on: s) }
    switch chain.stage {
    case .markdown:
      effort.isDegraded = isDegraded
      chains[effort.chain].stayedIn = isDegraded && !servers[s].isDrained
      if isDegraded { return nil }
      guard balancer.answers else { return .loadBalancer }
      guard isValid(effort) else { return Failure.Code(rawValue: "stale") }
      if !asks(effort) { try takeOut(s, chain) }
    case .markup:
      effort.isDegraded = isDegraded
      if isDegraded { return nil }
      guard balancer.answers else { return .loadBalancer }
      guard isValid(effort) else { return Failure.Code(rawValue: "stale") }
    case .install:
      if servers[s].isInService, !chain.stayedIn, !balancer.forgetful, !servers[s].meddled {
        throw Violation("\(servers[s].host) gets its Install while it is in service")
      }
      servers[s].version = nil
    case .download, .verify, .run: break
    }
    return nil
  }

  /// Whether Markdown only asks, because the server says that it needs nothing.
  private func asks(_ effort: Effort) -> Bool {
    let chain = chains[effort.chain]
    guard chain.mayBeSkipped, chain.stage == .markdown else { return false }
    return servers[chain.server].says(records[chain.record].deployment.package.version)
  }

  private mutating func takeOut(_ s: Int, _ chain: SimulatedChain) throws {
    servers[s].isDrained = true
    guard servers[s].inRotation else { return }
    servers[s].inRotation = false
    servers[s].outBy = chain.record
    records[chain.record].out += 1
    told("\(servers[s].host) is taken out")
    try checkBound(chain.record)
  }

  /// The second half of a stage.
  mutating func finish(_ effort: Effort) throws -> Effort.Result {
    let chain = chains[effort.chain]
    let s = chain.server
    let wanted = records[chain.record].deployment.package.version
    guard !servers[s].gone else { return .failed(.unreachable) }
    var fence = chain.fence
    fence.generation = effort.generation
    guard fence >= servers[s].fence else { return .failed(Failure.Code(rawValue: "stale")) }
    switch fate(of: effort) {
    case .hangs: return .failed(.timeout)
    case .fails: return .failed(.script)
    case .stumbles where chain.tries == 0 && chain.stage != .verify: return .failed(.script)
    default: break
    }
    switch chain.stage {
    case .markdown:
      guard asks(effort) else { return .done }
      if effort.isDegraded { return .skipped }
      guard balancer.answers else { return .failed(.loadBalancer) }
      return servers[s].isInService ? .skipped : .onlyMarkup
    case .download, .run: return .done
    case .install:
      servers[s].version = wanted
      return .done
    case .verify:
      let isRight = setting.dayTwo != nil ? servers[s].version != nil : servers[s].says(wanted)
      return isRight ? .done : .failed(.timeout)
    case .markup:
      if effort.isDegraded { return .done }
      guard balancer.answers else { return .failed(.loadBalancer) }
      guard isValid(effort) else { return .failed(Failure.Code(rawValue: "stale")) }
      try putBack(s)
      return .done
    }
  }

  private mutating func putBack(_ s: Int) throws {
    if servers[s].version == nil, !servers[s].lies {
      throw Violation("\(servers[s].host) goes into service half installed")
    }
    servers[s].isDrained = false
    if let record = servers[s].outBy {
      servers[s].outBy = nil
      records[record].out -= 1
    }
    // Markup clears the release's flag and no other.
    if servers[s].flag == nil { servers[s].inRotation = true }
    told("\(servers[s].host) is put back")
  }

  // MARK: Mischief

  mutating func mischief() {
    guard !isCalm else { return }
    if random.happens(hazards.vanishes), let s = servers.indices.randomElement(using: &random),
      !servers[s].gone
    {
      servers[s].gone = true
      servers[s].meddled = true
      told("\(servers[s].host) vanishes")
      note(.returns(server: s, old: random.chance(25)), in: 1_000...600_000)
    }
    if random.happens(hazards.balancerAway), !balancer.away {
      balancer.away = true
      told("the balancer is away")
      note(.balancer, in: 1_000...300_000)
    }
    if random.happens(hazards.balancerForgets), !balancer.away, !balancer.forgetful {
      balancer.forgetful = true
      for s in servers.indices { servers[s].inRotation = true }
      told("the balancer has forgotten who was out")
      note(.balancer, in: 100...5_000)
    }
    note(.mischief, in: 1_000...120_000)
  }

  mutating func comeBack(_ s: Int, old: Bool) {
    servers[s].gone = false
    told("\(servers[s].host) is there again")
    if old { servers[s].version = "1" }
  }

  /// It answers again; what it had forgotten is asserted again.
  mutating func settleBalancer() {
    balancer.away = false
    guard balancer.forgetful else { return }
    balancer.forgetful = false
    for s in servers.indices where servers[s].isDrained || servers[s].flag != nil {
      servers[s].inRotation = false
    }
  }

  /// The worst is over: everything comes back.
  mutating func calm() throws {
    told("all is calm")
    isCalm = true
    hazards = Hazards()
    brakeAll = nil
    degradation.restore()
    settleBalancer()
    for s in servers.indices where servers[s].gone { comeBack(s, old: false) }
    for worker in workers.indices {
      workers[worker].stalledUntil = 0
      try revive(worker, workers[worker].life)
    }
    pump()
  }
}
