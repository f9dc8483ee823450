/// The switches by which people do without an external system for a while.
///
/// Each has an author, a reason and an expiry, and shows a banner for as long as it is thrown. Nobody has to
/// remember to throw it back: whoever asks says what time it is.
public struct Degradation: Codable, Sendable, Equatable {
  /// Something that a release can do without.
  public enum System: String, Codable, Sendable, CaseIterable {
    /// Markdown and Markup succeed without having been done, and are reconciled later; the second gate
    /// stands open.
    case loadBalancer
    /// The cached groups only; their age is shown.
    case cmdb
    /// Nobody is told.
    case notifications
    /// Packages from the local store only.
    case origin
  }

  /// One system, switched off.
  public struct Switch: Codable, Sendable, Equatable {
    /// What is done without.
    public var system: System
    /// Who threw it: a person, or a declared policy.
    public var by: String
    /// Why.
    public var reason: String
    /// When it was thrown.
    public var since: Milliseconds
    /// From this instant on it no longer holds.
    public var until: Milliseconds

    /// What people are shown while it holds.
    public var banner: String {
      "DEGRADED: \(system.rawValue) is left out, by \(by): \(reason)"
    }
  }

  /// Why a switch was not thrown.
  public enum Refusal: Error, Sendable, Equatable {
    /// A switch needs a reason that can be read.
    case noReason
    /// It must end after it begins, and within ``longest``.
    case expiry(Milliseconds)
  }

  /// The longest that a switch may hold at a time: a day. It can be thrown again.
  public static let longest: Milliseconds = 86_400_000

  /// Those that were thrown, at most one a system, in the order of ``System``; expired ones included.
  public private(set) var switches: [Switch]

  /// Nothing is left out.
  public init() { switches = [] }

  /// Throws the switches of some systems (all: a release then needs nothing but the package and Redis). One
  /// that is thrown already is replaced.
  ///
  /// - Parameter duration: for how long it holds, from `now`.
  /// - Throws: ``Refusal`` without a reason, or for no time, or for more than ``longest``.
  public mutating func degrade(
    _ systems: [System] = System.allCases, by: String, reason: String, now: Milliseconds,
    for duration: Milliseconds
  ) throws(Refusal) {
    guard !reason.isBlank else { throw .noReason }
    guard duration > 0, duration <= Self.longest else { throw .expiry(duration) }
    switches.removeAll { systems.contains($0.system) }
    switches += systems.map {
      Switch(system: $0, by: by, reason: reason, since: now, until: now + duration)
    }
    let order = System.allCases
    switches.sort { order.firstIndex(of: $0.system)! < order.firstIndex(of: $1.system)! }
  }

  /// Throws switches back. Those that are not thrown stay as they are.
  public mutating func restore(_ systems: [System] = System.allCases) {
    switches.removeAll { systems.contains($0.system) }
  }

  /// The switch that holds for a system now; nil where none does.
  public func inForce(_ system: System, at now: Milliseconds) -> Switch? {
    switches.first { $0.system == system && $0.since <= now && now < $0.until }
  }

  /// What people are shown now, a line a switch.
  public func banners(at now: Milliseconds) -> [String] {
    System.allCases.compactMap { inForce($0, at: now)?.banner }
  }

  /// When the first of those in force expires; nil where none is.
  public func nextExpiry(after now: Milliseconds) -> Milliseconds? {
    switches.filter { $0.since <= now && now < $0.until }.map(\.until).min()
  }
}

extension Degradation.Refusal: CustomStringConvertible {
  /// The refusal as a sentence.
  public var description: String {
    switch self {
    case .noReason: "a switch takes a reason: everybody sees it while it is thrown"
    case .expiry(let duration):
      "a switch holds for 1 ms … \(Degradation.longest / 3_600_000) hours, not \(duration) ms; throw it again then"
    }
  }
}
