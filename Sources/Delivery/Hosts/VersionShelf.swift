import Fleet
import FoundationEssentials
import Rollout

/// The versions on one server's disk. One counts only with its record: written before the directory has its
/// name, so half an unpacking is never a version, and what was altered later is found out.
struct VersionShelf: Sendable {
  /// What a version's directory must be.
  struct Record: Codable, Equatable {
    /// Of the archive.
    var sha256: String
    /// Of the unpacked tree; see ``Tree``.
    var tree: String
    /// Milliseconds since 1970 when it was last made the running version; 0 before.
    var usedAt: Int64
    /// Milliseconds since 1970 when another version took its place; nil where none has.
    var replacedAt: Int64?
  }

  let layout: HostLayout

  /// Whether the version is there, whole, and from this very archive.
  func holds(_ package: PackageVersion) throws -> Bool {
    guard let record = try record(package.version), record.sha256 == package.sha256 else { return false }
    return try Tree.digest(of: layout.version(package.version), flush: false) == record.tree
  }

  /// The digest of the archive that a version is the content of; where it was altered, or nobody knows what it was, of
  /// the content itself.
  func digest(of version: String) throws -> String {
    let tree = try Tree.digest(of: layout.version(version), flush: false)
    guard let record = try record(version), record.tree == tree else { return tree }
    return record.sha256
  }

  /// Gives an unpacked tree its name among the versions, in one step. Must be called under the server's lock.
  func shelve(_ tree: String, as package: PackageVersion) throws {
    let digest = try Tree.digest(of: tree, flush: true)
    let place = layout.version(package.version)
    if Disk.exists(place) {
      // Not what was published, else it would have been kept. A process that runs from it keeps its files.
      let aside = "\(layout.versions)/.old-\(Disk.nonce())"
      try Disk.rename(place, to: aside)
      Disk.discard(aside)
    }
    try write(Record(sha256: package.sha256, tree: digest, usedAt: 0), package.version)
    try Disk.rename(tree, to: place)
  }

  /// Makes the version the current one, and remembers its predecessor.
  func switchTo(_ version: String) throws {
    let now = Disk.now()
    if let running = try layout.running(), running != version {
      try Disk.replace(layout.previous, with: Array(running.utf8))
      if var record = try record(running) {
        record.replacedAt = now
        try write(record, running)
      }
    }
    if var record = try record(version) {
      (record.usedAt, record.replacedAt) = (now, nil)
      try write(record, version)
    }
    try Disk.replaceLink(layout.current, target: layout.target(version))
  }

  /// Removes the versions that ran longest ago, beyond a number and replaced for longer than a time; never the
  /// running one nor its predecessor. Takes away what a killed unpacking left, too.
  func prune(keep: Int, replacedFor age: Duration) throws {
    let running = try layout.running()
    let previous = try Disk.read(layout.previous).map { String(decoding: $0, as: UTF8.self) }
    let names = try Disk.names(in: layout.versions)
    for leftover in names where leftover.hasPrefix(".") { Disk.discard(layout.version(leftover)) }
    let held = [running, previous].compactMap { $0 }
    let others = try names.filter { !$0.hasPrefix(".") && !held.contains($0) }
      .map { (name: $0, record: try record($0)) }
      .sorted { ($0.record?.usedAt ?? 0, $0.name) > ($1.record?.usedAt ?? 0, $1.name) }
    let since = Disk.now() - Int64(age / .milliseconds(1))
    for (name, record) in others.dropFirst(max(0, keep - Set(held).count)) {
      if age > .zero, let replacedAt = record?.replacedAt, replacedAt > since { continue }
      // The record goes first: without it the directory is no version.
      Disk.discard(layout.record(name))
      Disk.discard(layout.version(name))
    }
  }

  private func record(_ version: String) throws -> Record? {
    guard let bytes = try Disk.read(layout.record(version)) else { return nil }
    return try? JSONDecoder().decode(Record.self, from: Data(bytes))
  }

  private func write(_ record: Record, _ version: String) throws {
    try Disk.replace(layout.record(version), with: Array(try JSONEncoder().encode(record)))
  }
}
