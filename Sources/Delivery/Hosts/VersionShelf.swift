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
  }

  let layout: HostLayout

  /// Whether the version is there, whole, and from this very archive.
  func holds(_ package: PackageVersion) throws -> Bool {
    guard let record = try record(package.version), record.sha256 == package.sha256 else { return false }
    return try Tree.digest(of: layout.version(package.version), flush: false) == record.tree
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
    if let running = try layout.running(), running != version {
      try Disk.replace(layout.previous, with: Array(running.utf8))
    }
    if var record = try record(version) {
      record.usedAt = Disk.now()
      try write(record, version)
    }
    try Disk.replaceLink(layout.current, target: layout.target(version))
  }

  /// Removes the versions that ran longest ago, beyond a number; never the running one nor its predecessor.
  /// Takes away what a killed unpacking left, too.
  func prune(keep: Int) throws {
    let running = try layout.running()
    let previous = try Disk.read(layout.previous).map { String(decoding: $0, as: UTF8.self) }
    let names = try Disk.names(in: layout.versions)
    for leftover in names where leftover.hasPrefix(".") { Disk.discard(layout.version(leftover)) }
    let held = [running, previous].compactMap { $0 }
    let others = try names.filter { !$0.hasPrefix(".") && !held.contains($0) }
      .map { (name: $0, usedAt: try record($0)?.usedAt ?? 0) }
      .sorted { ($0.usedAt, $0.name) > ($1.usedAt, $1.name) }
    for (name, _) in others.dropFirst(max(0, keep - Set(held).count)) {
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
