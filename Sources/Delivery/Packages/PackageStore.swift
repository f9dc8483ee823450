import Fleet
import FoundationEssentials
public import Rollout

/// The packages of all apps, in a directory that publishers and workers share:
/// `<app>/<version>.tar.gz` beside `<app>/<version>.json`, which says what was published.
///
/// The JSON is what publishes: it is renamed into place last, so half a publication is none. All checking
/// happens against digests; a worker trusts the one that its deployment froze and not the store.
public struct PackageStore: Sendable {
  /// Absolute.
  public let directory: String
  /// What an archive may unpack to, in bytes: one that is damaged or hostile must not fill the volume.
  var unpackedLimit = 16 << 30
  /// Has a version here that is lacking.
  private var bring: (@Sendable (_ app: String, _ version: String) async throws -> Void)?

  /// Takes the directory as it is; it is made on the first publication.
  public init(directory: String) { self.directory = directory }

  /// The same store, which fetches from an origin what a host needs and it lacks.
  public func backed(by origin: OriginStore) -> PackageStore {
    var store = self
    store.bring = { app, version in _ = try await origin.locate(app: app, version: version) }
    return store
  }

  /// Publishes an archive as a version, all or nothing. Publishing the same content again changes nothing.
  ///
  /// - Parameters:
  ///   - archive: the path of a `.tar.gz` with an executable `run` at its root.
  ///   - at: milliseconds since 1970; nil takes this machine's clock.
  /// - Throws: ``PackageError``: a name that is not allowed, an archive that is not a package, a version that
  ///   exists with another content, a store that can't be written.
  public func publish(app: String, version: String, archive: String, at: Int64? = nil) async throws
    -> PublishedPackage
  {
    try Self.check(app: app, version: version)
    let incoming = try await incomingPath(app: app)
    defer { Disk.discard(incoming) }
    let copy = "\(incoming)/archive"
    do {
      let (sha256, size) = try await Disk.offloaded { try Disk.copy(archive, to: copy) }
      return try await admit(
        copy, named: archive, app: app, version: version, sha256: sha256, size: size, at: at)
    } catch let error as DiskError {
      throw Self.refusal(of: error, copying: archive)
    }
  }

  /// Publishes an archive that is in the store already, in a directory of `incomingPath`, by renaming it.
  ///
  /// - Parameter archive: what errors call it.
  func admit(
    _ copy: String, named archive: String, app: String, version: String, sha256: String, size: Int,
    at: Int64? = nil
  ) async throws -> PublishedPackage {
    try await inspect(copy, named: archive, in: "\(copy).tree")
    let folder = "\(directory)/\(app)"
    return try await locked(app) {
      if let before = try published(app: app, version: version) {
        guard before.sha256 == sha256 else {
          throw PackageError.differs(app: app, version: version, published: before.sha256, given: sha256)
        }
        return before
      }
      let package = PublishedPackage(
        app: app, version: version, sha256: sha256, size: size, publishedAt: at ?? Disk.now())
      try stored(folder) {
        try Disk.rename(copy, to: path(app: app, version: version))
        try write(package)
      }
      return package
    }
  }

  /// What was published as this version.
  ///
  /// - Throws: ``PackageError/unknown(app:version:published:)`` with the versions there are.
  public func locate(app: String, version: String) throws -> PublishedPackage {
    try Self.check(app: app, version: version)
    if let package = try published(app: app, version: version) { return package }
    throw PackageError.unknown(
      app: app, version: version, published: try versions(app: app).map(\.version))
  }

  /// Every version of an app, the latest published first; none for an app that is unknown.
  public func versions(app: String) throws -> [PublishedPackage] {
    try Self.check(app: app, version: "1")
    let names = try stored(directory) { try Disk.names(in: "\(directory)/\(app)") }
    return try names.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }
      .compactMap { try published(app: app, version: String($0.dropLast(5))) }
      .sorted { ($0.publishedAt, $0.version) > ($1.publishedAt, $1.version) }
  }

  /// Every app that has a package, by name.
  public func apps() throws -> [String] {
    try stored(directory) { try Disk.names(in: directory) }.filter { NameRule.name.accepts($0) }.sorted()
  }

  /// Marks a version bad: it is not released any more, and no rollback returns to it.
  ///
  /// - Throws: ``PackageError/unknown(app:version:published:)``.
  public func markBad(app: String, version: String, by: String, reason: String) async throws
    -> PublishedPackage
  {
    try await mark(app, version, .init(by: by, reason: reason, at: Disk.now()))
  }

  /// Takes the mark of a version back.
  ///
  /// - Throws: ``PackageError/unknown(app:version:published:)``.
  public func unmarkBad(app: String, version: String) async throws -> PublishedPackage {
    try await mark(app, version, nil)
  }

  private func mark(
    _ app: String, _ version: String, _ mark: PublishedPackage.BadMark?
  ) async throws -> PublishedPackage {
    var package = try locate(app: app, version: version)
    package.bad = mark
    let marked = package
    return try await locked(app) {
      try stored(directory) { try write(marked) }
      return marked
    }
  }

  /// Copies a version's archive to a new file, and verifies it on the way.
  ///
  /// - Throws: ``DeliveryFailure``: `checksum` where the content's SHA-256 is not the wanted one (the file is
  ///   removed), `unreachable` where it can't be read.
  public func fetch(_ package: PackageVersion, into file: String) async throws {
    try Self.check(app: package.app, version: package.version)
    if let bring, try published(app: package.app, version: package.version) == nil {
      do { try await bring(package.app, package.version) } catch let error as PackageError {
        throw DeliveryFailure(.unreachable, "\(error)")
      }
    }
    let source = path(app: package.app, version: package.version)
    let sha256: String
    do {
      (sha256, _) = try await Disk.offloaded { try Disk.copy(source, to: file) }
    } catch let error as DiskError {
      throw DeliveryFailure(
        .unreachable,
        "the archive of \(package.app) \(package.version) can't be copied from the package store: \(error)")
    }
    guard sha256 == package.sha256 else {
      Disk.discard(file)
      throw DeliveryFailure(
        .checksum,
        "the archive of \(package.app) \(package.version) is not what was published: its SHA-256 is \(sha256),"
          + " the deployment's is \(package.sha256); restore \(source), nothing was installed")
    }
  }

  /// One change of an app's packages at a time.
  private func locked<T>(_ app: String, _ body: () async throws -> T) async throws -> T {
    try await FileLock.hold(
      "\(directory)/\(app)/.lock", within: .seconds(30), what: "the package store", body)
  }

  /// What is locked while a version is fetched.
  func lockPath(app: String, version: String) throws -> String {
    try Self.check(app: app, version: version)
    let folder = "\(directory)/\(app)"
    try stored(folder) { try Disk.makeDirectory(folder) }
    return "\(folder)/.fetching-\(version).lock"
  }

  /// A new directory for what comes from elsewhere; whoever made it removes it.
  func incomingPath(app: String) async throws -> String {
    let folder = "\(directory)/\(app)"
    // Of processes that were killed. Whoever still works in one is done with it, or given up, long before that.
    let old = Date(timeIntervalSinceNow: -2 * 3600)
    try await Disk.offloaded { [self] in
      for name in try stored(folder, { try Disk.names(in: folder) }) where name.hasPrefix(".incoming-") {
        if let changed = Disk.changed("\(folder)/\(name)"), changed < old {
          Disk.discard("\(folder)/\(name)")
        }
      }
    }
    let incoming = "\(folder)/.incoming-\(Disk.nonce())"
    try stored(folder) { try Disk.makeDirectory(incoming) }
    return incoming
  }

  private func path(app: String, version: String) -> String { "\(directory)/\(app)/\(version).tar.gz" }

  private func published(app: String, version: String) throws -> PublishedPackage? {
    let file = "\(directory)/\(app)/\(version).json"
    return try stored(file) {
      guard let bytes = try Disk.read(file) else { return nil }
      return try JSONDecoder().decode(PublishedPackage.self, from: Data(bytes))
    }
  }

  private func write(_ package: PublishedPackage) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    try Disk.replace(
      "\(directory)/\(package.app)/\(package.version).json", with: Array(try encoder.encode(package)))
  }

  /// Unpacks a copy to see that it can be, and that it is a package.
  private func inspect(_ copy: String, named archive: String, in tree: String) async throws {
    do {
      try await Archive.refuse(copy, above: unpackedLimit)
      try await Archive.unpack(copy, into: tree)
    } catch let failure as DeliveryFailure {
      guard failure.code == .input else { throw PackageError.store(path: tree, reason: failure.message) }
      throw PackageError.notAPackage(archive: archive, reason: failure.message)
    } catch let error as DiskError {
      // What it unpacked to can't be read, as by the rights that it gives.
      throw PackageError.notAPackage(archive: archive, reason: "\(error)")
    }
    guard Disk.isExecutable("\(tree)/run") else {
      throw PackageError.notAPackage(archive: archive, reason: "it has no executable `run` at its root")
    }
  }

  /// A copy fails by what is read, or by the store that it is written to.
  static func refusal(of error: DiskError, copying archive: String) -> PackageError {
    guard error.path == archive else { return .store(path: error.path, reason: "\(error)") }
    return .notAPackage(archive: archive, reason: "\(error)")
  }

  /// Says of a failure on the store's own files that it is one.
  private func stored<T>(_ path: String, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as PackageError { throw error } catch {
      throw PackageError.store(path: path, reason: "\(error)")
    }
  }

  private static func check(app: String, version: String) throws(PackageError) {
    guard NameRule.name.accepts(app) else {
      throw .invalidName(field: "app", value: app, allowed: NameRule.name.allowed)
    }
    guard NameRule.version.accepts(version) else {
      throw .invalidName(field: "version", value: version, allowed: NameRule.version.allowed)
    }
  }
}
