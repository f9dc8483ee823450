public import Delivery
public import Fleet
import FoundationEssentials
import RedisClient
public import Rollout
public import TaskQueue

/// What people say, as Redis has it: the switches of degradation, and the servers' flags.
///
/// A stage under way waits for a Redis that is restarted, instead of failing for it.
public struct LiveOrders: StageOrders {
  private let queue: Queue
  private let fleet: FleetStore
  private static let patience: Duration = .seconds(60)

  public init(queue: Queue, fleet: FleetStore) {
    self.queue = queue
    self.fleet = fleet
  }

  /// Where the switches are kept.
  public static func record() throws -> RecordID { try RecordID("degradation") }

  /// The switches that a record holds.
  public static func degradation(_ record: Record) throws -> Degradation {
    guard let bytes = record.fields["switches"] else { return Degradation() }
    return try JSONDecoder().decode(Degradation.self, from: Data(bytes))
  }

  public func leftOut(_ system: Degradation.System) async throws -> Degradation.Switch? {
    let record = try await waiting { try await queue.record(Self.record()) }
    return try Self.degradation(record).inForce(system, at: record.now)
  }

  public func pulledOut(_ host: String, of group: String) async throws -> String? {
    let marks = try await waiting { try await fleet.flags(of: group) }[host] ?? [:]
    for flag in [Flag.operator, .fault] {
      if let mark = marks[flag] { return "\(flag.rawValue) flag by \(mark.by): \(mark.reason)" }
    }
    return nil
  }

  public func toldLife(of balancer: HAProxyEndpoint) async throws -> ToldLife {
    let record = try await waiting { try await queue.record(AssertedLife.record(balancer)) }
    return .only(try AssertedLife.life(record))
  }

  private func waiting<T>(_ body: () async throws -> T) async throws -> T {
    let end = ContinuousClock.now + Self.patience
    while true {
      do { return try await body() } catch let error as RedisError {
        guard error.isConnectionFailure, ContinuousClock.now < end else { throw error }
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }
}
