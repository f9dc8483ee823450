import Delivery
import Fleet
public import Rollout
import TaskQueue

extension Releases {
  /// Takes servers out of service until somebody pulls them in again: each gets a flag and leaves the load balancer once
  /// its requests are done. One that a release works on stays out when that has ended; one that failed no longer counts.
  ///
  /// - Parameters:
  ///   - flag: why: a person wants it so, or it was found faulty.
  ///   - anyway: also where too few would stay in service, or the load balancer can't be asked.
  /// - Throws: ``ReleaseError/server(_:)`` with what is allowed, ``ReleaseError/unknownServer(_:group:)``: then none was
  ///   pulled out. `RedisError`.
  public func pullOut(
    _ hosts: [String], of group: String, flag: PullOutFlag = .operator, anyway: Bool = false, by: String,
    reason: String?
  ) async throws {
    try await act(.pullOut(flag, anyway: anyway), on: hosts, of: group, by: by, reason: reason)
  }

  /// Takes a flag off servers. Where no other is left, and no release has it out, a server comes back into service, once
  /// its health check and then the load balancer's have passed.
  ///
  /// - Parameters:
  ///   - flag: the one to take off.
  ///   - anyway: also where it runs another version than its group: it missed a release while it was out.
  /// - Throws: ``ReleaseError/server(_:)`` with what is allowed, ``ReleaseError/unknownServer(_:group:)``: then none was
  ///   pulled in. `RedisError`.
  public func pullIn(
    _ hosts: [String], of group: String, flag: PullOutFlag = .operator, anyway: Bool = false, by: String,
    reason: String?
  ) async throws {
    try await act(.pullIn(flag, anyway: anyway), on: hosts, of: group, by: by, reason: reason)
  }

  private func act(
    _ action: ServerAction, on hosts: [String], of name: String, by: String, reason: String?
  ) async throws {
    let group = try await knownGroup(name)
    for host in hosts where !group.servers.contains(where: { $0.host == host }) {
      throw ReleaseError.unknownServer(host, group: name)
    }
    var standings = try await self.standings(hosts, of: group)
    var effects: [(host: String, effects: [ServerEffect])] = []
    for index in standings.indices {
      do {
        let follows = try decide(standings[index], action, by: by, reason: reason)
        effects.append((standings[index].host, follows))
        // The next one of this very action finds one less in service.
        if case .inService(var live) = standings[index].balancer, follows.contains(.run([.markdown])) {
          live.remove(standings[index].host)
          for later in standings.indices { standings[later].balancer = .inService(live) }
        }
      } catch {
        throw ReleaseError.server(error)
      }
    }
    for (host, follows) in effects {
      for effect in follows { try await carryOut(effect, on: host, of: name) }
      // Also where a release works on it: it is out when that has ended.
      let chain = try Chain(
        id: Names.pull(name, host, Names.ticket(revision: 0)), queue: Names.coordinators(),
        links: [
          Link(
            PullTask.self, .init(group: name, host: host), retry: Self.patience, timeLimit: .seconds(600))
        ])
      try await queue.submit(chain)
    }
  }

  private func carryOut(_ effect: ServerEffect, on host: String, of group: String) async throws {
    switch effect {
    case .set(let flag, let by, let reason):
      try await fleet.setFlag(Flag(flag), on: host, of: group, by: by, reason: reason)
    case .clear(let flag): try await fleet.clearFlag(Flag(flag), on: host, of: group)
    case .tell(let what, let by, let reason):
      try await note(what, on: host, of: group, by: by, why: reason)
      let ledger = try await ledger(group).ledger
      for id in ledger.underWay {
        _ = try await move(id, .told(what: what, by: by, reason: reason))
      }
    // What the flags say is done by whoever follows them, again and again until it is so.
    case .run: break
    }
  }

  private func standings(_ hosts: [String], of group: Fleet.Group) async throws -> [ServerStanding] {
    let flags = try await fleet.flags(of: group.name)
    let ledger = try await ledger(group.name).ledger
    let balancer = try await balancerFacts(group)
    var asked = group
    asked.servers = group.servers.filter { hosts.contains($0.host) }
    let versions = try await reported(asked)
    let eligible = group.servers.count {
      flags[$0.host].map { $0[.operator] == nil && $0[.fault] == nil } ?? true
    }
    let least = PlanNumbers.minInService(eligible: eligible, group.config)
    var standings: [ServerStanding] = []
    for host in hosts {
      let stand = try await stand(of: host, in: group.name)
      var marks: [PullOutFlag: String] = [:]
      for flag in PullOutFlag.allCases {
        if let mark = flags[host]?[Flag(flag)] { marks[flag] = "\(mark.by): \(mark.reason)" }
      }
      standings.append(
        ServerStanding(
          host: host, flags: marks, outByRelease: stand.isOut || ledger.leftOut.contains(host),
          version: versions[host], wanted: ledger.history.last?.version ?? group.baselineVersion,
          underWay: stand.isUnderWay ? ledger.active ?? ledger.revoking : nil, balancer: balancer,
          minInService: least))
    }
    return standings
  }

  /// Does at the load balancer what a server's flags say.
  ///
  /// - Returns: false while work on the server is under way: ask again later.
  func followFlags(of host: String, in name: String) async throws -> Bool {
    guard let group = try await fleet.group(name)?.group, group.balancer != .none,
      group.servers.contains(where: { $0.host == host })
    else { return true }
    let driver = balancers(group.balancer)
    let stand = try await stand(of: host, in: name)
    if stand.isUnderWay { return false }
    // Before each change: whether it is still what is wanted.
    let permit: @Sendable () async throws -> Void = {
      guard try await self.stand(of: host, in: name) == stand else { throw Overtaken() }
    }
    do {
      if stand.isFlagged {
        _ = try await driver.takeOut(
          host, drain: .milliseconds(group.config.drainTimeout), force: group.config.drainForce,
          permit: permit)
      } else if !stand.isOut {
        try await prove(host, group)
        try await driver.putIn(host, within: .milliseconds(group.limits.markupTimeout), permit: permit)
        try await strike(host, of: name)
      }
    } catch is Overtaken {
      return false
    }
    return true
  }

  /// Nothing comes back into service that is not well.
  private func prove(_ host: String, _ group: Fleet.Group) async throws {
    guard !group.config.ignoreIgnition, let server = group.servers.first(where: { $0.host == host }) else {
      return
    }
    let last = try await proven(server, group)
    guard let last else { return }
    throw DeliveryFailure(
      .unreachable, "\(host) is not in good health (seen last: \(last)), so it stays out of service")
  }

  /// Something else was said meanwhile.
  private struct Overtaken: Error {}

  /// What is wanted of one server.
  private struct Stand: Equatable {
    var isFlagged: Bool
    var isUnderWay = false
    /// Whether a release that has not ended has it out.
    var isOut = false
  }

  private func stand(of host: String, in name: String) async throws -> Stand {
    var stand = Stand(isFlagged: try await pulledOut(name)[host] != nil)
    let ledger = try await ledger(name).ledger
    for id in ledger.underWay {
      let deployment = try await load(id).deployment
      guard let target = deployment.targets.first(where: { $0.host == host }) else { continue }
      if target.isUnderWay { stand.isUnderWay = true }
      if target.out, target.state != .excluded { stand.isOut = true }
    }
    return stand
  }
}

/// Does at the load balancer what a server's flags say, once nobody works on the server.
struct PullTask: QueueTask {
  struct Input: Codable, Sendable { var group: String, host: String }
  static let name = "release.pull"
  let releases: Releases

  func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
    do {
      guard try await releases.followFlags(of: input.host, in: input.group) else {
        throw TaskFailure(
          code: "busy", message: "a release works on \(input.host)", retry: .snooze(.seconds(1)))
      }
    } catch let failure as DeliveryFailure {
      throw TaskFailure(code: failure.code.rawValue, message: failure.message)
    }
    return Nothing()
  }
}

extension Flag {
  init(_ flag: PullOutFlag) {
    switch flag {
    case .operator: self = .operator
    case .fault: self = .fault
    }
  }
}

extension PlanNumbers {
  /// How many of the eligible servers must stay in service; the same as in a plan.
  static func minInService(eligible: Int, _ config: DeploymentConfig) -> Int {
    switch config.minInService {
    case .count(let count)?: count
    case .percent(let percent)?: (eligible * percent + 99) / 100
    case nil: min(1, max(0, eligible - 1))
    }
  }
}
