/// Plans a release: who goes first, and who goes together.
///
/// Eligible are the servers that nobody pulled out. One of them is the bastion, where the config asks for
/// one; the others are spread over batches of at most M, so that neither a site nor the servers in
/// service are all in one batch.
///
/// - Throws: ``PlanRefusal`` where the config is not valid or no server is eligible.
public func makePlan(
  servers: [PlanServer], config: DeploymentConfig, production: Bool
) throws(PlanRefusal) -> Plan {
  let eligible = try eligible(servers, config: config, production: production)
  let bastion = config.bastion ? chooseBastion(eligible) : nil
  let rest = eligible.filter { $0.host != bastion?.host }
  // Where only one server is in service, it goes last: the others are there by then.
  let rolling = eligible.count { $0.inService == true } == 1 ? outFirst(rest) : spread(rest)
  let numbers = PlanNumbers(rolling: rolling.count, eligible: eligible.count, config: config)
  let sizes = batchSizes(n: rolling.count, most: numbers.batchSize, list: config.batches)
  let first = bastion.map { [Batch(kind: .bastion, targets: [$0.target])] } ?? []
  return Plan(config, numbers, first + cut(rolling, into: sizes), leavingOut: servers)
}

/// Plans a rollback: no bastion, no wait, two halves, those out of service first.
///
/// - Parameters:
///   - servers: the group's.
///   - touched: the hostnames of those that the origin touched; nil: all of them. What must stay in service
///     is a matter of all.
/// - Throws: ``PlanRefusal`` where the config is not valid or no touched server is eligible.
public func makeRollbackPlan(
  servers: [PlanServer], touched: Set<String>? = nil, config: DeploymentConfig, production: Bool
) throws(PlanRefusal) -> Plan {
  var config = config
  config.bastion = false
  config.batches = nil
  config.batchWait = 0
  config.tailWait = nil
  config.maxPullOutRatio = 50
  config.gates.batches = .auto()
  let eligible = try eligible(servers, config: config, production: production)
  let concerned = touched.map { hosts in servers.filter { hosts.contains($0.host) } } ?? servers
  let chosen = touched.map { hosts in eligible.filter { hosts.contains($0.host) } } ?? eligible
  guard !chosen.isEmpty else { throw .nothingEligible(servers: concerned.count) }
  let n = chosen.count
  let halves = [n - n / 2, n / 2].filter { $0 > 0 }
  var numbers = PlanNumbers(rolling: n, eligible: eligible.count, config: config)
  numbers.batchSize = n - n / 2
  return Plan(config, numbers, cut(outFirst(chosen), into: halves), leavingOut: concerned)
}

/// Plans a scale-out: the group's version for the servers that don't run it yet, no bastion, no wait.
///
/// - Parameters:
///   - servers: the group's; those whose version is not known are taken, and skipped where they have it.
///   - version: the version that the group runs.
/// - Throws: ``PlanRefusal`` where the config is not valid, or no eligible server lacks the version.
public func makeScaleOutPlan(
  servers: [PlanServer], to version: String, config: DeploymentConfig, production: Bool
) throws(PlanRefusal) -> Plan {
  var config = config
  config.batchWait = 0
  config.tailWait = nil
  config.gates.batches = .auto()
  return try planWithoutBastion(servers, config, production, unless: "every server runs \(version) already") {
    $0.version != version
  }
}

/// Plans a day-2 run: every eligible server, in batches, without a bastion.
///
/// - Throws: ``PlanRefusal`` where the config is not valid or no server is eligible.
public func makeDayTwoPlan(
  servers: [PlanServer], config: DeploymentConfig, production: Bool
) throws(PlanRefusal) -> Plan {
  try planWithoutBastion(servers, config, production, unless: "") { _ in true }
}

/// Plans for some of the eligible servers, without a bastion. What must stay in service is a matter of all.
func planWithoutBastion(
  _ servers: [PlanServer], _ config: DeploymentConfig, _ production: Bool, unless nothing: String,
  _ concerned: (PlanServer) -> Bool
) throws(PlanRefusal) -> Plan {
  var config = config
  config.bastion = false
  let eligible = try eligible(servers, config: config, production: production)
  let chosen = eligible.filter(concerned)
  guard !chosen.isEmpty else { throw .nothingToDo(nothing) }
  let order = eligible.count { $0.inService == true } == 1 ? outFirst(chosen) : spread(chosen)
  let numbers = PlanNumbers(rolling: chosen.count, eligible: eligible.count, config: config)
  let sizes = batchSizes(n: chosen.count, most: numbers.batchSize, list: config.batches)
  return Plan(config, numbers, cut(order, into: sizes), leavingOut: servers)
}

extension Plan {
  fileprivate init(
    _ config: DeploymentConfig, _ numbers: PlanNumbers, _ batches: [Batch], leavingOut servers: [PlanServer]
  ) {
    self.init(
      config: config, numbers: numbers, batches: batches,
      pulledOut: servers.filter(\.pulledOut).map(\.host).sorted(),
      drainedByHand: servers.filter { $0.drainedByHand && !$0.pulledOut }.map(\.host).sorted())
  }
}

extension PlanNumbers {
  /// The numbers for n rolling targets out of so many eligible servers.
  ///
  /// `M = max(1, ⌊n·r/100⌋)`, `L = max(1, ⌊n·b/100⌋)`; a percentage in service is of the eligible, rounded up.
  init(rolling n: Int, eligible: Int, config: DeploymentConfig) {
    let least =
      switch config.minInService {
      case .count(let count)?: count
      case .percent(let percent)?: (eligible * percent + 99) / 100
      case nil: min(1, eligible - 1)
      }
    self.init(
      rolling: n,
      batchSize: max(1, n * config.maxPullOutRatio / 100),
      limit: max(1, n * (config.brakeRatio ?? config.maxPullOutRatio) / 100),
      minInService: least)
  }
}

extension PlanServer {
  /// The server as a target that has not been touched.
  var target: Target { Target(host: host, site: site, wasOut: inService == false) }
}

/// The servers that may be released, by hostname.
private func eligible(
  _ servers: [PlanServer], config: DeploymentConfig, production: Bool
) throws(PlanRefusal) -> [PlanServer] {
  let problems = config.validate(production: production)
  guard problems.isEmpty else { throw .config(problems) }
  let sorted = servers.sorted { $0.host < $1.host }
  for (a, b) in zip(sorted, sorted.dropFirst()) where a.host == b.host { throw .duplicateHost(a.host) }
  let eligible = sorted.filter { !$0.pulledOut && !$0.drainedByHand && !$0.decommissioned }
  guard !eligible.isEmpty else { throw .nothingEligible(servers: servers.count) }
  return eligible
}

/// The servers out of service before the others.
private func outFirst(_ servers: [PlanServer]) -> [PlanServer] {
  spread(servers.filter { $0.inService == false }) + spread(servers.filter { $0.inService != false })
}

/// The server that goes first: the one marked as such, else the first by hostname. Where only one
/// server is in service, one that is not goes before it.
///
/// - Parameter servers: sorted by hostname.
func chooseBastion(_ servers: [PlanServer]) -> PlanServer? {
  var candidates = servers
  if servers.count(where: { $0.inService == true }) == 1, servers.count > 1 {
    let spare = servers.filter { $0.inService != true }
    candidates = spare
  }
  return candidates.first(where: \.bastion) ?? candidates.first
}

/// Cuts an order of servers into rolling batches.
private func cut(_ servers: [PlanServer], into sizes: [Int]) -> [Batch] {
  var rest = servers[...]
  return sizes.map { size in
    let part = rest.prefix(size)
    rest = rest.dropFirst(size)
    return Batch(kind: .rolling, targets: part.map(\.target))
  }
}

/// The sizes of the batches of n targets: an explicit list, whose last size repeats, or M; each at
/// least 1 and at most M, and the last batch takes the rest.
func batchSizes(n: Int, most: Int, list: [BatchSize]?) -> [Int] {
  var sizes: [Int] = []
  var rest = n
  while rest > 0 {
    let wanted =
      switch list.flatMap({ $0.indices.contains(sizes.count) ? $0[sizes.count] : $0.last }) {
      case .count(let count)?: count
      case .percent(let percent)?: n * percent / 100
      case nil: most
      }
    let size = min(max(1, min(wanted, most)), rest)
    sizes.append(size)
    rest -= size
  }
  return sizes
}
