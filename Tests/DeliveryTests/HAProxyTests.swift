import DemoFleet
import Fleet
import Rollout
import TestSupport
import Testing

@testable import Delivery

/// Against a real HAProxy with real servers behind it.
@Suite struct HAProxyTests {
  private let free: @Sendable () async throws -> Void = {}

  private func withFleet(_ size: Int, _ body: (DemoFleet, HAProxyBalancer) async throws -> Void) async throws
  {
    try await withDirectory { directory in
      try await DemoFleet.run(in: directory, size: size) { fleet in
        let balancer = HAProxyBalancer(fleet.endpoint)
        try await eventually("all are up") {
          try await balancer.servers().values.filter(\.isInService).count == size
        }
        try await body(fleet, balancer)
      }
    }
  }

  @Test func everyServerIsReleasedUnderLoadAndNoRequestFails() async throws {
    try await withFleet(4) { fleet, balancer in
      let package = try await fleet.publish("2")
      let stages = Stages(Drivers(packages: fleet.packages))
      let load = LoadGenerator(url: fleet.url, clients: 16, rate: 300)
      try await load.run {
        // Two at a time, as a batch of half the fleet.
        for batch in [0..<2, 2..<4] {
          try await withThrowingTaskGroup { group in
            for index in batch {
              let input = fleet.input(index, package)
              group.addTask {
                _ = try await stages.markdown(input, generation: 1)
                #expect(try await balancer.server(input.server.host).state == .maint)
                _ = try await stages.download(input, generation: 2)
                _ = try await stages.install(input, generation: 3)
                _ = try await stages.verify(input, generation: 4)
                _ = try await stages.markup(input, generation: 5)
                #expect(try await balancer.server(input.server.host).isInService)
              }
            }
            try await group.waitForAll()
          }
        }
        load.begin("after")
        try await eventually("the new version has answered") { (load.phases[1].versions["2"] ?? 0) > 40 }
      }
      #expect(load.phases.map(\.failed) == [0, 0], "\(load.phases.flatMap(\.failures))")
      #expect(load.phases[0].requests > 100)
      #expect(load.phases[1].versions["1"] == nil)
    }
  }

  @Test func idleConnectionsToAServerThatIsOutAreClosed() async throws {
    try await withFleet(2) { fleet, balancer in
      let api = RuntimeAPI(fleet.endpoint.address)
      func idle() async throws -> [String] {
        let lines = try await api.ask(.servers(of: fleet.endpoint.backend)).split(separator: "\n")
        let names = StatTable.cells(lines[0].dropFirst(2))
        let column = try #require(names.firstIndex(of: "srv_icur"))
        return lines.dropFirst().map { StatTable.cells($0)[column] }
      }
      let load = LoadGenerator(url: fleet.url, clients: 8, rate: 200)
      try await load.run {
        try await eventually("HAProxy keeps connections to it") { try await idle()[0] != "0" }
        _ = try await balancer.takeOut("web-01", drain: .seconds(5), force: false, permit: free)
        #expect(try await idle()[0] == "0")
      }
      #expect(load.phases.map(\.failed) == [0])
    }
  }

  @Test func theDrainOutlastsTheRequests() async throws {
    try await withFleet(2) { fleet, balancer in
      try await withThrowingTaskGroup { group in
        for _ in 0..<4 {
          group.addTask { try await fleet.get("slow/3000") }
        }
        try await eventually("both serve") {
          try await balancer.servers().values.allSatisfy { $0.sessions == 2 }
        }
        let failure = try await failure {
          _ = try await balancer.takeOut("web-01", drain: .milliseconds(200), force: false, permit: free)
        }
        #expect(failure.code == .timeout)
        #expect(failure.message.contains("still served 2 requests"))
        #expect(try await balancer.server("web-01").state == .drain)
        // Cut short by its limit, it goes on where it stands; the other one is forced.
        #expect(
          try await balancer.takeOut("web-01", drain: .seconds(10), force: false, permit: free) == 0)
        #expect(try await balancer.server("web-01").state == .maint)
        for try await status in group { #expect(status == 200) }
      }
    }
  }

  @Test func aForcedDrainGoesOnWithRequestsLeft() async throws {
    try await withFleet(1) { fleet, balancer in
      try await withThrowingTaskGroup { group in
        group.addTask { try await fleet.get("slow/3000") }
        try await eventually("it serves") { try await balancer.server("web-01").sessions == 1 }
        #expect(
          try await balancer.takeOut("web-01", drain: .milliseconds(100), force: true, permit: free) == 1)
        #expect(try await balancer.server("web-01").state == .maint)
        for try await status in group { #expect(status == 200) }
      }
    }
  }

  @Test func noRequestReachesAServerBeforeItsCheckHasPassed() async throws {
    try await withFleet(2) { fleet, balancer in
      let package = try await fleet.publish("2", broken: .everywhere)
      let stages = Stages(Drivers(packages: fleet.packages))
      let input = fleet.input(0, package, rules: StageRules(startupTimeout: 600, markupTimeout: 1_500))
      let load = LoadGenerator(url: fleet.url, clients: 16, rate: 300)
      try await load.run {
        _ = try await stages.markdown(input, generation: 1)
        _ = try await stages.download(input, generation: 1)
        _ = try await stages.install(input, generation: 1)
        let unfit = try await failure { _ = try await stages.verify(input, generation: 1) }
        #expect(unfit.code == .timeout)
        #expect(unfit.message.contains("seen last: status 503, version 2"))
        #expect(unfit.log?.contains("version 2 listens on") == true)
        // It answers requests well, and would be sent some if HAProxy took it for healthy.
        let failure = try await failure { _ = try await stages.markup(input, generation: 1) }
        #expect(failure.code == .timeout)
        #expect(failure.message.contains("L7STS Service Unavailable"))
        #expect(try await balancer.server("web-01").state == .maint)
      }
      #expect(load.phases[0].failed == 0)
      #expect(load.phases[0].versions["2"] == nil)
      #expect(load.phases[0].versions["1", default: 0] > 100)
    }
  }

  @Test func markupEndsWhatAKilledOneBegan() async throws {
    try await withFleet(1) { fleet, balancer in
      let api = RuntimeAPI(fleet.endpoint.address)
      let backend = fleet.endpoint.backend
      let beginnings: [[RuntimeCommand]] = [
        [try .set("web-01", of: backend, to: .maint)],
        [try .set("web-01", of: backend, to: .drain)],
        [try .set("web-01", of: backend, to: .drain), try .distrust("web-01", of: backend)],
        [
          try .set("web-01", of: backend, to: .drain), try .distrust("web-01", of: backend),
          try .set("web-01", of: backend, to: .ready),
        ],
        [],
      ]
      for commands in beginnings {
        for command in commands { try await api.order(command) }
        try await balancer.putIn("web-01", within: .seconds(5), permit: free)
        #expect(try await balancer.server("web-01").isInService)
      }
    }
  }

  @Test func lateWorkChangesNothing() async throws {
    try await withFleet(1) { fleet, balancer in
      let package = try fleet.packages.locate(app: DemoFleet.app, version: "1")
      let stages = Stages(Drivers(packages: fleet.packages))
      let input = fleet.input(0, package)
      _ = try await stages.markdown(input, generation: 2)
      #expect(try await failure { _ = try await stages.markup(input, generation: 1) }.code == .fenced)
      #expect(try await balancer.server("web-01").state == .maint)
      _ = try await stages.markup(input, generation: 3)
      #expect(try await failure { _ = try await stages.markdown(input, generation: 2) }.code == .fenced)
      #expect(try await balancer.server("web-01").isInService)
    }
  }

  @Test func aServerIsAskedWhereItStandsFirst() async throws {
    try await withFleet(2) { fleet, balancer in
      let stages = Stages(Drivers(packages: fleet.packages))
      let same = try fleet.packages.locate(app: DemoFleet.app, version: "1")
      let other = try await fleet.publish("2")
      #expect(try await stages.standing(fleet.input(0, same)) == .done)
      #expect(try await stages.standing(fleet.input(0, other)) == .toDo)
      _ = try await balancer.takeOut("web-01", drain: .seconds(5), force: false, permit: free)
      #expect(try await stages.standing(fleet.input(0, same)) == .onlyOut)
    }
  }

  @Test func whatCannotBeAskedIsAnErrorThatSaysWhatToDo() async throws {
    try await withFleet(1) { fleet, balancer in
      let unknown = try await failure { _ = try await balancer.server("web-99") }
      #expect(unknown.code == .loadBalancer)
      #expect(unknown.message.contains("backend shop has no server web-99"))
      let elsewhere = HAProxyBalancer(HAProxyEndpoint(address: fleet.endpoint.address, backend: "nope"))
      let noBackend = try await failure { _ = try await elsewhere.servers() }
      #expect(noBackend.code == .loadBalancer)
      #expect(noBackend.message.contains("No such proxy"))
      let absent = HAProxyBalancer(
        HAProxyEndpoint(address: .unix(path: "\(fleet.directory)/absent.sock"), backend: "shop"))
      let noSocket = try await failure { _ = try await absent.servers() }
      #expect(noSocket.code == .loadBalancer)
      #expect(noSocket.message.contains("stats socket"))
      let closed = HAProxyBalancer(
        HAProxyEndpoint(address: .tcp(host: "127.0.0.1", port: 1), backend: "shop"))
      #expect(try await failure { _ = try await closed.servers() }.code == .loadBalancer)
    }
  }

  /// Taken for failed, such a server would never be taken for healthy again.
  @Test func aServerWithoutChecksIsPutInAsItIs() async throws {
    try await withDirectory { directory in
      try await DemoFleet.run(in: directory, size: 1, checks: false) { fleet in
        let balancer = HAProxyBalancer(fleet.endpoint)
        _ = try await balancer.takeOut("web-01", drain: .seconds(5), force: false, permit: free)
        #expect(try await balancer.server("web-01").state == .maint)
        try await balancer.putIn("web-01", within: .seconds(5), permit: free)
        #expect(try await balancer.server("web-01") == BalancedServer(host: "web-01", state: .up))
      }
    }
  }

  @Test func hundredsMayAskAtOnce() async throws {
    try await withFleet(1) { _, balancer in
      try await withThrowingTaskGroup { group in
        for _ in 0..<300 { group.addTask { try await balancer.server("web-01").isInService } }
        for try await up in group { #expect(up) }
      }
    }
  }
}
