public import Fleet

/// HAProxy, driven through its runtime API.
///
/// A server leaves by `drain`, and by `maint` once its requests are done; HAProxy closes its idle connections
/// then. It returns by `drain`, `health down` and `ready`, in this order: HAProxy takes a server that leaves
/// maintenance for healthy until a check says otherwise, and this way it is taken for failed until one passes.
public struct HAProxyBalancer: LoadBalancer {
  private let backend: String
  private let api: RuntimeAPI

  public init(_ endpoint: HAProxyEndpoint) {
    backend = endpoint.backend
    api = RuntimeAPI(endpoint.address)
  }

  public func servers() async throws -> [String: BalancedServer] {
    let rows = try await StatTable(api.ask(.servers(of: backend))).rows
    return Dictionary(rows.map { ($0.server.host, $0.server) }, uniquingKeysWith: { first, _ in first })
  }

  public func server(_ host: String) async throws -> BalancedServer { try await row(host).server }

  public func takeOut(
    _ host: String, drain: Duration, force: Bool, permit: @Sendable () async throws -> Void
  ) async throws -> Int {
    var row = try await row(host)
    if row.server.state == .maint { return 0 }
    try await permit()
    try await api.order(.set(host, of: backend, to: .drain))
    let deadline = ContinuousClock.now + drain
    // A request that was given to the server an instant before the drain may not be counted yet, so nothing
    // is believed before the second look in a row that finds none.
    var idleLooks = 0
    while true {
      row = try await look(row)
      idleLooks = row.server.sessions == 0 ? idleLooks + 1 : 0
      if idleLooks == 2 || ContinuousClock.now >= deadline { break }
      try await Task.sleep(for: .milliseconds(50))
    }
    guard row.server.sessions == 0 || force else {
      throw DeliveryFailure(
        .timeout,
        "\(host) still served \(row.server.sessions) requests after a drain of \(drain); it takes no new ones."
          + " Retry, or let the config force the drain")
    }
    try await permit()
    try await api.order(.set(host, of: backend, to: .maint))
    return row.server.sessions
  }

  public func putIn(_ host: String, within: Duration, permit: @Sendable () async throws -> Void) async throws
  {
    var row = try await row(host)
    let deadline = ContinuousClock.now + within
    if row.server.state == .up { return }
    // While it drains it takes no request, so nothing slips in between these.
    try await permit()
    try await api.order(.set(host, of: backend, to: .drain))
    row = try await look(row)
    if row.isChecked { try await api.order(.distrust(host, of: backend)) }
    try await permit()
    try await api.order(.set(host, of: backend, to: .ready))
    while true {
      row = try await look(row)
      if row.server.state == .up { return }
      guard ContinuousClock.now < deadline else { break }
      try await Task.sleep(for: .milliseconds(50))
    }
    try await permit()
    try await api.order(.set(host, of: backend, to: .maint))
    throw DeliveryFailure(
      .timeout,
      "HAProxy's check of \(host) did not pass within \(within) (last: \(row.server.check ?? "none"));"
        + " it is in maintenance again")
  }

  private func row(_ host: String) async throws -> StatTable.Row {
    let rows = try await StatTable(api.ask(.servers(of: backend))).rows
    guard let row = rows.first(where: { $0.server.host == host }) else {
      throw DeliveryFailure(
        .loadBalancer,
        "HAProxy's backend \(backend) has no server \(host); name its servers as the group names its hosts")
    }
    return row
  }

  /// The same server a little later. Its number may have gone to another where HAProxy was reloaded.
  private func look(_ before: StatTable.Row) async throws -> StatTable.Row {
    let host = before.server.host
    let rows = try await StatTable(api.ask(.server(before.number, of: backend))).rows
    if let now = rows.first, now.server.host == host { return now }
    return try await row(host)
  }
}
