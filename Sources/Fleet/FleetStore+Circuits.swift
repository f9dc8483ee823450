public import Circuits
import FoundationEssentials
import RedisClient
public import Rollout

/// A circuit that a process has open, as everybody is told of it.
public struct ReportedCircuit: Codable, Sendable, Equatable {
  /// The process that says so.
  public struct Process: Codable, Sendable, Equatable {
    /// What it is, such as `drawbar-worker`.
    public var name: String
    public var host: String
    public var pid: Int

    public init(name: String, host: String, pid: Int) {
      self.name = name
      self.host = host
      self.pid = pid
    }
  }

  public var system: Degradation.System
  /// Without secrets.
  public var endpoint: String
  /// Since when it has been open: Redis' clock, in milliseconds since 1970.
  public var since: Milliseconds
  public var why: String
  public var process: Process
}

// One key beside those of groups: `circuits`, a hash of what each process said last.
extension FleetStore {
  /// How long what a process said of its circuits is believed after it said it last: one that died says no more.
  public static let circuitsBelieved: Duration = .seconds(15)

  /// Says which circuits a process has open, in place of what it said before.
  ///
  /// - Parameters:
  ///   - id: the process's own; no other has it.
  ///   - life: for how long it is believed.
  /// - Throws: `RedisError`.
  public func report(
    _ circuits: [OpenCircuit], of process: ReportedCircuit.Process, id: String,
    for life: Duration = FleetStore.circuitsBelieved
  ) async throws {
    let said = SaidCircuits(
      process: process,
      open: circuits.map {
        SaidCircuits.Circuit(
          system: $0.system, endpoint: $0.endpoint, openFor: $0.openFor.inMilliseconds, why: $0.why)
      })
    let json = circuits.isEmpty ? [] : Array(try JSONEncoder().encode(said))
    try await redis.run(
      Self.reportScript, keys: [circuitsKey],
      arguments: [.init(id), .init(max(1, life.inMilliseconds)), .init(json)])
  }

  /// The circuits that processes have open, by system and endpoint; entries of processes that have fallen silent are left out.
  ///
  /// - Throws: `RedisError`.
  public func openCircuits() async throws -> [ReportedCircuit] {
    let replies = try await redis.pipeline([
      RedisCommand("TIME"), RedisCommand("HVALS", .init(circuitsKey)),
    ])
    let now = try Self.milliseconds(replies[0])
    var found: [ReportedCircuit] = []
    for bytes in (replies[1].array ?? []).compactMap(\.bytes) {
      // When it was said, until when it is believed, and what was said. What can't be read comes from another version: it
      // is a hint for people, and hinders no command.
      let parts = bytes.split(separator: UInt8(ascii: " "), maxSplits: 2).map { Array($0) }
      guard parts.count == 3, let saidAt = Milliseconds(String(decoding: parts[0], as: UTF8.self)),
        let until = Milliseconds(String(decoding: parts[1], as: UTF8.self)), now < until,
        let said = try? JSONDecoder().decode(SaidCircuits.self, from: Data(parts[2]))
      else { continue }
      found += said.open.map {
        ReportedCircuit(
          system: $0.system, endpoint: $0.endpoint, since: saidAt - $0.openFor, why: $0.why,
          process: said.process)
      }
    }
    return found.sorted {
      ($0.system.rawValue, $0.endpoint, $0.since) < ($1.system.rawValue, $1.endpoint, $1.since)
    }
  }

  private var circuitsKey: String { prefix + "circuits" }

  /// KEYS circuits. ARGV id, milliseconds that it is believed, JSON or nothing. Drops what is no longer believed;
  /// the key goes with the last that says something.
  private static let reportScript = RedisScript(
    name: "fleet.circuits",
    source: """
      local time = redis.call('TIME')
      local now = time[1] * 1000 + math.floor(time[2] / 1000)
      local all = redis.call('HGETALL', KEYS[1])
      for index = 1, #all, 2 do
        local till = tonumber(string.match(all[index + 1], '^%d+ (%d+)'))
        if not till or till <= now then redis.call('HDEL', KEYS[1], all[index]) end
      end
      if ARGV[3] == '' then return redis.call('HDEL', KEYS[1], ARGV[1]) end
      redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %d %s', now, now + ARGV[2], ARGV[3]))
      if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
      return 1
      """)
}

/// What one process says of its circuits.
private struct SaidCircuits: Codable {
  struct Circuit: Codable {
    var system: Degradation.System
    var endpoint: String
    var openFor: Milliseconds
    var why: String
  }

  var process: ReportedCircuit.Process
  var open: [Circuit]
}

extension Duration {
  fileprivate var inMilliseconds: Int64 {
    components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
  }
}
