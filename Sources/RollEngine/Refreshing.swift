public import Fleet
import Logging
import Rollout
import TaskQueue
import Workflows

extension Releases {
  /// Takes note that the servers of a group have changed in its source of record, and asks that for them: what a change
  /// notification calls. All that come while one request is under way share the next.
  ///
  /// - Throws: as ``sync(group:fresh:shrink:)``.
  @discardableResult
  public func changed(group: String) async throws -> Synced { try await sync(group: group, fresh: true) }

  /// Asks a group's source of record for its servers, whoever else does so at the same time: there is one request. A
  /// deployment under way keeps its list of servers until a retry.
  ///
  /// - Parameters:
  ///   - fresh: whether the source must be asked after this call: what is under way will not do.
  ///   - shrink: whether an empty list, or one without more than half of the servers known, is right.
  /// - Throws: ``ReleaseError/notRefreshed(group:why:age:)``, and then the servers known stay;
  ///   ``ReleaseError/noSource(group:)``, ``ReleaseError/unknownGroup(_:)``; `RedisError`.
  @discardableResult
  public func sync(group name: String, fresh: Bool = false, shrink: Bool = false) async throws -> Synced {
    guard let known = try await fleet.group(name) else { throw ReleaseError.unknownGroup(name) }
    guard known.group.cmdb != nil else { throw ReleaseError.noSource(group: name) }
    do {
      if let left = try await leftOut() { throw left }
      return try await sync(known.group, fresh: fresh, shrink: shrink)
    } catch let why as SyncFailure {
      throw ReleaseError.notRefreshed(group: name, why: why, age: known.cache?.age)
    }
  }

  /// Brings the servers of a group up to date before something is made of them. While `cmdb` is left out nothing is asked,
  /// and the cache is good enough.
  ///
  /// - Throws: ``ReleaseError/notRefreshed(group:why:age:)``; `RedisError`.
  func refresh(_ name: String) async throws {
    guard let known = try await fleet.group(name), known.group.cmdb != nil, try await leftOut() == nil
    else { return }
    do { try await sync(known.group) } catch let why as SyncFailure {
      throw ReleaseError.notRefreshed(group: name, why: why, age: known.cache?.age)
    }
  }

  /// A group with its servers as they are now.
  func refreshed(_ name: String) async throws -> Fleet.Group {
    try await refresh(name)
    return try await knownGroup(name)
  }

  /// Brings up to date what is older than its file allows. Groups that can't be are told of, and tried at the next look.
  func refreshOld() async throws {
    guard try await leftOut() == nil else { return }
    let old = try await readableGroups().filter { known in
      guard let cmdb = known.group.cmdb else { return false }
      return known.cache.map { $0.age >= cmdb.refresh } ?? true
    }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      for (index, known) in old.enumerated() {
        if index >= Self.refreshedAtOnce { try await tasks.next() }
        tasks.addTask {
          do { try await sync(known.group) } catch {
            if Task.isCancelled { throw error }
            logger.warning("the servers of \(known.group.name) can't be refreshed: \(error)")
          }
        }
      }
      try await tasks.waitForAll()
    }
  }

  /// Every group that this version can read; what it can't is told of, and the others don't wait for it to be mended.
  func readableGroups() async throws -> [FleetStore.Known] {
    try await fleet.groups { logger.error("\($0)") }
  }

  private static let refreshedAtOnce = 8

  @discardableResult
  func sync(_ group: Fleet.Group, fresh: Bool = false, shrink: Bool = false) async throws -> Synced {
    try await fleet.sync(group, from: metadata, fresh: fresh, shrink: shrink)
  }

  /// Why sources of record are not asked now; nil where they are.
  func leftOut() async throws -> SyncFailure? {
    let view = try await degradation()
    guard let off = view.degradation.inForce(.cmdb, at: view.now) else { return nil }
    return SyncFailure(
      .leftOut, "cmdb is left out, by \(off.by): \(off.reason); drawbar degrade restore --system cmdb")
  }
}
