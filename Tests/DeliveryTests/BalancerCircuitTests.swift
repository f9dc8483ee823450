import Circuits
import DemoFleet
import Fleet
import NIOCore
import NIOPosix
import Rollout
import TestSupport
import Testing

@testable import Delivery

/// The circuit before a HAProxy: what counts, and that nobody who can wait is the worse for it.
@Suite struct BalancerCircuitTests {
  private let free: @Sendable () async throws -> Void = {}

  private func withFleet(
    _ size: Int, _ body: (DemoFleet, CircuitBreakers, HAProxyBalancer) async throws -> Void
  ) async throws {
    try await withDirectory { directory in
      try await DemoFleet.run(in: directory, size: size) { fleet in
        let circuits = CircuitBreakers()
        let balancer = HAProxyBalancer(fleet.endpoint, circuits: circuits)
        try await eventually("all are up") {
          try await balancer.servers().values.filter(\.isInService).count == size
        }
        try await body(fleet, circuits, balancer)
      }
    }
  }

  @Test func oneThatIsDownIsNotAskedAndSaysSo() async throws {
    try await withFleet(1) { fleet, circuits, balancer in
      try await fleet.haproxy.stop()
      var last = ""
      try await eventually("its circuit is open") {
        last = try await failure { _ = try await balancer.servers() }.message
        return last.contains("is not asked")
      }
      #expect(last.contains("the load balancer at \(fleet.directory)"), "\(last)")
      #expect(
        last.contains("5 failures in a row, the last: HAProxy's runtime API can't be reached"), "\(last)")
      #expect(last.contains("drawbar degrade --system loadBalancer"), "\(last)")
      #expect(circuits.open.map(\.system) == [.loadBalancer])
      try await fleet.haproxy.start()
      // Who works on a server waits, and is let through.
      #expect(try await balancer.states(of: "web-01").servers.count == 1)
      #expect(circuits.open == [])
    }
  }

  /// Everybody asks at once while it is away: whoever may wait goes on when it is back.
  @Test func whoeverCanWaitGoesOn() async throws {
    try await withFleet(4) { fleet, circuits, balancer in
      try await fleet.haproxy.stop()
      try await withThrowingTaskGroup { group in
        for server in fleet.servers {
          group.addTask {
            _ = try await balancer.takeOut(server.host, drain: .seconds(5), force: false, permit: free)
            try await balancer.putIn(server.host, within: .seconds(15), permit: free)
          }
        }
        try await eventually("its circuit is open") { !circuits.open.isEmpty }
        try await fleet.haproxy.start()
        try await group.waitForAll()
      }
      #expect(try await balancer.servers().values.allSatisfy(\.isInService))
    }
  }

  @Test func answersThatRefuseAreAnswers() async throws {
    try await withFleet(1) { fleet, circuits, balancer in
      let elsewhere = HAProxyBalancer(
        HAProxyEndpoint(address: fleet.endpoint.address, backend: "nope"), circuits: circuits)
      for _ in 0..<10 {
        #expect(
          try await failure { _ = try await balancer.server("web-99") }.message.contains("no server web-99"))
        #expect(try await failure { _ = try await elsewhere.servers() }.message.contains("No such proxy"))
      }
      async let slow: Int? = try? fleet.get("slow/2000")
      try await eventually("it serves") { try await balancer.server("web-01").sessions == 1 }
      for _ in 0..<10 {
        let drain = try await failure {
          _ = try await balancer.takeOut("web-01", drain: .milliseconds(10), force: false, permit: free)
        }
        #expect(drain.code == .timeout)
      }
      #expect(circuits.open == [])
      _ = await slow
    }
  }

  /// One that accepts and never answers: it is asked by one caller at a time, and nobody else waits for it.
  @Test func oneThatHangsKeepsNobodyWaiting() async throws {
    let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(listener.localAddress?.port)
    let circuits = CircuitBreakers()
    let api = RuntimeAPI(
      .tcp(host: "127.0.0.1", port: port), circuits: circuits, limit: .milliseconds(100))
    for _ in 0..<5 {
      #expect(try await failure { _ = try await api.ask(.info) }.message.contains("did not answer within"))
    }
    #expect(try await failure { _ = try await api.ask(.info) }.message.contains("is not asked"))
    #expect(circuits.open.map(\.endpoint) == ["127.0.0.1:\(port)"])
    try await listener.close()
  }
}
