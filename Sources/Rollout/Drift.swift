/// What a server should be.
public struct ServerIntent: Codable, Sendable, Equatable {
  /// The hostname.
  public var host: String
  /// The version that it should run, and its archive's digest; nil where none was ever released to it.
  public var package: PackageVersion?
  /// Whether the load balancer should send it requests; nil where there is none.
  public var inService: Bool?
  /// The pull-out flags that it should carry.
  public var flags: Set<String>

  /// A server as it should be.
  public init(host: String, package: PackageVersion?, inService: Bool?, flags: Set<String> = []) {
    self.host = host
    self.package = package
    self.inService = inService
    self.flags = flags
  }
}

/// What a server is, as far as it was asked.
public struct ServerState: Codable, Sendable, Equatable {
  /// The hostname.
  public var host: String
  /// Why it could not be asked; nil where it answered.
  public var unreachable: String?
  /// The version that it reports; nil where it reports none.
  public var version: String?
  /// The digest of what it runs; nil where that was not looked at.
  public var sha256: String?
  /// Whether the load balancer sends it requests; nil where that is not known.
  public var inService: Bool?
  /// The pull-out flags that it carries where they are kept.
  public var flags: Set<String>

  /// A server as it was found.
  public init(
    host: String, unreachable: String? = nil, version: String? = nil, sha256: String? = nil,
    inService: Bool? = nil, flags: Set<String> = []
  ) {
    self.host = host
    self.unreachable = unreachable
    self.version = version
    self.sha256 = sha256
    self.inService = inService
    self.flags = flags
  }
}

/// One thing in which a server differs from what it should be.
public enum Difference: Sendable, Equatable {
  /// It is not there to be asked, or could not be.
  case unreachable(String)
  /// It was found and should not be there at all.
  case stray
  /// It runs another version, or none.
  case version(should: String, is: String?)
  /// It says that it runs the version, and what it runs is not what was published.
  case checksum(should: String, is: String)
  /// It is in service and should not be, or the other way round.
  case inService(should: Bool)
  /// It should carry a flag.
  case flagMissing(String)
  /// It carries a flag that nobody remembers.
  case flagUnknown(String)
}

/// The differences of one server.
public struct Drift: Sendable, Equatable {
  /// The server.
  public var host: String
  /// In what it differs; never empty.
  public var differences: [Difference]

  /// A server and in what it differs.
  public init(host: String, differences: [Difference]) {
    self.host = host
    self.differences = differences
  }
}

/// Compares what each server should be with what it is.
///
/// - Parameters:
///   - intents: every server that there should be.
///   - states: every server that was found, whatever the order.
/// - Returns: the servers that differ, by hostname. What could not be asked is no difference but in that.
public func drift(should intents: [ServerIntent], is states: [ServerState]) -> [Drift] {
  let found = Dictionary(states.map { ($0.host, $0) }, uniquingKeysWith: { _, new in new })
  let wanted = Set(intents.map(\.host))
  let known = intents.map { intent in
    Drift(host: intent.host, differences: differences(intent, found[intent.host]))
  }
  let strays = found.keys.filter { !wanted.contains($0) }.map { Drift(host: $0, differences: [.stray]) }
  return (known + strays).filter { !$0.differences.isEmpty }.sorted { $0.host < $1.host }
}

private func differences(_ intent: ServerIntent, _ state: ServerState?) -> [Difference] {
  guard let state else { return [.unreachable("nobody has found it")] }
  var found: [Difference] = []
  if let why = state.unreachable {
    found.append(.unreachable(why))
  } else if let package = intent.package {
    if state.version != package.version {
      found.append(.version(should: package.version, is: state.version))
    } else if let sha256 = state.sha256, sha256 != package.sha256 {
      found.append(.checksum(should: package.sha256, is: sha256))
    }
  }
  if let should = intent.inService, let live = state.inService, should != live {
    found.append(.inService(should: should))
  }
  found += intent.flags.subtracting(state.flags).sorted().map(Difference.flagMissing)
  found += state.flags.subtracting(intent.flags).sorted().map(Difference.flagUnknown)
  return found
}

extension Difference: CustomStringConvertible {
  /// The difference in words.
  public var description: String {
    switch self {
    case .unreachable(let why): "could not be asked: \(why)"
    case .stray: "is in no record"
    case .version(let should, let version): "runs \(version ?? "no version"), should run \(should)"
    case .checksum(let should, let sha256):
      "says it runs the version, but its digest is \(sha256.prefix(12)), not \(should.prefix(12))"
    case .inService(true): "is out of service and should serve"
    case .inService(false): "serves and should be out of service"
    case .flagMissing(let flag): "lacks the flag \(flag)"
    case .flagUnknown(let flag): "carries the flag \(flag), which is in no record"
    }
  }
}
