import Delivery
import Fleet
public import Logging
public import ServiceLifecycle

/// Watches the load balancers of groups that have servers out of service, and tells one that has begun anew what it
/// has forgotten. Every coordinator has one; what several do at once is done once.
///
/// Stages watch for themselves while they run. This is for the servers that nobody works on: a bastion that waits for
/// its bake, servers that failed, and those that were pulled out.
public struct BalancerWatch: Service {
  private let releases: Releases
  private let period: Duration
  private let logger: Logger

  /// - Parameter period: how often each load balancer is asked.
  public init(_ releases: Releases, period: Duration = .seconds(1), logger: Logger) {
    self.releases = releases
    self.period = period
    self.logger = logger
  }

  /// Which groups there are, and who has servers out, is read again every so many rounds.
  private static let roundsPerList = 10

  public func run() async throws {
    do {
      try await cancelWhenGracefulShutdown { try await rounds() }
    } catch is CancellationError {}
  }

  private func rounds() async throws {
    var watched: [Balancer] = []
    var lives: [HAProxyEndpoint: BalancerLife] = [:]
    var round = 0
    while true {
      do {
        if round % Self.roundsPerList == 0 { watched = try await releases.balancersWithServersOut() }
        for case .haproxy(let endpoint) in watched {
          await look(endpoint, &lives[endpoint])
        }
      } catch {
        try Task.checkCancellation()
        logger.warning("the groups can't be read, their load balancers are not watched: \(error)")
      }
      round += 1
      try await Task.sleep(for: period)
    }
  }

  /// One that can't be asked is asked again in the next round: whoever needs it says so.
  private func look(_ endpoint: HAProxyEndpoint, _ known: inout BalancerLife?) async {
    do {
      let life = try await releases.balancers(.haproxy(endpoint)).life()
      guard life != known else { return }
      known = try await releases.restore(.haproxy(endpoint))
    } catch {
      known = nil
      logger.debug("backend \(endpoint.backend): \(error)")
    }
  }
}

extension Releases {
  /// The load balancers of groups with an active deployment, or with servers that were left or pulled out.
  func balancersWithServersOut() async throws -> [Balancer] {
    var found: [Balancer] = []
    for known in try await readableGroups() {
      let group = known.group
      guard group.balancer != .none, !found.contains(group.balancer) else { continue }
      let ledger = try await ledger(group.name).ledger
      let isQuiet = ledger.active == nil && ledger.revoking == nil && ledger.leftOut.isEmpty
      let pulledOut = try await pulledOut(group.name)
      if !isQuiet || !pulledOut.isEmpty { found.append(group.balancer) }
    }
    return found
  }
}
