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
  var revision: Int
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
    revision = record.revision
    now = record.now
  }

  /// One that is about to be created.
  init(creating deployment: Deployment, group: Fleet.Group, now: Milliseconds) {
    self.deployment = deployment
    self.group = group
    self.revision = 0
    self.now = now
  }

  /// What storing another state of it writes; nil where nothing differs.
  func change(to after: Deployment, group frozen: Fleet.Group? = nil) throws -> Commit.Change? {
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
    if isNew || (frozen ?? group) != group { set["group"] = try JSON.encode(frozen ?? group) }
    let gone = (after.batches.count..<max(after.batches.count, deployment.batches.count)).map { "b\($0)" }
    guard !set.isEmpty || !gone.isEmpty else { return nil }
    return Commit.Change(try Names.deployment(after.id), expecting: revision, set: set, remove: gone)
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
