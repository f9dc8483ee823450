public import Circuits
public import Fleet
import Synchronization

/// HAProxy, driven through its runtime API.
///
/// A server leaves by `drain`, and by `maint` once its requests are done; HAProxy closes its idle connections
/// then. It returns by `drain`, `health down` and `ready`, in this order: HAProxy takes a server that leaves
/// maintenance for healthy until a check says otherwise, and this way it is taken for failed until one passes.
///
/// A HAProxy that was restarted has forgotten all of that: so each look sees which run of it has answered, and
/// what was said to another one is said again.
public struct HAProxyBalancer: LoadBalancer {
  private let backend: String
  private let api: RuntimeAPI
  private let stateFile: StateFile?
  /// How long a stage waits for a HAProxy that can't be reached: as long as a restart may take.
  private let patience: Duration
  private let lastLife = LastLife()
  /// The servers' numbers, so that a backend of thousands is not read for each server.
  private let numbers = Numbers()

  /// - Parameters:
  ///   - circuits: those of this process. One stands before each HAProxy, whatever its backends.
  ///   - patience: how long whoever works on one server waits for a HAProxy that can't be reached.
  public init(
    _ endpoint: HAProxyEndpoint, circuits: CircuitBreakers = CircuitBreakers(),
    patience: Duration = .seconds(20)
  ) {
    backend = endpoint.backend
    api = RuntimeAPI(endpoint.address, circuits: circuits)
    stateFile = endpoint.stateFile.map { StateFile(path: $0) }
    self.patience = patience
  }

  public func servers() async throws -> [String: BalancedServer] { try await states(of: nil).servers }

  public func states(of host: String?) async throws -> BalancerStates {
    if let host {
      let seen = try await look(host, until: .now + patience)
      return BalancerStates(life: seen.life, servers: [host: seen.row.server])
    }
    let (info, table) = Self.parts(try await api.ask(.census(of: backend)))
    let rows = try StatTable(String(table)).rows
    return BalancerStates(
      life: try BalancerLife(info: info),
      servers: Dictionary(rows.map { ($0.server.host, $0.server) }, uniquingKeysWith: { first, _ in first }))
  }

  public func server(_ host: String) async throws -> BalancedServer {
    try await look(host, until: .now).row.server
  }

  public func life() async throws -> BalancerLife? { try await lifeNow() }

  public func lifeSeen(within age: Duration) async throws -> BalancerLife? {
    try await lastLife.life(notOlderThan: age) { try await lifeNow() }
  }

  /// Waits out a rest of the circuit: who watches a HAProxy learns at once that it is back.
  private func lifeNow() async throws -> BalancerLife {
    let answer = try await api.ask(.info, until: .now + RuntimeAPI.circuit.longestRest + .milliseconds(100))
    return try BalancerLife(info: answer[...])
  }

  public func takeOut(
    _ host: String, drain: Duration, force: Bool, permit: @Sendable () async throws -> Void
  ) async throws -> Int {
    var seen = try await look(host, until: .now + patience)
    if seen.row.server.state == .maint { return 0 }
    var told: BalancerLife?
    var deadline = ContinuousClock.now + drain
    // A request that was given to the server an instant before the drain may not be counted yet, so nothing
    // is believed before the second look in a row that finds none.
    var idleLooks = 0
    while true {
      if told != seen.life {
        try await permit()
        try await order(.set(host, of: backend, to: .drain))
        if told != nil { deadline = max(deadline, .now + min(drain, .seconds(1))) }
        (told, idleLooks) = (seen.life, 0)
      }
      seen = try await look(host, until: .now + patience)
      guard seen.life == told else { continue }
      idleLooks = seen.row.server.sessions == 0 ? idleLooks + 1 : 0
      let left = seen.row.server.sessions
      if idleLooks >= 2 || ContinuousClock.now >= deadline {
        guard left == 0 || force else {
          throw DeliveryFailure(
            .timeout,
            "\(host) still served \(left) requests after a drain of \(drain); it takes no new ones."
              + " Retry, or let the config force the drain")
        }
        try await permit()
        try await order(.set(host, of: backend, to: .maint))
        seen = try await look(host, until: .now + patience)
        if seen.row.server.state == .maint {
          try await remember()
          return left
        }
        continue
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  public func putIn(_ host: String, within: Duration, permit: @Sendable () async throws -> Void) async throws
  {
    let deadline = ContinuousClock.now + within
    var seen = try await look(host, until: .now + patience)
    var told: BalancerLife?
    // One that serves already has nothing to wait for, unless HAProxy has only just begun and takes it for
    // healthy because nothing has been checked yet.
    if seen.row.server.state == .up, !seen.row.isUnproven {
      return
    }
    var overthrown = 0
    while true {
      let isOut = seen.row.server.state == .maint || seen.row.server.state == .drain
      if told == seen.life, isOut { overthrown += 1 }
      // Somebody who took it out again may have come late; who insists has a reason.
      if told != seen.life || (isOut && overthrown <= 3) {
        try await permit()
        try await comeIn(host)
        told = seen.life
      }
      seen = try await look(host, until: max(deadline, .now + patience))
      guard seen.life == told else { continue }
      if seen.row.server.state == .up, !seen.row.isUnproven {
        return try await remember()
      }
      guard ContinuousClock.now < deadline else { break }
      try await Task.sleep(for: .milliseconds(50))
    }
    try await permit()
    try await order(.set(host, of: backend, to: .maint))
    try await remember()
    throw DeliveryFailure(
      .timeout,
      "HAProxy's check of \(host) did not pass within \(within) (last: \(seen.row.server.check ?? "none"));"
        + " it is in maintenance again")
  }

  public func holdOut(_ host: String, permit: @Sendable () async throws -> Void) async throws -> Bool {
    let state = try await look(host, until: .now + patience).row.server.state
    guard state == .up || state == .down else { return false }
    try await permit()
    try await order(.set(host, of: backend, to: .maint))
    try await remember()
    return true
  }

  public func letIn(_ host: String, permit: @Sendable () async throws -> Void) async throws -> Bool {
    let state = try await look(host, until: .now + patience).row.server.state
    guard state == .maint || state == .drain else { return false }
    try await permit()
    try await comeIn(host)
    try await remember()
    return true
  }

  /// Has it checked from the beginning, and serve once a check has passed. While it drains it takes no
  /// request, so nothing slips in between these.
  private func comeIn(_ host: String) async throws {
    try await order(.set(host, of: backend, to: .drain))
    let row = try await look(host, until: .now + patience).row
    if row.isChecked { try await order(.distrust(host, of: backend)) }
    try await order(.set(host, of: backend, to: .ready))
  }

  private func order(_ command: RuntimeCommand) async throws {
    try await api.order(command, until: .now + patience)
  }

  /// Has the states on the disk, for a HAProxy that starts anew.
  private func remember() async throws { try await stateFile?.keep(api) }

  /// A server as it is now, and which run of HAProxy says so.
  private struct Look {
    var life: BalancerLife
    var row: StatTable.Row
  }

  private func look(_ host: String, until end: ContinuousClock.Instant) async throws -> Look {
    if let number = numbers.number(of: host) {
      let answer = try await api.ask(.server(number, of: backend), until: end)
      let (info, table) = Self.parts(answer)
      // The number may have gone to another server where HAProxy was started with another configuration.
      if let row = try StatTable(String(table)).rows.first, row.server.host == host {
        return Look(life: try BalancerLife(info: info), row: row)
      }
    }
    let rows = try await StatTable(api.ask(.servers(of: backend), until: end)).rows
    numbers.replace(rows)
    guard let row = rows.first(where: { $0.server.host == host }) else {
      throw DeliveryFailure(
        .loadBalancer,
        "HAProxy's backend \(backend) has no server \(host); name its servers as the group names its hosts")
    }
    let (info, table) = Self.parts(try await api.ask(.server(row.number, of: backend), until: end))
    let again = try StatTable(String(table)).rows.first { $0.server.host == host }
    return Look(life: try BalancerLife(info: info), row: again ?? row)
  }

  /// The answer to `show info`, and the table after it.
  private static func parts(_ answer: String) -> (Substring, Substring) {
    guard let start = answer.firstRange(of: "\n# ")?.lowerBound else {
      // No table: after the blank line that ends the first answer stands why.
      let why = answer.firstRange(of: "\n\n").map { answer[$0.upperBound...] } ?? answer[...]
      return (answer[...], why)
    }
    return (answer[..<start], answer[answer.index(after: start)...])
  }
}

/// HAProxy's numbers of a backend's servers, as they were read last.
private final class Numbers: Sendable {
  private let known = Mutex<[String: Int]>([:])

  func number(of host: String) -> Int? { known.withLock { $0[host] } }

  func replace(_ rows: [StatTable.Row]) {
    let all = Dictionary(rows.map { ($0.server.host, $0.number) }, uniquingKeysWith: { first, _ in first })
    known.withLock { $0 = all }
  }
}
