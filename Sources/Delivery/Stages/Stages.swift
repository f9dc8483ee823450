import Fleet
import Rollout

/// The five stages of a release, each on one server. Every stage may be run again after it was cut short at any
/// point, and refuses to run where newer work has been.
///
/// What they throw is a ``DeliveryFailure``, or `CancellationError`.
public struct Stages: Sendable {
  public let drivers: Drivers

  public init(_ drivers: Drivers) { self.drivers = drivers }

  /// Whether there is anything to do for a target that may be skipped.
  public enum Standing: Sendable, Equatable {
    /// It runs the version, passes its check, and is in service.
    case done
    /// It runs the version and passes its check. Whether it is in service nobody has asked: people do without the load
    /// balancer.
    case doneUnasked
    /// It runs the version and passes its check, but is out of service.
    case onlyOut
    case toDo
  }

  /// Asks a server where it stands: one look first, and the whole of Verify where that passes. Changes nothing.
  public func standing(_ input: StageInput) async throws -> Standing {
    let version = input.package.version
    guard try await drivers.probe.ask(input.server, input.health).passes(version),
      try await drivers.probe.ignition(
        input.server, input.health, version: version,
        within: .milliseconds(input.health.interval + input.health.timeout)
          * input.health.successes) == nil
    else { return .toDo }
    if try await drivers.orders.leftOut(.loadBalancer) != nil { return .doneUnasked }
    return try await isInService(input) ? .done : .onlyOut
  }

  /// What the load balancer says, once it can be believed: one that was restarted takes every server for one in service
  /// until a coordinator has told it who is out.
  private func isInService(_ input: StageInput) async throws -> Bool {
    let (host, driver) = (input.server.host, drivers.balancer(input.balancer))
    guard case .haproxy(let endpoint) = input.balancer else {
      return try await driver.server(host).isInService
    }
    let end = ContinuousClock.now + drivers.balancerPatience
    while true {
      // In this order: states that are read before they are asserted are not to be believed afterwards.
      let told = try await drivers.orders.toldLife(of: endpoint)
      let said = try await driver.states(of: host)
      if told == .any || said.life == nil || told == .only(said.life) {
        return said.servers[host]?.isInService == true
      }
      guard ContinuousClock.now < end else {
        throw DeliveryFailure(
          .loadBalancer,
          "HAProxy was restarted, and no coordinator has told it since which servers of \(endpoint.backend) are out;"
            + " see whether one runs: drawbar worker ls")
      }
      try await Task.sleep(for: .milliseconds(100))
    }
  }

  /// Out of the load balancer: no new requests, the running ones done, then out.
  ///
  /// Where people do without the load balancer, nothing is done.
  public func markdown(_ input: StageInput, generation: Int) async throws -> StageResult {
    if var off = try await leftOut(input) {
      // An earlier try, perhaps of a worker that has died since, may have taken the server out: then it isn't said that
      // nothing was done, and the server counts as out until the load balancer says otherwise.
      if generation > 1 { off.degraded = nil }
      return off
    }
    let left = try await drivers.balancer(input.balancer).takeOut(
      input.server.host, drain: .milliseconds(input.rules.drainTimeout), force: input.rules.drainForce,
      permit: permit(input, generation))
    return StageResult(
      note: left == 0 ? nil : "taken out with \(left) requests left, as the config forces the drain")
  }

  /// The version on the server's disk, its checksum right. The running version is not touched.
  public func download(_ input: StageInput, generation: Int) async throws -> String? {
    try await keepingOut(input, generation) { [drivers] in
      try await drivers.host(input.hosts).download(
        input.package, from: drivers.packages(from: input.origin), to: input.server,
        under: input.token(generation: generation))
    }
  }

  /// The version made the running one.
  public func install(_ input: StageInput, generation: Int) async throws -> String? {
    // The app is about to be stopped: nothing may reach it any more.
    try await keepingOut(input, generation, first: true) { [drivers] in
      try await drivers.host(input.hosts).install(
        InstallOrder(
          package: input.package, deployment: input.deployment, group: input.group, scripts: input.scripts,
          scriptTimeout: .milliseconds(input.rules.scriptTimeout), keepVersions: input.rules.keepVersions,
          keepFor: .milliseconds(input.rules.keepFor), frozen: input.frozen),
        on: input.server, under: input.token(generation: generation))
    }
    return nil
  }

  /// Ignition: the server's own check passes several times in a row, and names the version.
  public func verify(_ input: StageInput, generation: Int) async throws -> String? {
    if input.rules.ignoreIgnition { return "not verified, as the config ignores ignition" }
    let limit = Duration.milliseconds(input.rules.startupTimeout)
    // A day-2 run changes no version: what runs is what must be healthy.
    let version =
      input.dayTwo == nil
      ? input.package.version : try await drivers.host(input.hosts).running(on: input.server)
    let passed = try await keepingOut(input, generation) { [drivers] in
      try await drivers.probe.ignition(input.server, input.health, version: version, within: limit)
    }
    guard let last = passed else { return nil }
    throw DeliveryFailure(
      .timeout,
      "\(input.server.host) did not report version \(version ?? "of any kind") in good health,"
        + " \(input.health.successes) times in a row within \(limit); seen last: \(last.told)",
      log: await drivers.host(input.hosts).appLog(of: input.server, lines: 8))
  }

  /// Into the load balancer, after a check of its own that began no earlier. A server that a person has pulled out
  /// meanwhile stays out. Where people do without the load balancer, nothing is done.
  public func markup(_ input: StageInput, generation: Int) async throws -> StageResult {
    if let who = try await drivers.orders.pulledOut(input.server.host, of: input.group) {
      return StageResult(note: "left out of service: \(who)")
    }
    if let off = try await leftOut(input) { return off }
    try await drivers.balancer(input.balancer).putIn(
      input.server.host, within: .milliseconds(input.rules.markupTimeout), permit: permit(input, generation))
    return StageResult()
  }

  /// What a stage answers that needs the load balancer, while people do without it.
  private func leftOut(_ input: StageInput) async throws -> StageResult? {
    guard input.balancer != .none, let off = try await drivers.orders.leftOut(.loadBalancer) else {
      return nil
    }
    return StageResult(note: off.banner, degraded: true)
  }

  /// Into the load balancer, on whatever version it runs, once its health check has passed: for a server that
  /// was left out of service.
  ///
  /// - Returns: a note for the operator: the version that it answers with.
  public func putBack(_ input: StageInput, generation: Int) async throws -> String? {
    let limit = Duration.milliseconds(input.rules.startupTimeout)
    let last = try await drivers.probe.ignition(input.server, input.health, version: nil, within: limit)
    if let last {
      throw DeliveryFailure(
        .unreachable,
        "\(input.server.host) is not in good health (seen last: \(last.told)), so it stays out of service;"
          + " mend it, or release to it")
    }
    let answer = try await drivers.probe.ask(input.server, input.health)
    if let who = try await drivers.orders.pulledOut(input.server.host, of: input.group) {
      throw DeliveryFailure(.input, "\(input.server.host) stays out of service: \(who)")
    }
    try await drivers.balancer(input.balancer).putIn(
      input.server.host, within: .milliseconds(input.rules.markupTimeout), permit: permit(input, generation))
    return "put back" + (answer.version.map { " on version \($0)" } ?? "")
  }

  /// What is asked right before each change to a load balancer.
  private func permit(_ input: StageInput, _ generation: Int) -> @Sendable () async throws -> Void {
    let token = input.token(generation: generation)
    let host = drivers.host(input.hosts)
    return { try await host.admit(token, to: input.server) }
  }
}
