/// Where the packages of a group's app come from that the package store doesn't have.
public struct PackageOrigin: Codable, Sendable, Equatable, Hashable {
  /// An `http` or `https` URL without user, password and query; below it lie `<version>.tar.gz` and
  /// `<version>.tar.gz.sha256`.
  public var url: String
  /// The file with the token that is sent as `Authorization: Bearer`, read by whoever fetches.
  public var tokenFile: String?

  public init(url: String, tokenFile: String? = nil) {
    self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
    self.tokenFile = tokenFile
  }
}
