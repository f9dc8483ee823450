/// What a server says of itself, asked once on every connect.
public struct RedisServerInfo: Sendable, Hashable {
  /// A name of this life of the server: another one after every restart. Empty where the server hides it.
  public var runID: String
  /// The version, such as `7.0.15`.
  public var version: String
  /// What the server does when its memory is full: `noeviction`, `allkeys-lru` …
  public var maxmemoryPolicy: String
  /// `master` or `slave`.
  public var role: String
  /// Whether the server writes an append-only file.
  public var appendOnly: Bool

  /// Reads the text that `INFO` answers; fields that are missing stay empty.
  init(info: String) {
    var fields: [Substring: Substring] = [:]
    for line in info.split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { fields[parts[0]] = parts[1] }
    }
    func field(_ name: Substring) -> String { String(fields[name] ?? "") }
    runID = field("run_id")
    version = field("redis_version")
    maxmemoryPolicy = field("maxmemory_policy")
    role = field("role")
    appendOnly = field("aof_enabled") == "1"
  }
}
