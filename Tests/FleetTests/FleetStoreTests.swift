import Circuits
import Logging
import RedisClient
import RedisServer
import Rollout
import TestSupport
import Testing

@testable import Fleet

@Suite struct FleetStoreTests {
  @Test func aGroupKeepsItsRevisionUntilItChanges() async throws {
    try await withStore { store in
      var group = Group(
        name: "g", app: "a", servers: [Server(host: "h", address: "::1", port: 1, directory: "/srv/h")],
        balancer: .haproxy(HAProxyEndpoint(address: .tcp(host: "lb", port: 9), backend: "b")))
      #expect(try await store.group("g") == nil)
      #expect(try await store.apply(group) == .created)
      #expect(try await store.apply(group) == .unchanged(revision: 1))
      group.servers[0].port = 2
      #expect(try await store.apply(group) == .changed(revision: 2))
      let known = try #require(try await store.group("g"))
      #expect(known.group == group)
      #expect(known.revision == 2)
      #expect(try await store.groups().map(\.group.name) == ["g"])
    }
  }

  @Test func eachFlagHasItsOwner() async throws {
    try await withStore { store in
      let servers = ["a", "b"].map { Server(host: $0, address: "x", port: 1, directory: "/srv/\($0)") }
      try await store.apply(Group(name: "g", app: "a", servers: servers))
      try await store.setFlag(.operator, on: "a", of: "g", by: "ann", reason: "disk")
      try await store.setFlag(.release, on: "a", of: "g", by: "g-1", reason: "released")
      try await store.setFlag(.fault, on: "b", of: "g", by: "ben", reason: "accepted")
      #expect(try await store.clearFlag(.release, on: "a", of: "g"))
      #expect(try await !store.clearFlag(.release, on: "a", of: "g"))
      let flags = try await store.flags(of: "g")
      #expect(flags["a"]?.keys.sorted { $0.rawValue < $1.rawValue } == [.operator])
      #expect(flags["a"]?[.operator]?.by == "ann")
      #expect(try #require(flags["a"]?[.operator]).at > 1_700_000_000_000)

      // A server that leaves the group takes its flags with it.
      try await store.apply(Group(name: "g", app: "a", servers: [servers[0]]))
      #expect(try await store.flags(of: "g").keys.sorted() == ["a"])
    }
  }

  @Test func whatAnotherVersionStoredHindersNobodyElse() async throws {
    try await withStore { store in
      let group = Group(name: "new", app: "a", servers: [])
      var other = group
      other.name = "old"
      try await store.apply(group)
      try await store.apply(other)
      func spoil() async throws {
        try await store.redis.send(RedisCommand("HSET", "drawbar:{fleet}:groups", "new", "{}"))
      }
      try await spoil()
      let error = try await #require(throws: FleetStoreError.self) { try await store.group("new") }
      await #expect(throws: FleetStoreError.self) { try await store.groups() }
      var told: [String] = []
      #expect(try await store.groups { told.append($0.description) }.map(\.group.name) == ["old"])
      #expect(told == [error.description])
      #expect(told[0].contains("the group new"))
      #expect(try await store.names() == ["new", "old"])
      // A file mends it.
      #expect(try await store.apply(group) == .changed(revision: 2))
      #expect(try await store.group("new")?.group == group)
      // Or it is forgotten.
      try await spoil()
      try await store.remove(try #require(try await store.hide("new")))
      #expect(try await store.names() == ["old"])
      #expect(try await store.hide("new") == nil)
    }
  }

  @Test func whatIsHiddenComesBackAsItWas() async throws {
    try await withStore { store in
      var group = SyncTests.group()
      try await store.sync(group, from: FakeSource(["a"]))
      try await store.apply(group)
      try await store.setFlag(.fault, on: "a", of: "g", by: "ann", reason: "RAM")
      let before = try #require(try await store.group("g"))
      let hidden = try #require(try await store.hide("g"))
      #expect(try await store.group("g") == nil)
      try await store.show(hidden)
      let after = try #require(try await store.group("g"))
      #expect((after.group, after.revision) == (before.group, before.revision))
      #expect(after.cache?.syncedAt == before.cache?.syncedAt)
      #expect(try await store.flags(of: "g")["a"]?[.fault]?.reason == "RAM")
      // What somebody has applied meanwhile is newer.
      _ = try await store.hide("g")
      group.site = "ams"
      try await store.apply(group)
      try await store.show(hidden)
      #expect(try await store.group("g")?.group.site == "ams")
      // Nothing is left of one that is removed.
      try await store.remove(hidden)
      #expect(try await store.redis.send(RedisCommand("KEYS", "*")).array == [])
    }
  }

  @Test func whatProcessesSayOfTheirCircuits() async throws {
    try await withStore { store in
      func open(_ endpoint: String) -> OpenCircuit {
        OpenCircuit(
          system: .loadBalancer, endpoint: endpoint, openFor: .seconds(60), triedAgainIn: nil,
          why: "5 failures")
      }
      let (one, other) = (
        ReportedCircuit.Process(name: "drawbar-worker", host: "a", pid: 1),
        ReportedCircuit.Process(name: "drawbar-coordinator", host: "b", pid: 2)
      )
      #expect(try await store.openCircuits() == [])
      try await store.report([open("/run/h"), open("/run/g")], of: one, id: "1")
      try await store.report([open("/run/h")], of: other, id: "2")
      let said = try await store.openCircuits()
      #expect(said.map(\.endpoint) == ["/run/g", "/run/h", "/run/h"])
      #expect(said.map(\.process.pid).sorted() == [1, 1, 2])
      #expect(said.allSatisfy { $0.why == "5 failures" })
      try await store.setFlag(.operator, on: "a", of: "g", by: "ann", reason: "to know the time")
      let now = try #require(try await store.flags(of: "g")["a"]?[.operator]?.at)
      #expect(said.allSatisfy { (60_000...90_000).contains(now - $0.since) })
      // What is said replaces what was said.
      try await store.report([open("/run/g")], of: one, id: "1")
      try await store.report([], of: other, id: "2")
      #expect(try await store.openCircuits().map(\.endpoint) == ["/run/g"])
      // One that falls silent is no longer believed, while another goes on.
      try await store.report([open("/run/g")], of: one, id: "1", for: .milliseconds(50))
      try await store.report([open("/run/h")], of: other, id: "2")
      try await eventually("it is not believed") {
        try await store.openCircuits().map(\.endpoint) == ["/run/h"]
      }
      func redis(_ name: String) async throws -> Int? {
        try await store.redis.send(RedisCommand(name, "drawbar:{fleet}:circuits")).int
      }
      #expect(try await (1...15_000).contains(redis("PTTL") ?? -1))
      try await store.report([], of: other, id: "2")
      #expect(try await redis("EXISTS") == 0)
    }
  }

  private func withStore(_ body: (FleetStore) async throws -> Void) async throws {
    try await RedisServer.run { server in
      let redis = RedisClient(server.configuration, logger: Logger(label: "test"))
      do {
        try await body(FleetStore(redis: redis))
      } catch {
        await redis.close()
        throw error
      }
      await redis.close()
    }
  }
}
