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

  /// Whether newer work than the token's has been on the server. Records nothing, and waits for nobody who
  /// works there.
  ///
  /// - Throws: ``DeliveryFailure`` (`fenced`, `unreachable`).
  func check(_ token: FenceToken, on server: Server) async throws

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
  ///   version on the disk is missing or altered, or where the order is not what its release was frozen as;
  ///   `fenced`, `unreachable`).
  func install(_ order: InstallOrder, on server: Server, under token: FenceToken) async throws

  /// Runs a script on the server: stages of day-2 runs.
  ///
  /// - Returns: the last line that it wrote; nil where it wrote none.
  /// - Throws: ``DeliveryFailure`` (`script` or `timeout` with its last lines; `checksum` where it is not what the
  ///   deployment was frozen with; `input` for a script that the deployment does not have; `fenced`, `unreachable`).
  func run(_ order: RunOrder, on server: Server, under token: FenceToken) async throws -> String?

  /// The version that is the running one by the server's disk; nil where there is none.
  ///
  /// - Throws: ``DeliveryFailure`` (`unreachable`).
  func running(on server: Server) async throws -> String?

  /// What stands on the server's disk as the running version, and the digest of the archive that it is the content of; of
  /// the content itself, where that was altered. Changes nothing.
  ///
  /// - Throws: ``DeliveryFailure`` (`unreachable`).
  func inspect(_ server: Server) async throws -> (version: String?, sha256: String?)

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
  /// How long a version that was replaced stays, also beyond that number.
  public var keepFor: Duration
  /// What the release was frozen as: the package and the scripts here must be that. nil leaves it unchecked.
  public var frozen: ReleaseDigest?

  public init(
    package: PackageVersion, deployment: String, group: String, scripts: [String: String],
    scriptTimeout: Duration, keepVersions: Int, keepFor: Duration = .zero,
    frozen: ReleaseDigest? = nil
  ) {
    self.package = package
    self.deployment = deployment
    self.group = group
    self.scripts = scripts
    self.scriptTimeout = scriptTimeout
    self.keepVersions = keepVersions
    self.keepFor = keepFor
    self.frozen = frozen
  }
}
