/// What a group says of single stages on its hosts. Times in milliseconds. A deployment keeps a frozen copy.
public struct StageLimits: Codable, Sendable, Equatable {
  /// How many versions stay on a server's disk; 2 or more: the running one and its predecessor always do.
  public var keepVersions: Int
  /// How long a version stays after it was replaced, also beyond that number: the way back needs no download.
  public var keepFor: Int64
  /// How long one host script may run; then its process group is killed.
  public var scriptTimeout: Int64
  /// How long Markup waits for the load balancer's own check.
  public var markupTimeout: Int64

  public init(
    keepVersions: Int = 3, keepFor: Int64 = 0, scriptTimeout: Int64 = 60_000, markupTimeout: Int64 = 30_000
  ) {
    self.keepVersions = keepVersions
    self.keepFor = keepFor
    self.scriptTimeout = scriptTimeout
    self.markupTimeout = markupTimeout
  }
}
