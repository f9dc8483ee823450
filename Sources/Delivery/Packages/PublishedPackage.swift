public import Rollout

/// A version of an app as it was published: immutable but for its bad mark.
public struct PublishedPackage: Codable, Sendable, Equatable {
  public var app: String
  public var version: String
  /// Of the archive, in lower-case hexadecimal.
  public var sha256: String
  /// Of the archive, in bytes.
  public var size: Int
  /// Milliseconds since 1970, by the clock of the machine that published it.
  public var publishedAt: Int64
  /// Why it must not be released any more; nil while it may be.
  public var bad: BadMark?

  /// Who marked a version bad, why and when (milliseconds since 1970).
  public struct BadMark: Codable, Sendable, Equatable {
    public var by: String
    public var reason: String
    public var at: Int64

    public init(by: String, reason: String, at: Int64) {
      self.by = by
      self.reason = reason
      self.at = at
    }
  }

  public init(
    app: String, version: String, sha256: String, size: Int, publishedAt: Int64, bad: BadMark? = nil
  ) {
    self.app = app
    self.version = version
    self.sha256 = sha256
    self.size = size
    self.publishedAt = publishedAt
    self.bad = bad
  }

  /// What a deployment freezes of it.
  public var reference: PackageVersion {
    PackageVersion(app: app, version: version, sha256: sha256, size: size)
  }
}

/// A package that was refused, or that is not there.
public enum PackageError: Error, Sendable, Equatable, CustomStringConvertible {
  case invalidName(field: String, value: String, allowed: String)
  /// The version exists with another content.
  case differs(app: String, version: String, published: String, given: String)
  case unknown(app: String, version: String, published: [String])
  /// Neither the store nor the origin has it.
  case unknownAtOrigin(app: String, version: String, origin: String, published: [String])
  /// The store lacks it, and it can't be had from the origin.
  case notFetched(app: String, version: String, origin: String, reason: String)
  /// The archive can't be read, or is not a package.
  case notAPackage(archive: String, reason: String)
  /// The store's own files can't be read or written.
  case store(path: String, reason: String)

  public var description: String {
    switch self {
    case .invalidName(let field, let value, let allowed):
      "\"\(value.prefix(60))\" can't be the \(field) of a package: \(allowed)"
    case .differs(let app, let version, let published, let given):
      "\(app) \(version) was published before with another content (SHA-256 \(published), this one is \(given));"
        + " a version never changes: publish this content under a new version"
    case .unknown(let app, let version, let published):
      "version \(version) of \(app) was never published; published: "
        + (published.isEmpty ? "none" : published.joined(separator: ", "))
    case .unknownAtOrigin(let app, let version, let origin, let published):
      "version \(version) of \(app) was never published, and \(origin) has none either; published: "
        + (published.isEmpty ? "none" : published.joined(separator: ", "))
    case .notFetched(let app, let version, let origin, let reason):
      "version \(version) of \(app) is not in the package store, and can't be had from \(origin): \(reason)."
        + " Mend that, or publish it by hand: drawbar package push \(app) \(version) FILE"
    case .notAPackage(let archive, let reason):
      "\(archive) is not a package: \(reason); a package is a .tar.gz with an executable `run` at its root"
    case .store(let path, let reason):
      "the package store can't use \(path): \(reason); check that it exists and that this user may write there"
    }
  }
}
