import Crypto
public import Fleet
import FoundationEssentials
public import Rollout

/// What a deployment was frozen as: digests (SHA-256, lower-case hexadecimal) of its parts, and one of all of them.
///
/// They are made once, when the deployment is created, and go with its work. What reaches a host is held against
/// them, so that no script or package that was changed since is ever run under the same release.
public struct ReleaseDigest: Codable, Sendable, Equatable {
  /// The archive's own.
  public var package: String
  /// Of the host scripts, names and contents.
  public var scripts: String
  /// Of the rules: config, limits, health check, load balancer.
  public var config: String
  /// Of the list of servers. The one part that a retry may revise, which is recorded.
  public var servers: String

  public init(package: PackageVersion, group: Group) throws {
    self.package = package.sha256
    scripts = Self.of(scripts: group.scripts)
    var rules = group
    (rules.servers, rules.scripts) = ([], [:])
    config = try Self.of(rules)
    servers = try Self.of(group.servers)
  }

  /// The one digest of all parts.
  public var whole: String { Self.of([package, scripts, config, servers]) }

  /// What must be the same for all work of one deployment on a host.
  public var atHost: String { Self.of([package, scripts, config]) }

  /// With another list of servers.
  public func revised(_ servers: [Server]) throws -> ReleaseDigest {
    var revised = self
    revised.servers = try Self.of(servers)
    return revised
  }

  /// The digest of host scripts. A byte of content, or a name, and it is another.
  public static func of(scripts: [String: String]) -> String {
    of(scripts.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] })
  }

  private static func of(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Disk.hexadecimal(SHA256.hash(data: try encoder.encode(value)))
  }

  /// Each text with its length, so that no two lists run together to the same.
  private static func of(_ texts: [String]) -> String {
    var hash = SHA256()
    for text in texts { hash.update(data: Array("\(text.utf8.count):\(text)".utf8)) }
    return Disk.hexadecimal(hash.finalize())
  }
}

extension InstallOrder {
  /// Refuses an order whose content is not what its release was frozen as.
  ///
  /// - Throws: ``DeliveryFailure`` (`checksum`) that names both digests.
  func checkFrozen() throws {
    guard let frozen else { return }
    let scripts = ReleaseDigest.of(scripts: scripts)
    guard scripts == frozen.scripts else {
      throw Self.changed("the host scripts", deployment, frozen: frozen.scripts, given: scripts)
    }
    guard package.sha256 == frozen.package else {
      throw Self.changed("the package", deployment, frozen: frozen.package, given: package.sha256)
    }
  }

  static func changed(_ what: String, _ deployment: String, frozen: String, given: String) -> DeliveryFailure
  {
    DeliveryFailure(
      .checksum,
      "\(what) of \(deployment) changed after it was frozen: it was frozen as \(frozen), this is \(given);"
        + " nothing was run. A change is for a new release", mayPass: false)
  }
}
