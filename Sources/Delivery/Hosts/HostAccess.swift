public import Fleet
public import Rollout

/// How a server's disk and processes are reached. One driver for each ``HostDriver``.
///
/// All functions may be called again after they were cut short at any point. Those that take a token first
/// make sure that no newer work has been on the server (``DeliveryFailure/Code/fenced``), and that no script of
/// earlier work runs on.
public protocol HostAccess: Sendable {
  /// Records the token on the server, or refuses it as late.
  ///
  /// - Throws: ``DeliveryFailure`` (`fenced`, `unreachable`).
  func admit(_ token: FenceToken, to server: Server) async throws

  /// Puts the version on the server's disk, unpacked and verified; the running version goes on.
  ///
  /// - Returns: a note for the operator: whether it was fetched or was there already.
  /// - Throws: ``DeliveryFailure`` (`checksum` where the archive is not what was published; `input` for an
  ///   archive that reaches outside of its directory; `fenced`, `unreachable`).
  func download(
    _ package: PackageVersion, from store: PackageStore, to server: Server, under token: FenceToken
  ) async throws -> String

  /// Makes the version on the disk the running one: stop, switch, start.
  ///
  /// - Throws: ``DeliveryFailure`` (`script` or `timeout` with the script's last lines; `checksum` where the
  ///   version on the disk is missing or altered; `fenced`, `unreachable`).
  func install(_ order: InstallOrder, on server: Server, under token: FenceToken) async throws

  /// The last lines of the app's log; empty where there are none.
  func appLog(of server: Server, lines: Int) async -> String
}

/// What an installation is made of.
public struct InstallOrder: Sendable, Equatable {
  public var package: PackageVersion
  /// For the scripts' environment.
  public var deployment: String
  public var group: String
  /// `start` and `stop`, with their content.
  public var scripts: [String: String]
  /// How long each script may run.
  public var scriptTimeout: Duration
  /// How many versions stay on the disk.
  public var keepVersions: Int

  public init(
    package: PackageVersion, deployment: String, group: String, scripts: [String: String],
    scriptTimeout: Duration, keepVersions: Int
  ) {
    self.package = package
    self.deployment = deployment
    self.group = group
    self.scripts = scripts
    self.scriptTimeout = scriptTimeout
    self.keepVersions = keepVersions
  }
}
