/// What a person, or a check, may do to one server beside any release.
public enum ServerAction: Codable, Sendable, Equatable {
  /// Take it out of service, and keep it out until the flag is cleared. `anyway`: also where too few would
  /// stay in service.
  case pullOut(PullOutFlag = .operator, anyway: Bool = false)
  /// Clear a flag; where no other is left, put it back into service once it has proven itself. `anyway`: also
  /// where it missed a release while it was out.
  case pullIn(PullOutFlag = .operator, anyway: Bool = false)

  /// The word that people type.
  public var name: ServerActionName {
    switch self {
    case .pullOut: .pullOut
    case .pullIn: .pullIn
    }
  }
}

/// The word for an action on a server, as people type it.
public enum ServerActionName: String, Codable, Sendable, CaseIterable {
  case pullOut = "pull-out"
  case pullIn = "pull-in"
}

/// Why a server is kept out of service, whatever is released.
public enum PullOutFlag: String, Codable, Sendable, CaseIterable {
  /// A person wants it so.
  case `operator`
  /// It was found faulty.
  case fault
}

/// What an action on a server has to know of it.
public struct ServerStanding: Sendable, Equatable {
  /// The hostname.
  public var host: String
  /// Its pull-out flags, each with who set it and why, as a sentence.
  public var flags: [PullOutFlag: String]
  /// Whether a release has it out, or has left it out.
  public var outByRelease: Bool
  /// The version that it runs; nil where that is not known.
  public var version: String?
  /// The version that its group is on; nil where it is on none yet.
  public var wanted: String?
  /// The deployment that works on it at this moment; nil where none does.
  public var underWay: String?
  /// Which servers of its group are in service.
  public var balancer: BalancerFacts
  /// How many of them must be.
  public var minInService: Int

  /// A server as it stands; what is not given is that of a quiet day.
  public init(
    host: String, flags: [PullOutFlag: String] = [:], outByRelease: Bool = false, version: String? = nil,
    wanted: String? = nil, underWay: String? = nil, balancer: BalancerFacts = .none, minInService: Int = 1
  ) {
    self.host = host
    self.flags = flags
    self.outByRelease = outByRelease
    self.version = version
    self.wanted = wanted
    self.underWay = underWay
    self.balancer = balancer
    self.minInService = minInService
  }

  /// The actions that can be done now.
  public var allowed: [ServerActionName] {
    (flags.count < PullOutFlag.allCases.count ? [.pullOut] : []) + (flags.isEmpty ? [] : [.pullIn])
  }
}

/// Something to be done about a server, in this order.
public enum ServerEffect: Sendable, Equatable {
  /// Set the flag, with who and why.
  case set(PullOutFlag, by: String, reason: String)
  /// Clear the flag.
  case clear(PullOutFlag)
  /// Record it: in the group's record, and as an ``Event/told(what:by:reason:)`` of its active deployment,
  /// whose failures may be others now.
  case tell(what: String, by: String, reason: String)
  /// Run these stages on it: Markdown; or Verify and Markup.
  case run([Stage])
}

/// An action on a server that can't be done now.
public struct ServerRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was asked.
  public var action: ServerActionName
  /// Of which server.
  public var host: String
  /// Why it was refused, and what to do.
  public var reason: String
  /// The actions that can be done now.
  public var allowed: [ServerActionName]

  /// The refusal as a sentence.
  public var description: String {
    "\(action.rawValue) of \(host) is refused: \(reason); allowed now: "
      + (allowed.isEmpty ? "nothing" : allowed.map(\.rawValue).joined(separator: ", "))
  }
}

/// Decides what an action on a server leads to.
///
/// A server that a release works on at this moment is only flagged: its chain goes to its end, and Markup
/// leaves what carries a flag out of service.
/// - Throws: ``ServerRefusal`` without a reason; for a flag that is set, or not set, already; where too few
///   servers would stay in service; and where a server would come back with a version of yesterday.
public func decide(
  _ server: ServerStanding, _ action: ServerAction, by: String, reason: String?
) throws(ServerRefusal) -> [ServerEffect] {
  guard let reason, !reason.isBlank else { throw server.refusal(action, "it takes a reason") }
  switch action {
  case .pullOut(let flag, let anyway):
    if let who = server.flags[flag] {
      throw server.refusal(action, "it is pulled out already (\(flag.rawValue): \(who))")
    }
    let wasIn = try server.isPulled(action, anyway: anyway)
    return [
      .set(flag, by: by, reason: reason),
      .tell(what: action.name.rawValue, by: by, reason: "\(server.host): \(reason)"),
    ] + (wasIn ? [.run([.markdown])] : [])
  case .pullIn(let flag, let anyway):
    guard server.flags[flag] != nil else { throw server.refusal(action, server.lacks(flag)) }
    let others = server.flags.keys.contains { $0 != flag }
    let comesBack = !others && !server.outByRelease && server.underWay == nil
    if comesBack, !anyway, let wanted = server.wanted, let version = server.version, version != wanted {
      throw server.refusal(
        action,
        "it runs \(version) and its group \(wanted): heal it after clearing the flag, or say so anyway")
    }
    return [
      .clear(flag), .tell(what: action.name.rawValue, by: by, reason: "\(server.host): \(reason)"),
    ] + (comesBack ? [.run(Stage.bake)] : [])
  }
}

extension ServerStanding {
  fileprivate func refusal(_ action: ServerAction, _ reason: String) -> ServerRefusal {
    ServerRefusal(action: action.name, host: host, reason: reason, allowed: allowed)
  }

  /// Whether a pull-out takes it out of service by its own hand.
  fileprivate func isPulled(_ action: ServerAction, anyway: Bool) throws(ServerRefusal) -> Bool {
    guard underWay == nil else { return false }
    switch balancer {
    case .none: return true
    case .unreachable(let why):
      guard anyway else {
        throw refusal(
          action,
          "the load balancer could not be asked how many servers are in service (\(why)); say so anyway")
      }
      return true
    case .inService(let live):
      guard live.contains(host) else { return false }
      guard anyway || live.count > minInService else {
        throw refusal(
          action,
          "\(live.count) are in service and \(minInService) must stay: put one in first, or say so anyway")
      }
      return true
    }
  }

  private var flagged: String {
    flags.keys.map(\.rawValue).sorted().joined(separator: ", ")
  }

  fileprivate func lacks(_ flag: PullOutFlag) -> String {
    if flags.isEmpty {
      return outByRelease
        ? "no flag keeps it out, a release left it out: retry that, or heal it" : "it is not pulled out"
    }
    return "it doesn't carry the flag \(flag.rawValue), but \(flagged)"
  }
}
