import FoundationEssentials
import RedisClient

extension FleetStore {
  /// Asks a group's source of record for its servers, and keeps them. Callers that ask at the same time, in any number of
  /// processes, share one request and what came of it, a failure too. None waits longer for another than the life of a
  /// sync (``CMDB/life``), whatever becomes of that one's process: then it asks itself.
  ///
  /// Flags stay, also those of servers that the source no longer names: it may have forgotten them for one answer only.
  ///
  /// - Parameters:
  ///   - group: one with a ``Group/cmdb``; it need not be known yet.
  ///   - source: how it is asked.
  ///   - fresh: whether it must be asked after this call: what is under way will not do.
  ///   - shrink: whether an empty list, or one without more than half of the servers known, is right.
  /// - Throws: ``SyncFailure``, and then the cache is as it was; ``FleetStoreError``, `RedisError`, `CancellationError`.
  @discardableResult
  public func sync(
    _ group: Group, from source: any MetadataSource, fresh: Bool = false, shrink: Bool = false
  ) async throws -> Synced {
    try await sync(group, from: source, fresh: fresh, shrink: shrink) {
      try await Task.sleep(for: $0)
    }
  }

  /// - Parameter pause: waits before another look.
  package func sync(
    _ group: Group, from source: any MetadataSource, fresh: Bool = false, shrink: Bool = false,
    pause: @Sendable (Duration) async throws -> Void
  ) async throws -> Synced {
    guard let cmdb = group.cmdb else { throw FleetStoreError("\(group.name) has no source of servers") }
    let cache = cacheKey(group.name, cmdb)
    var wanted: Int?
    var leads = 0
    while true {
      let (record, outcome) = try await record(cache)
      let goal = wanted ?? record.wanted(fresh: fresh)
      wanted = goal
      switch record.next(for: goal) {
      case .wait(_, let atMost):
        try await pause(.milliseconds(min(Self.lookEvery, atMost)))
      case .lead(let seen), .takeOver(let seen):
        guard leads < Self.mostLeads else {
          throw SyncFailure(.contended, "none of \(leads) syncs ended in its time")
        }
        let token = String(UInt64.random(in: .min ... .max), radix: 36)
        let led = try await redis.run(
          SyncScripts.lead, keys: [cache], arguments: [.init(seen), .init(token), .init(cmdb.life)])
        guard let generation = led.int, generation > 0 else { continue }
        (leads, wanted) = (leads + 1, generation)
        try await carryOut(group, cmdb, source, shrink: shrink, token: token)
      case .take:
        let outcome = try decode(outcome, "the outcome of the sync of \(group.name)") as Outcome
        if let failure = outcome.failure {
          // Somebody else's, who has not said what this caller says.
          if shrink, failure.mayBeConfirmed {
            wanted = record.generation + 1
            continue
          }
          throw failure
        }
        return Synced(
          generation: record.ended, at: record.endedAt, servers: outcome.servers, added: outcome.added,
          gone: outcome.gone)
      }
    }
  }

  /// Milliseconds between two looks at somebody else's sync.
  private static let lookEvery: Int64 = 50
  /// Milliseconds after its time in which a source may say itself why it gives up.
  private static let grace: Int64 = 1_000
  /// How often one call asks the source: more than once only where it was held up beyond a life.
  private static let mostLeads = 3

  /// What those who wait are told.
  private struct Outcome: Codable {
    var servers = 0
    var added = 0
    var gone = 0
    var failure: SyncFailure?
  }

  private func carryOut(
    _ group: Group, _ cmdb: CMDB, _ source: any MetadataSource, shrink: Bool, token: String
  ) async throws {
    let stored = try await readableGroup(group.name)?.group
    let known = stored?.servers ?? []
    var outcome = Outcome()
    var servers: [Server]?
    do {
      let list = try await within(milliseconds: cmdb.timeout + Self.grace, or: SyncFailure.silent(cmdb)) {
        try await source.servers(of: group.name, from: cmdb).servers
      }
      if !shrink, let refusal = Shrinking.refusal(known: known, answered: list) { throw refusal }
      let (before, after) = (Set(known.map(\.host)), Set(list.map(\.host)))
      outcome = Outcome(
        servers: list.count, added: after.subtracting(before).count, gone: before.subtracting(after).count)
      servers = list
    } catch {
      if Task.isCancelled { throw error }
      outcome.failure = Self.failure(error)
    }
    let livesByIt = stored?.cmdb?.mark == cmdb.mark
    try await redis.run(
      SyncScripts.finish, keys: [cacheKey(group.name, cmdb), prefix + "revisions"],
      arguments: [
        .init(token), .init(try Self.json(outcome)), .init(try servers.map { try Self.json($0) } ?? []),
        .init(outcome.failure?.reason ?? ""), .init(livesByIt ? group.name : ""),
      ])
  }

  private static func failure(_ error: any Error) -> SyncFailure {
    switch error {
    case let failure as SyncFailure: failure
    case let invalid as InvalidServers:
      SyncFailure(.invalid, "the answer of the cmdb can't be taken: \(showable("\(invalid)"))")
    default: SyncFailure(.unreachable, "the cmdb can't be asked: \(showable("\(error)"))")
    }
  }

  /// What came from outside, as it may stand in a line of a terminal.
  private static func showable(_ text: String) -> String {
    var line = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(1_000) {
      line.append(scalar.properties.generalCategory == .control ? "?" : scalar)
    }
    return String(line)
  }

  /// How the syncs of a group stand, and the outcome of the latest that has ended.
  private func record(_ cache: String) async throws -> (record: SyncRecord, outcome: [UInt8]) {
    let replies = try await redis.pipeline([
      RedisCommand("HMGET", .init(cache), "generation", "began", "until", "ended", "endedAt", "outcome"),
      RedisCommand("TIME"),
    ])
    guard let fields = replies[0].array, fields.count == 6 else {
      throw FleetStoreError("Redis answered with something else than how the syncs stand")
    }
    var record = SyncRecord(
      generation: fields[0].int ?? 0, ended: fields[3].int ?? 0, endedAt: Int64(fields[4].int ?? 0),
      now: try Self.milliseconds(replies[1]))
    if let began = fields[1].int, let until = fields[2].int, began <= until {
      record.holds = Int64(began)..<Int64(until)
    }
    return (record, fields[5].bytes ?? [])
  }
}
