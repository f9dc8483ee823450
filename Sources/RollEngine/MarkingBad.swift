public import Delivery
import Fleet
import Rollout
import TaskQueue

extension Releases {
  /// Marks a version bad: it is released no more, and no rollback returns to it. Deployments of it that are under way
  /// have it in their records.
  ///
  /// - Returns: nil where this process has no package store: the mark is kept in Redis alone, which counts as much.
  /// - Throws: `PackageError.unknown`; `RedisError`.
  @discardableResult
  public func markBad(app: String, version: String, by: String, reason: String) async throws
    -> PublishedPackage?
  {
    let package = try await packages?.markBad(app: app, version: version, by: by, reason: reason)
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let record = try await queue.record(Names.bad(app))
      let mark = PublishedPackage.BadMark(by: by, reason: reason, at: record.now)
      var commit = Commit()
      commit.changes = [
        Commit.Change(
          try Names.bad(app), expecting: record.revision, set: [version: try JSON.encode(mark)])
      ]
      guard try await queue.commit(commit) == .committed else {
        if attempt == Self.attempts - 1 { throw ReleaseError.contended(app) }
        continue
      }
      break
    }
    for id in try await activeDeployments() {
      let deployment = try await load(id).deployment
      guard deployment.package.app == app, deployment.package.version == version else { continue }
      try await tell(id, what: "mark-bad", by: by, reason: reason)
    }
    return package
  }

  /// Takes a mark back: the version may be released again, and be rolled back to.
  ///
  /// - Throws: ``ReleaseError/notBad(app:version:)``; `PackageError.unknown`; `RedisError`.
  public func unmarkBad(app: String, version: String, by: String, reason: String) async throws {
    let stored = try packages?.locate(app: app, version: version).bad
    // Either alone keeps a version from being released; the one in Redis goes last, so that saying it again mends what
    // was cut off.
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let record = try await queue.record(Names.bad(app))
      guard stored != nil || record.fields[version] != nil else {
        throw ReleaseError.notBad(app: app, version: version)
      }
      if stored != nil { _ = try await packages?.unmarkBad(app: app, version: version) }
      if record.fields[version] != nil {
        var commit = Commit()
        commit.changes = [
          Commit.Change(try Names.bad(app), expecting: record.revision, set: [:], remove: [version])
        ]
        guard try await queue.commit(commit) == .committed else { continue }
      }
      return try await note("unmark-bad", on: "\(app) \(version)", by: by, why: reason)
    }
    throw ReleaseError.contended(app)
  }

  /// Why a version is bad; nil while it isn't.
  func badMark(app: String, version: String) async throws -> String? {
    let record = try await queue.record(Names.bad(app))
    guard let bytes = record.fields[version] else { return nil }
    let mark: PublishedPackage.BadMark = try JSON.decode(bytes, "the mark of \(app) \(version)")
    return mark.reason
  }
}
