import Rollout
import SeededRandom

/// People: they do what is asked of them, and sometimes what nobody asked for.
extension Simulation {
  mutating func person() throws {
    if !isCalm, random.happens(hazards.meddling) { try meddle() } else { dutiful() }
    note(.person, in: isCalm ? 20_000...60_000 : 1_000...120_000)
  }

  private mutating func act(_ action: Action) {
    told("a person: \(action)")
    let event = Event.action(action, by: "ann", reason: "because")
    note(.coordinate(Look(record: current, event: event)), in: 1...50)
  }

  /// What the state asks for.
  private mutating func dutiful() {
    let deployment = records[current].deployment
    let patience = isCalm ? 12 : 6
    switch deployment.state {
    case .pending where !deployment.startRequested: act(.start)
    case .pending: break
    case .smokeSuccess:
      if let host = deployment.bastion?.host, let s = index[host], servers[s].flag != nil {
        servers[s].flag = nil
      } else if !deployment.config.gates.bake.isAutomatic {
        act(.bake)
      }
    case .bakeSuccess where !deployment.config.gates.rollout.isAutomatic: act(.rollout)
    case .rollingOut where deployment.allowed.contains(.continue): act(.continue)
    case .paused: act(.continue)
    case .smokeFailure, .bakeFailure: tryAgain(patience) ?? act(.abort(forced: false))
    case .failure: tryAgain(patience) ?? act(random.chance(50) ? .accept : .abort(forced: random.chance(30)))
    case .braked:
      if brakeAll != nil { brakeAll = nil }
      if random.chance(30) { pullOutFailed() }
      if triesOfPeople > patience {
        act(.abort(forced: random.chance(30)))
      } else {
        triesOfPeople += 1
        act(
          random.chance(50) && deployment.allowed.contains(.retry)
            ? .retry
            : .resume(
              override: random.chance(60) ? nil : Override(more: Int.random(in: 1...3, using: &random))))
      }
    default: break
    }
  }

  private mutating func tryAgain(_ patience: Int) -> Void? {
    guard triesOfPeople < patience else { return nil }
    triesOfPeople += 1
    return act(.retry)
  }

  private mutating func pullOutFailed() {
    guard let host = records[current].deployment.targets.first(where: { $0.state.isFailure })?.host else {
      return
    }
    pull(host, .pullOut(anyway: true))
  }

  private mutating func pull(_ host: String, _ action: ServerAction) {
    guard let s = index[host] else { return }
    let deployment = records[current].deployment
    let works = records[current].chains[host].map { !chains[$0].isOver } ?? false
    let standing = ServerStanding(
      host: host, flags: servers[s].flag.map { [.operator: $0] } ?? [:],
      outByRelease: servers[s].outBy != nil, version: servers[s].version, wanted: deployment.package.version,
      underWay: works ? deployment.id : nil,
      balancer: balancer.away
        ? .unreachable("no answer") : .inService(Set(servers.filter(\.isInService).map(\.host))))
    guard let effects = try? decide(standing, action, by: "bob", reason: "disk") else { return }
    for effect in effects {
      switch effect {
      case .set(let flag, let by, let reason): servers[s].flag = "\(flag.rawValue) flag by \(by): \(reason)"
      case .clear: servers[s].flag = nil
      case .tell(let what, let by, let reason):
        let event = Event.told(what: what, by: by, reason: reason)
        note(.coordinate(Look(record: current, event: event)), in: 1...50)
      case .run(let stages):
        servers[s].inRotation = stages.contains(.markup) && servers[s].version != nil
        servers[s].meddled = true
      }
    }
    told("\(action.name.rawValue) of \(host)")
  }

  private mutating func meddle() throws {
    let host = servers[Int.random(in: servers.indices, using: &random)].host
    switch Int.random(in: 0..<12, using: &random) {
    case 0: act(.pause)
    case 1: act(.brake)
    case 2: act(.retry)
    case 3: act(.resume(override: Override(more: 2)))
    case 4: act(.accept)
    case 5: if random.chance(15) { act(.abort(forced: random.chance(40))) }
    case 6: pull(host, .pullOut(anyway: random.chance(30)))
    case 7: pull(host, .pullIn(anyway: random.chance(30)))
    case 8:
      told("brake --all is pulled, or lifted")
      brakeAll = brakeAll == nil ? "bob: fire" : nil
    case 9:
      told("the switch of the load balancer is thrown, or thrown back")
      if isDegraded {
        degradation.restore()
      } else {
        try degradation.degrade([.loadBalancer], by: "bob", reason: "it is down", now: now, for: 600_000)
      }
    case 10: send(current)
    default: act(.continue)
    }
  }
}

extension Gate {
  fileprivate var isAutomatic: Bool { if case .auto = self { true } else { false } }
}
