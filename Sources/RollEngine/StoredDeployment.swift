import Delivery
import Fleet
import FoundationEssentials
import Rollout
import TaskQueue

/// A deployment as its record holds it: a head, one field a batch, and the group as it was frozen.
///
/// A commit writes only what changed, so a release of ten thousand servers rewrites one batch at a time.
struct StoredDeployment {
  var deployment: Deployment
  /// The group as it was when the deployment was created, scripts and all.
  var group: Fleet.Group
  /// What it was frozen as; nil for one that an earlier version stored.
  var frozen: ReleaseDigest?
  var revision: Int
  /// Whether its events are kept; an earlier version kept none.
  private var isTold: Bool
  /// The server's time of the reading.
  var now: Milliseconds

  private struct Head: Codable {
    var deployment: Deployment
    var batches: Int
  }

  /// Nil where the record does not exist.
  init?(_ record: Record, id: String) throws {
    guard record.revision > 0 else { return nil }
    let head: Head = try JSON.decode(record.fields["head"], "the head of \(id)")
    deployment = head.deployment
    deployment.batches = try (0..<head.batches).map { index in
      try JSON.decode(record.fields["b\(index)"], "batch \(index) of \(id)")
    }
    group = try JSON.decode(record.fields["group"], "the frozen group of \(id)")
    frozen = try record.fields["frozen"].map { try JSON.decode($0, "what \(id) was frozen as") }
    revision = record.revision
    isTold = record.fields["told"] != nil
    now = record.now
  }

  /// One that is about to be created.
  init(creating deployment: Deployment, group: Fleet.Group, now: Milliseconds) throws {
    self.deployment = deployment
    self.group = group
    frozen = try ReleaseDigest(package: deployment.package, group: group)
    revision = 0
    isTold = true
    self.now = now
  }

  /// What storing another state of it writes; nil where nothing differs.
  ///
  /// - Parameter revised: the frozen group with another list of servers, where a retry has revised it.
  func change(to after: Deployment, group revised: Fleet.Group? = nil) throws -> Commit.Change? {
    let isNew = revision == 0
    var set: [String: [UInt8]] = [:]
    var (head, headBefore) = (after, deployment)
    (head.batches, headBefore.batches) = ([], [])
    if isNew || head != headBefore || after.batches.count != deployment.batches.count {
      set["head"] = try JSON.encode(Head(deployment: head, batches: after.batches.count))
    }
    for (index, batch) in after.batches.enumerated()
    where isNew || !deployment.batches.indices.contains(index) || deployment.batches[index] != batch {
      set["b\(index)"] = try JSON.encode(batch)
    }
    if isNew || (revised ?? group) != group { set["group"] = try JSON.encode(revised ?? group) }
    if let digest = try digest(revised), isNew || digest != frozen {
      set["frozen"] = try JSON.encode(digest)
    }
    if isNew { set["told"] = Array("1".utf8) }
    let gone = (after.batches.count..<max(after.batches.count, deployment.batches.count)).map { "b\($0)" }
    guard !set.isEmpty || !gone.isEmpty else { return nil }
    return Commit.Change(try Names.deployment(after.id), expecting: revision, set: set, remove: gone)
  }
}

extension StoredDeployment {
  /// What storing another state of it adds to its events; nil where they are not kept.
  func tell(_ after: Deployment, at now: Milliseconds) throws -> Commit.Change? {
    guard isTold else { return nil }
    var told = events(from: deployment, to: after)
    if revision == 0 { told.insert(.created(deployment), at: 0) }
    return try EventLog.change(of: after.id, revision: revision + 1, at: now, told)
  }

  /// What it is frozen as; with another list of servers where a retry has revised it.
  func digest(_ revised: Fleet.Group?) throws -> ReleaseDigest? {
    guard let frozen, let revised, revised.servers != group.servers else { return frozen }
    return try frozen.revised(revised.servers)
  }
}

/// How the engine's records are written.
enum JSON {
  static func encode(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    return Array(try encoder.encode(value))
  }

  static func decode<T: Decodable>(_ bytes: [UInt8]?, _ what: String) throws -> T {
    guard let bytes else { throw ReleaseError.unreadable("\(what) is missing") }
    do {
      return try JSONDecoder().decode(T.self, from: Data(bytes))
    } catch {
      throw ReleaseError.unreadable("\(what): \(error)")
    }
  }
}
