public import Fleet
public import Rollout

/// Why a release could not be created, found or acted upon.
public enum ReleaseError: Error, Sendable, Equatable {
  /// No group of this name has been applied.
  case unknownGroup(String)
  /// The group can't be removed: work of it is under way, or owed.
  case groupIsNeeded(String, why: String)
  /// No deployment of this id, and no group of this name that has one.
  case unknownDeployment(String)
  /// The version was never published.
  /// - Parameter origin: where it was looked for as well.
  case unknownVersion(app: String, version: String, published: [String], origin: String? = nil)
  /// The package store lacks the version, and it can't be had from its origin now.
  case notFetched(String)
  /// The version was marked bad.
  case badVersion(app: String, version: String, reason: String)
  /// The version is not marked bad.
  case notBad(app: String, version: String)
  /// The group has an active deployment.
  case busy(group: String, active: String, state: DeploymentState)
  /// Another deployment waits already for the active one's end.
  case alreadySuperseded(active: String, successor: String)
  /// There is nothing to roll back to.
  case nothingToRollBackTo(origin: String)
  /// The deployment to be rolled back touched no server.
  case nothingToRollBack(origin: String)
  /// No plan could be made.
  case plan(PlanRefusal)
  /// The action is not allowed now.
  case refused(Refusal)
  /// The server is not one that an ended deployment left out of service.
  case notLeftOut(host: String, group: String, leftOut: [String])
  /// It is not known which version the group runs.
  case noVersionKnown(group: String)
  /// The group has no such script.
  case unknownScript(String, group: String, known: [String])
  /// Only releases and rollbacks are rolled back.
  case notRolledBack(origin: String, kind: Deployment.Kind)
  /// The group has no such server.
  case unknownServer(String, group: String)
  /// No worker looked at the group's servers in time.
  case notInspected(group: String)
  /// There is no campaign of this name; or it can't be a name.
  case unknownCampaign(String)
  /// A campaign of this name was created before.
  case campaignExists(String)
  /// A campaign that can't be, or an action that is not allowed on one now.
  case campaign(CampaignRefusal)
  /// The action on a server is not allowed now.
  case server(ServerRefusal)
  /// The load balancer could not be asked which servers are in service.
  case balancer(group: String, reason: String)
  /// The servers of a group could not be asked for; those known are `age` milliseconds old.
  case notRefreshed(group: String, why: SyncFailure, age: Milliseconds?)
  /// The group's file lists its servers: there is nothing to ask.
  case noSource(group: String)
  /// A switch of degradation was not thrown.
  case degradation(Degradation.Refusal)
  /// Others moved the deployment again and again; nothing was changed.
  case contended(String)
  /// This process was started without a package store, so it can't plan.
  case noPackageStore
  /// A stored deployment can't be read.
  case unreadable(String)
}

extension ReleaseError: CustomStringConvertible {
  /// The error as a sentence: what was refused, why, and what to do.
  public var description: String {
    switch self {
    case .unknownGroup(let name):
      "there is no group \(name); apply its file first: drawbar group apply FILE.yaml"
    case .groupIsNeeded(let name, let why): "\(name) can't be removed: \(why)"
    case .notBad(let app, let version): "version \(version) of \(app) is not marked bad; nothing was changed"
    case .unknownDeployment(let name):
      "there is no deployment \(name), and no group of that name has one; see: drawbar deployments"
    case .notFetched(let why): why
    case .unknownVersion(let app, let version, let published, let origin):
      "version \(version) of \(app) was never published\(origin.map { ", and \($0) has none either" } ?? ""); published: "
        + (published.isEmpty ? "none" : published.joined(separator: ", "))
    case .badVersion(let app, let version, let reason):
      "version \(version) of \(app) is marked bad (\(reason)); publish another"
    case .busy(let group, let active, let state):
      "\(group) has an active deployment, \(active) (\(state.rawValue)): end it first, or release with --supersede, which aborts it"
    case .alreadySuperseded(let active, let successor):
      "\(successor) waits already for the end of \(active); abort it first"
    case .nothingToRollBackTo(let origin):
      "no version that ended well before \(origin) is known; name one: drawbar rollback \(origin) --to VERSION"
    case .nothingToRollBack(let origin): "\(origin) touched no server, so there is nothing to roll back"
    case .plan(let refusal): refusal.description
    case .refused(let refusal): refusal.description
    case .notLeftOut(let host, let group, let leftOut):
      "\(host) was not left out of service by a deployment of \(group); left out: "
        + (leftOut.isEmpty ? "none" : leftOut.joined(separator: ", "))
    case .noVersionKnown(let group):
      "it is not known which version \(group) runs: name one, or give its file a version"
    case .unknownScript(let name, let group, let known):
      "\(group) has no script \(name); it has: "
        + (known.isEmpty ? "none" : known.joined(separator: ", "))
        + ". Give its file one under runs, or hand over a file"
    case .notRolledBack(let origin, let kind):
      "\(origin) is a \(kind.words), which changed no version that there was: there is nothing to go back to"
    case .unknownServer(let host, let group): "\(group) has no server \(host); see: drawbar group ls --json"
    case .notInspected(let group):
      "no worker looked at the servers of \(group) in time; see whether one is up: drawbar worker ls"
    case .unknownCampaign(let id): "there is no campaign \(id); create one: drawbar campaign create --help"
    case .campaignExists(let id): "there is a campaign \(id) already; take another name"
    case .campaign(let refusal): refusal.description
    case .server(let refusal): refusal.description
    case .balancer(let group, let reason):
      "nothing was changed: it can't be planned without knowing which servers of \(group) are in service, and \(reason)."
        + " Try again when the load balancer answers; or go on without it: drawbar degrade --system loadBalancer --help"
    case .notRefreshed(let group, let why, let age): Self.notRefreshed(group, why, age)
    case .noSource(let group):
      "the servers of \(group) are listed in its file: change that, and drawbar group apply it"
    case .degradation(let refusal): refusal.description
    case .contended(let id): "others kept changing \(id), so nothing was done; try again"
    case .noPackageStore: "this process has no package store, so it can't plan a release"
    case .unreadable(let what): "what is stored can't be read: \(what)"
    }
  }
}

extension ReleaseError {
  private static func notRefreshed(_ group: String, _ why: SyncFailure, _ age: Milliseconds?) -> String {
    let what = "the servers of \(group) can't be refreshed: \(why)"
    guard let age else {
      return what + (why.mayBeConfirmed ? ". If that is right, say --shrink" : "; none are known yet")
    }
    let cache = "\(what). The cache was synced \(DurationText.rough(age)) ago."
    if why.code == .leftOut { return cache }
    let confirm = why.mayBeConfirmed ? " If that is right: drawbar group sync \(group) --shrink." : ""
    return "\(cache)\(confirm) To go on with the cache: drawbar degrade --system cmdb --for 1h --reason '…'"
  }
}

extension Deployment.Kind {
  /// For people.
  public var words: String {
    switch self {
    case .release: "release"
    case .rollback: "rollback"
    case .scaleOut: "scale-out"
    case .heal: "healing"
    case .dayTwo: "day-2 run"
    }
  }
}
