/// What planning knows of one server.
public struct PlanServer: Sendable, Equatable {
  /// The hostname, unique in the group.
  public var host: String
  /// The site, where it has one.
  public var site: String?
  /// Whether the group's record marks it as the bastion.
  public var bastion: Bool
  /// Whether it carries a pull-out flag of an operator or a fault.
  public var pulledOut: Bool
  /// Whether the group's record says that it is going away for good.
  public var decommissioned: Bool
  /// The version that it runs; nil where that is not known.
  public var version: String?
  /// Whether the load balancer sends it requests; nil where that is not known.
  public var inService: Bool?
  /// Whether the load balancer has it drained or in maintenance, and no release did that.
  public var drainedByHand: Bool

  /// A server as planning sees it.
  public init(
    host: String, site: String? = nil, bastion: Bool = false, pulledOut: Bool = false,
    inService: Bool? = nil, drainedByHand: Bool = false, decommissioned: Bool = false,
    version: String? = nil
  ) {
    self.host = host
    self.site = site
    self.bastion = bastion
    self.pulledOut = pulledOut
    self.inService = inService
    self.drainedByHand = drainedByHand
    self.decommissioned = decommissioned
    self.version = version
  }
}

/// The numbers of a plan, frozen with the deployment.
public struct PlanNumbers: Codable, Sendable, Equatable {
  /// n: rolling targets, the bastion not counted.
  public var rolling: Int
  /// M: the most targets in one batch.
  public var batchSize: Int
  /// L: as many failures brake.
  public var limit: Int
  /// How many servers must stay in service when a batch goes out.
  public var minInService: Int

  /// The numbers n, M, L and the least in service.
  public init(rolling: Int, batchSize: Int, limit: Int, minInService: Int) {
    self.rolling = rolling
    self.batchSize = batchSize
    self.limit = limit
    self.minInService = minInService
  }
}

/// Who is released when.
public struct Plan: Codable, Sendable, Equatable {
  /// The config it was made by; a rollback's says 50 % and no bastion.
  public var config: DeploymentConfig
  /// n, M, L and what must stay in service.
  public var numbers: PlanNumbers
  /// The bastion's batch, where there is one, then the rolling batches.
  public var batches: [Batch]
  /// The servers that are left out because they carry a pull-out flag.
  public var pulledOut: [String]
  /// The servers found drained by hand: they are left out, and should get the operator's flag.
  public var drainedByHand: [String]

  /// The bastion's hostname; nil where the plan has none.
  public var bastion: String? { batches.first { $0.kind == .bastion }?.targets.first?.host }
}

/// Why no plan could be made.
public enum PlanRefusal: Error, Sendable, Equatable {
  /// The config is not valid.
  case config([ConfigProblem])
  /// Every server is pulled out, or there is none.
  case nothingEligible(servers: Int)
  /// Every eligible server is as it should be: there is nothing to do.
  case nothingToDo(String)
  /// Two servers have the same hostname.
  case duplicateHost(String)
}

extension PlanRefusal: CustomStringConvertible {
  /// The refusal as a sentence.
  public var description: String {
    switch self {
    case .config(let problems):
      "the config can't be used: "
        + problems.map { "\($0.field) \($0.message)" }.joined(separator: "; ")
    case .nothingEligible(0): "the group has no servers"
    case .nothingEligible(let servers):
      "none of the group's \(servers) servers is eligible: each is pulled out or decommissioned; pull one in and plan again"
    case .nothingToDo(let why): "there is nothing to do: \(why)"
    case .duplicateHost(let host): "the host \(host) appears twice in the group"
    }
  }
}
