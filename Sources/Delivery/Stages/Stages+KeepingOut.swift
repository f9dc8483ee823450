import Fleet
import Rollout

extension Stages {
  /// How often a running stage looks whether the load balancer still runs as it did.
  private static let period: Duration = .milliseconds(200)

  /// Runs a stage of a server that is out of service, and sees to it that it stays out: a load balancer that is
  /// restarted meanwhile has forgotten what was said to it, and is told again before requests can reach a
  /// server that is being worked on.
  ///
  /// A load balancer that can't be reached sends nothing to anyone, so it is no reason to stop.
  ///
  /// - Parameter first: whether the server must be seen to be out before the stage begins.
  /// - Throws: what the body throws; with `first`, ``DeliveryFailure`` where the balancer can't be asked.
  func keepingOut<T: Sendable>(
    _ input: StageInput, _ generation: Int, first: Bool = false,
    _ body: @escaping @Sendable () async throws -> T
  ) async throws -> T {
    guard input.staysOut, input.balancer != .none, try await drivers.orders.leftOut(.loadBalancer) == nil
    else { return try await body() }
    let balancer = drivers.balancer(input.balancer)
    let host = drivers.host(input.hosts)
    let token = input.token(generation: generation)
    let permit: @Sendable () async throws -> Void = { try await host.check(token, on: input.server) }
    if first { _ = try await balancer.holdOut(input.server.host, permit: permit) }
    return try await withThrowingTaskGroup(of: T?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await Self.watch(balancer, input.server.host, permit)
        return nil
      }
      defer { group.cancelAll() }
      while let end = try await group.next() {
        if let result = end { return result }
      }
      throw CancellationError()
    }
  }

  /// Holds the server out in each new life of the balancer, until it is cancelled or newer work is on the server.
  private static func watch(
    _ balancer: any LoadBalancer, _ host: String, _ permit: @Sendable () async throws -> Void
  ) async throws {
    var held: BalancerLife?
    while !Task.isCancelled {
      do {
        let life = try await balancer.lifeSeen(within: period)
        if life != held {
          _ = try await balancer.holdOut(host, permit: permit)
          held = life
        }
      } catch let failure as DeliveryFailure {
        // What runs here will find out by itself that it comes late.
        if failure.code == .fenced { return }
      }
      try await Task.sleep(for: period)
    }
  }
}
