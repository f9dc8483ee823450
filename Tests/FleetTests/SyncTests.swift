import Logging
import RedisClient
import RedisServer
import Synchronization
import TestSupport
import Testing

@testable import Fleet

/// Merged syncs on a real Redis: one request, whoever asks.
@Suite(.timeLimit(.minutes(1))) struct SyncTests {
  @Test func fiftyAtOnceAskOnce() async throws {
    try await withStores(5) { stores in
      let source = FakeSource(["a", "b"])
      source.hold(true)
      let waiting = Shared(Set<Int>())
      let results = try await withThrowingTaskGroup(of: Synced.self) { tasks in
        for caller in 0..<50 {
          tasks.addTask {
            try await stores[caller % 5].sync(Self.group(), from: source) { pause in
              waiting.change { $0.insert(caller) }
              try await Task.sleep(for: pause)
            }
          }
        }
        try await eventually("49 wait for one") { waiting.value.count == 49 && source.asked == 1 }
        source.hold(false)
        return try await tasks.reduce(into: []) { $0.append($1) }
      }
      #expect(source.asked == 1)
      #expect(results.count == 50)
      #expect(Set(results.map(\.generation)) == [1])
      #expect(results.allSatisfy { $0.servers == 2 && $0.added == 2 && $0.gone == 0 })
    }
  }

  @Test func allShareTheError() async throws {
    try await withStores(2) { stores in
      let source = FakeSource([])
      source.fail(with: "the disk is on fire")
      source.hold(true)
      let waiting = Shared(Set<Int>())
      let failures = try await withThrowingTaskGroup(of: SyncFailure?.self) { tasks in
        for caller in 0..<10 {
          tasks.addTask {
            do {
              _ = try await stores[caller % 2].sync(Self.group(), from: source) { pause in
                waiting.change { $0.insert(caller) }
                try await Task.sleep(for: pause)
              }
              return nil
            } catch let failure as SyncFailure { return failure }
          }
        }
        try await eventually("nine wait") { waiting.value.count == 9 }
        source.hold(false)
        return try await tasks.reduce(into: []) { $0.append($1) }
      }
      #expect(source.asked == 1)
      #expect(failures.count == 10)
      #expect(failures.allSatisfy { $0?.code == .unreachable && $0?.reason.contains("on fire") == true })
    }
  }

  @Test func thoseWhoNeedItFresherShareExactlyOneMore() async throws {
    try await withStores(2) { stores in
      let source = FakeSource(["a"])
      source.hold(true)
      try await withThrowingTaskGroup(of: Int.self) { tasks in
        tasks.addTask { try await stores[0].sync(Self.group(), from: source).generation }
        try await eventually("one asks") { source.asked == 1 }
        let waiting = Shared(Set<Int>())
        for caller in 0..<8 {
          tasks.addTask {
            try await stores[caller % 2].sync(Self.group(), from: source, fresh: true) { pause in
              waiting.change { $0.insert(caller) }
              try await Task.sleep(for: pause)
            }.generation
          }
        }
        try await eventually("eight wait") { waiting.value.count == 8 }
        source.hold(false)
        let generations = try await tasks.reduce(into: [Int]()) { $0.append($1) }
        #expect(generations.sorted() == [1] + Array(repeating: 2, count: 8))
      }
      #expect(source.asked == 2)
    }
  }

  @Test func aDeadHoldersPlaceIsTakenOnceItsLifeIsOver() async throws {
    try await withStores(2) { stores in
      let source = FakeSource(["a"])
      source.hold(true)
      let group = Self.group(timeout: 100)
      let life = try #require(group.cmdb?.life)
      // It is cancelled while it asks, and releases nothing.
      let killed = Task { try await stores[0].sync(group, from: source) }
      try await eventually("it asks") { source.asked == 1 }
      killed.cancel()
      await #expect(throws: CancellationError.self) { try await killed.value }
      source.hold(false)
      let start = ContinuousClock.now
      let waited = Shared(Duration.zero)
      let generations = try await withThrowingTaskGroup(of: Int.self) { tasks in
        for caller in 0..<6 {
          tasks.addTask {
            try await stores[caller % 2].sync(group, from: source) { pause in
              waited.change { $0 = max($0, ContinuousClock.now - start + pause) }
              try await Task.sleep(for: pause)
            }.generation
          }
        }
        return try await tasks.reduce(into: []) { $0.append($1) }
      }
      #expect(generations == Array(repeating: 2, count: 6))
      #expect(source.asked == 2)
      // It was alive for a moment before `start`; those who then waited for the second add their looks.
      #expect(waited.value < .milliseconds(life) + .seconds(2))
      #expect(ContinuousClock.now - start > .milliseconds(life - 2_000))
    }
  }

  @Test func aLateHoldersAnswerIsRefused() async throws {
    try await withStores(1) { stores in
      let store = stores[0]
      let group = Self.group(timeout: 60_000)
      let source = FakeSource(["late"])
      source.hold(true)
      async let late = store.sync(group, from: source)
      try await eventually("it asks") { source.asked == 1 }
      // Its life is over as far as Redis knows, and another takes its place.
      let redis = RedisClient(stores.configuration, logger: Logger(label: "test"))
      let key = try #require(
        try await redis.send(RedisCommand("KEYS", "*cmdb:*")).array?.first?.string)
      try await redis.send(RedisCommand("HSET", .init(key), "began", 1, "until", 2))
      #expect(try await store.sync(group, from: FakeSource(["new"])).generation == 2)
      source.hold(false)
      // It is given the result of the one that replaced it.
      let given = try await late
      #expect(given.generation == 2)
      try await store.apply(group)
      #expect(try await store.group("g")?.group.servers.map(\.host) == ["new"])
      await redis.close()
    }
  }

  /// A clock that is set back makes nobody wait for as long.
  @Test func whatBeganInTheFutureHoldsNobody() async throws {
    try await withStores(1) { stores in
      let source = FakeSource(["a"])
      try await stores[0].sync(Self.group(), from: source)
      let redis = RedisClient(stores.configuration, logger: Logger(label: "test"))
      let key = try #require(
        try await redis.send(RedisCommand("KEYS", "*cmdb:*")).array?.first?.string)
      let (soon, later) = (4_000_000_000_000, 4_000_000_008_000)
      try await redis.send(
        RedisCommand(
          "HSET", .init(key), "generation", 2, "token", "x", "began", .init(soon), "until", .init(later)))
      #expect(try await stores[0].sync(Self.group(), from: source).generation == 3)
      await redis.close()
    }
  }

  @Test func aSourceThatErrsEmptiesNothing() async throws {
    try await withStores(1) { stores in
      let store = stores[0]
      let group = Self.group()
      let source = FakeSource(["a", "b", "c", "d"])
      try await store.sync(group, from: source)
      try await store.apply(group)
      let before = try #require(try await store.group("g"))
      source.answer([])
      var failure = try await #require(throws: SyncFailure.self) { try await store.sync(group, from: source) }
      #expect(failure.code == .empty)
      source.answer(["a"])
      failure = try await #require(throws: SyncFailure.self) { try await store.sync(group, from: source) }
      #expect(failure.code == .shrunk)
      #expect(failure.reason.contains("lacks 3 of the 4 servers known (b, c, d)"))
      let after = try #require(try await store.group("g"))
      #expect(after.group == before.group)
      #expect(after.revision == before.revision)
      #expect(after.cache?.syncedAt == before.cache?.syncedAt)
      #expect(after.cache?.failure?.reason.contains("lacks 3") == true)
      // Half of them may go; more only where somebody says so.
      source.answer(["a", "b"])
      #expect(try await store.sync(group, from: source).gone == 2)
      source.answer([])
      #expect(try await store.sync(group, from: source, shrink: true).gone == 2)
      #expect(try await store.group("g")?.group.servers == [])
    }
  }

  /// Who confirms is not refused for one that was under way and had nobody's word.
  @Test func whoConfirmsAsksAgain() async throws {
    try await withStores(1) { stores in
      let store = stores[0]
      let group = Self.group()
      let source = FakeSource(["a", "b", "c"])
      try await store.sync(group, from: source)
      try await store.apply(group)
      source.answer(["a"])
      source.hold(true)
      async let unsaid = Result { try await store.sync(group, from: source) }
      try await eventually("one asks") { source.asked == 2 }
      let waiting = Shared(false)
      async let said = store.sync(group, from: source, shrink: true) { pause in
        waiting.change { $0 = true }
        try await Task.sleep(for: pause)
      }
      try await eventually("the other waits") { waiting.value }
      source.hold(false)
      let (refused, taken) = try await (unsaid, said)
      #expect(throws: SyncFailure.self) { try refused.get() }
      #expect(taken.servers == 1)
      #expect(source.asked == 3)
    }
  }

  @Test func onlyWhatIsNewRaisesTheRevision() async throws {
    try await withStores(1) { stores in
      let store = stores[0]
      var group = Self.group()
      let source = FakeSource(["a", "b"])
      try await store.sync(group, from: source)
      #expect(try await store.apply(group) == .created)
      source.answer(["b", "a"])
      try await store.sync(group, from: source)
      var known = try #require(try await store.group("g"))
      #expect(known.revision == 1)
      #expect(known.cache?.generation == 2)
      source.answer(["b", "a", "c"])
      #expect(try await store.sync(group, from: source).added == 1)
      known = try #require(try await store.group("g"))
      #expect(known.revision == 2)
      #expect(known.group.servers.map(\.host) == ["a", "b", "c"])
      #expect(try await store.apply(group) == .unchanged(revision: 2))
      // Flags stay with who has left: the source may have forgotten it for this one answer.
      for host in ["a", "b", "c"] {
        try await store.setFlag(.operator, on: host, of: "g", by: "ann", reason: "disk")
      }
      source.answer(["c", "d"])
      try await store.sync(group, from: source, shrink: true)
      try await store.apply(group)
      #expect(try await store.flags(of: "g").keys.sorted() == ["a", "b", "c"])

      // Another source has nothing yet; and a list in the file ends it all.
      group.cmdb?.url = "http://other/g"
      try await store.sync(group, from: FakeSource(["x", "y"]), shrink: true)
      try await store.apply(group)
      #expect(try await store.group("g")?.group.servers.map(\.host) == ["x", "y"])
      group.cmdb = nil
      group.servers = [Self.server("z")]
      try await store.apply(group)
      known = try #require(try await store.group("g"))
      #expect(known.group.servers.map(\.host) == ["z"])
      #expect(known.cache == nil)
      #expect(try await store.flags(of: "g") == [:])
      let redis = RedisClient(stores.configuration, logger: Logger(label: "test"))
      #expect(try await redis.send(RedisCommand("KEYS", "*cmdb:*")).array == [])
      await redis.close()
    }
  }

  /// What was asked for a file that was never applied does not stay for ever; what a group lives by does.
  @Test func onlyACacheThatAGroupLivesByIsKept() async throws {
    try await withStores(1) { stores in
      let store = stores[0]
      var group = Self.group()
      let cmdb = try #require(group.cmdb)
      let redis = RedisClient(stores.configuration, logger: Logger(label: "test"))
      func life(_ cmdb: CMDB) async throws -> Int? {
        try await redis.send(RedisCommand("TTL", .init(store.cacheKey("g", cmdb)))).int
      }
      let source = FakeSource(["a"])
      for reason in ["gone", nil] {
        source.fail(with: reason)
        _ = await Result { try await store.sync(group, from: source) }
        #expect(try await (1...86_400).contains(life(cmdb) ?? 0))
      }
      try await store.apply(group)
      #expect(try await life(cmdb) == -1)
      for reason in ["gone", nil] {
        source.fail(with: reason)
        _ = await Result { try await store.sync(group, from: source) }
        #expect(try await life(cmdb) == -1)
      }
      // Another URL was tried, and its file is not applied.
      group.cmdb?.url = "http://other/g"
      try await store.sync(group, from: source)
      #expect(try await (1...86_400).contains(life(try #require(group.cmdb)) ?? 0))
      #expect(try await life(cmdb) == -1)
      // A cache that was lost and comes back.
      try await redis.send(RedisCommand("DEL", .init(store.cacheKey("g", cmdb))))
      try await store.sync(Self.group(), from: source)
      #expect(try await life(cmdb) == -1)
      await redis.close()
    }
  }

  @Test func aSourceThatIsSilentIsGivenUp() async throws {
    try await withStores(1) { stores in
      let source = FakeSource(["a"])
      source.hold(true)
      let failure = try await #require(throws: SyncFailure.self) {
        try await stores[0].sync(Self.group(timeout: 100), from: source)
      }
      #expect(failure == SyncFailure(.unreachable, "the cmdb gave no answer within 100ms"))
    }
  }

  /// What a CMDB says is neither believed nor shown as it is.
  @Test func whatCantBeTakenIsToldInALine() async throws {
    try await withStores(1) { stores in
      let long = String(repeating: "x", count: 100_000)
      let failure = try await #require(throws: SyncFailure.self) {
        try await stores[0].sync(Self.group(), from: FakeSource(["a", "\u{1b}[2J\n", long]))
      }
      #expect(failure.code == .invalid)
      #expect(failure.reason.contains("(?[2J?)"))
      #expect(failure.reason.count < 1_200)
    }
  }

  @Test func aLargeGroupIsSynced() async throws {
    try await withStores(1) { stores in
      let source = FakeSource((0..<10_000).map { "web-\($0)" })
      try await stores[0].sync(Self.group(), from: source)
      try await stores[0].apply(Self.group())
      #expect(try await stores[0].group("g")?.group.servers.count == 10_000)
    }
  }

  // MARK: -

  static func server(_ host: String) -> Server {
    Server(host: host, address: host, port: 1, directory: "/srv/\(host)")
  }

  static func group(timeout: Int64 = 5_000) -> Group {
    Group(name: "g", app: "a", servers: [], cmdb: CMDB(url: "http://cmdb/g", timeout: timeout))
  }

  private struct Stores: Sendable {
    let configuration: RedisConfiguration
    let all: [FleetStore]
    subscript(index: Int) -> FleetStore { all[index] }
  }

  /// Stores with a connection each, as different processes have them.
  private func withStores(_ count: Int, _ body: (Stores) async throws -> Void) async throws {
    try await RedisServer.run { server in
      let clients = (0..<count).map { _ in
        RedisClient(server.configuration, logger: Logger(label: "test"))
      }
      let stores = Stores(configuration: server.configuration, all: clients.map { FleetStore(redis: $0) })
      do { try await body(stores) } catch {
        for client in clients { await client.close() }
        throw error
      }
      for client in clients { await client.close() }
    }
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}

/// What several tasks of a test note together.
private final class Shared<Value: Sendable>: Sendable {
  private let state: Mutex<Value>
  init(_ value: Value) { state = Mutex(value) }
  var value: Value { state.withLock { $0 } }
  func change<Result>(_ body: (inout sending Value) -> sending Result) { _ = state.withLock { body(&$0) } }
}

/// A source in memory that counts, and can be made to wait or fail.
final class FakeSource: MetadataSource {
  private struct State {
    var hosts: [String]
    var failure: String?
    var isHeld = false
    var asked = 0
  }

  private let state: Mutex<State>

  init(_ hosts: [String]) { state = Mutex(State(hosts: hosts)) }

  var asked: Int { state.withLock(\.asked) }
  func answer(_ hosts: [String]) { state.withLock { $0.hosts = hosts } }
  func fail(with reason: String?) { state.withLock { $0.failure = reason } }
  func hold(_ isHeld: Bool) { state.withLock { $0.isHeld = isHeld } }

  struct Down: Error, CustomStringConvertible { var description: String }

  func servers(of group: String, from cmdb: CMDB) async throws -> ServerList {
    state.withLock { $0.asked += 1 }
    while state.withLock(\.isHeld) { try await Task.sleep(for: .milliseconds(2)) }
    let (hosts, failure) = state.withLock { ($0.hosts, $0.failure) }
    if let failure { throw Down(description: failure) }
    return try ServerList(hosts.map(SyncTests.server))
  }
}
