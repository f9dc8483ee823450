/// The source of record that says which servers a group has, in place of a list in its file.
///
/// It is asked over HTTP and answers with JSON: see ``ServerList/init(json:)``. Everything else of the group stays its
/// file's. The secret that it may want is in a file of its own, read by whoever asks; it is stored nowhere.
public struct CMDB: Codable, Sendable, Equatable {
  /// `http` or `https`, without a user and a password in it.
  public var url: String
  /// An absolute path; what the file holds is sent as `Authorization: Bearer …`.
  public var tokenFile: String?
  /// Milliseconds that asking and reading the answer may take.
  public var timeout: Int64
  /// Milliseconds after which coordinators ask again by themselves.
  public var refresh: Int64

  public init(url: String, tokenFile: String? = nil, timeout: Int64 = 5_000, refresh: Int64 = 600_000) {
    self.url = url
    self.tokenFile = tokenFile
    self.timeout = timeout
    self.refresh = refresh
  }

  /// Milliseconds that one sync may keep others waiting, whatever becomes of its process: the time to ask, and a
  /// little to store what came.
  public var life: Int64 { timeout + 3_000 }

  /// Two are the same source where this is: what was cached from another is not to be taken for its answer.
  var mark: String { ShortDigest.of(url) }
}
