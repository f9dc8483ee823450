public import Circuits
public import Fleet
public import Rollout

/// A package store that fetches what it lacks from where packages come from.
///
/// What is fetched is verified against the digest that lies beside it, checked as every publication is, and published in
/// the store: from then on it is there as if it had been pushed.
public struct OriginStore: Sendable {
  /// What a download may take.
  public struct Limits: Sendable {
    /// Of an archive.
    public var bytes: Int = 4 << 30
    /// For an archive as a whole.
    public var time: Duration = .seconds(900)
    /// For its digest.
    public var digestTime: Duration = .seconds(10)

    public init() {}
  }

  let store: PackageStore
  let origin: PackageOrigin
  let limits: Limits
  let breaker: CircuitBreaker
  private let leftOut: @Sendable () async throws -> Degradation.Switch?

  /// - Parameters:
  ///   - circuits: those of this process.
  ///   - leftOut: the switch by which people do without origins now; nil where none holds.
  public init(
    _ store: PackageStore, origin: PackageOrigin, circuits: CircuitBreakers, limits: Limits = Limits(),
    leftOut: @escaping @Sendable () async throws -> Degradation.Switch?
  ) {
    self.store = store
    self.origin = origin
    self.limits = limits
    self.leftOut = leftOut
    // What takes long is ended by a limit, and a large archive takes long: slowness is no failure of its own.
    breaker = circuits.breaker(
      before: .origin, at: CircuitEndpoint(url: origin.url), rules: Circuit.Rules(slow: limits.time * 2))
  }

  /// What was published as this version; fetched first where the store lacks it. Any number may ask for the same at
  /// once, in any number of processes: it is fetched once.
  ///
  /// - Throws: ``PackageError``: `unknown` where the origin has it neither, `notFetched` with the reason and what to do;
  ///   what `leftOut` throws; `CancellationError`.
  public func locate(app: String, version: String) async throws -> PublishedPackage {
    if let package = try present(app, version) { return package }
    if let off = try await leftOut() {
      throw refused(
        app, version,
        "the origin is not asked (\(off.banner)); take that back: drawbar degrade restore --system origin")
    }
    let lock = try store.lockPath(app: app, version: version)
    do {
      return try await FileLock.hold(lock, within: limits.time * 2, what: "the fetching of \(app) \(version)")
      {
        defer { Disk.discard(lock) }
        // Whoever waited for another's download finds it here.
        if let package = try present(app, version) { return package }
        return try await fetch(app, version)
      }
    } catch let failure as DeliveryFailure {
      throw refused(app, version, failure.message)
    }
  }

  private func present(_ app: String, _ version: String) throws -> PublishedPackage? {
    do { return try store.locate(app: app, version: version) } catch PackageError.unknown { return nil }
  }

  private func fetch(_ app: String, _ version: String) async throws -> PublishedPackage {
    let name = "\(version).tar.gz"
    let incoming = try await store.incomingPath(app: app)
    defer { Disk.discard(incoming) }
    do {
      let sum = try await breaker.call(counting: Self.isFailureOfOrigin) {
        try await OriginRequest(origin, name + ".sha256").text(within: limits.digestTime)
      }
      guard let wanted = SHA256Sum.digest(of: name, in: sum) else {
        throw OriginRequest.Failed(
          "\(name).sha256 holds no digest of \(name) as sha256sum writes it", isOfOrigin: false)
      }
      let file = "\(incoming)/archive"
      let found = try await breaker.call(counting: Self.isFailureOfOrigin) {
        try await OriginRequest(origin, name).download(to: file, atMost: limits.bytes, within: limits.time)
      }
      guard found.sha256 == wanted else {
        throw OriginRequest.Failed(
          "the SHA-256 of \(name) is \(found.sha256), and \(name).sha256 says \(wanted): it was damaged, or is being replaced",
          isOfOrigin: false)
      }
      return try await store.admit(
        file, named: name, app: app, version: version, sha256: found.sha256, size: found.size)
    } catch let failed as OriginRequest.Failed where failed.isMissing {
      throw PackageError.unknownAtOrigin(
        app: app, version: version, origin: place, published: try store.versions(app: app).map(\.version))
    } catch let failed as OriginRequest.Failed {
      throw refused(app, version, "\(failed)")
    } catch let open as CircuitOpen {
      throw refused(app, version, "\(open)")
    } catch PackageError.notAPackage(_, let reason) {
      throw refused(app, version, "it is not a package: \(reason)")
    }
  }

  private static func isFailureOfOrigin(_ error: any Error) -> Bool {
    (error as? OriginRequest.Failed)?.isOfOrigin ?? false
  }

  private func refused(_ app: String, _ version: String, _ reason: String) -> PackageError {
    .notFetched(app: app, version: version, origin: place, reason: reason)
  }

  private var place: String { "\(CircuitEndpoint(url: origin.url))" }
}
