import Fleet

/// Where everything stands in a server's directory.
///
/// ```
/// versions/<version>/     one directory a version, as its archive unpacked
/// current                 a symbolic link to the running version's directory
/// app.log                 what the app writes
/// .drawbar/lock           held by whoever works here
/// .drawbar/fence          the highest token seen
/// .drawbar/frozen         what the latest deployment was frozen as
/// .drawbar/previous       the version that ran before the current one
/// .drawbar/versions/      <version>.json: the digests that the version's directory must have
/// .drawbar/scripts/       the host scripts that were run last, and their output
/// ```
struct HostLayout {
  let root: String

  init(_ server: Server) { root = server.directory }

  var versions: String { "\(root)/versions" }
  var current: String { "\(root)/current" }
  var appLog: String { "\(root)/app.log" }
  var own: String { "\(root)/.drawbar" }
  var lock: String { "\(own)/lock" }
  var fence: String { "\(own)/fence" }
  var frozen: String { "\(own)/frozen" }
  var previous: String { "\(own)/previous" }
  var records: String { "\(own)/versions" }
  var scripts: String { "\(own)/scripts" }
  var scriptMark: String { "\(scripts)/running" }

  func version(_ name: String) -> String { "\(versions)/\(name)" }
  func record(_ name: String) -> String { "\(records)/\(name).json" }
  func script(_ name: String) -> String { "\(scripts)/\(name)" }
  func output(_ name: String) -> String { "\(scripts)/\(name).log" }

  /// What the current link's target is for a version; relative, so the directory may be moved.
  func target(_ name: String) -> String { "versions/\(name)" }

  /// The version that `current` points to.
  func running() throws(DiskError) -> String? {
    guard let target = try Disk.linkTarget(current), target.hasPrefix("versions/") else { return nil }
    return String(target.dropFirst("versions/".count))
  }

  func makeDirectories() throws(DiskError) {
    for path in [versions, records, scripts] { try Disk.makeDirectory(path) }
  }
}
