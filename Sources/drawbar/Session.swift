import Console
import Fleet
import Logging
import RedisClient
import RollEngine
import Rollout
import TaskQueue

/// What a command works with: one connection to Redis, and what stands on it.
struct Session: Sendable {
  let queue: Queue
  let fleet: FleetStore
  let releases: Releases
  let terminal: Terminal

  /// Connects, lends the session, and closes it whatever happens in between.
  ///
  /// - Parameter namespace: of the queue; releases are always in the one that is theirs.
  static func open(
    _ place: PlaceOptions, namespace: QueueName = .namespace, _ body: (Session) async throws -> Void
  ) async throws {
    try await lend(place.configuration(), place, namespace: namespace) { session in
      try await session.showBanners()
      try await body(session)
    }
  }

  /// Whoever looks or acts while something is left out on purpose is told so.
  func showBanners() async throws {
    let banners = try await releases.degradation().banners + OpenCircuits(fleet.openCircuits()).banners
    for banner in banners { Terminal.standardError().show(Line(banner, .yellow)) }
  }

  /// Every group that this version can read; what it can't is told on standard error.
  func readableGroups() async throws -> [FleetStore.Known] {
    try await fleet.groups { Terminal.standardError().show(Line("\($0)", .yellow)) }
  }

  static func lend<Result>(
    _ configuration: RedisConfiguration, _ place: PlaceOptions, namespace: QueueName = .namespace,
    _ body: (Session) async throws -> Result
  ) async throws -> Result {
    var logger = Logger(label: "drawbar") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    let redis = RedisClient(configuration, logger: logger)
    do {
      _ = try await redis.connect()
      let queue = Queue(redis: redis, namespace: namespace, retention: Releases.retention)
      let releasing = namespace == .namespace ? queue : Queue(redis: redis, retention: Releases.retention)
      let fleet = FleetStore(redis: redis)
      let releases = Releases(queue: releasing, fleet: fleet, packages: place.packages, logger: logger)
      let result = try await body(
        Session(queue: queue, fleet: fleet, releases: releases, terminal: .standardOutput()))
      await redis.close()
      return result
    } catch {
      await redis.close()
      throw error
    }
  }

  /// While sources of record are left out: how old the servers are that a group is taken to have.
  func tellCache(of group: String) async throws {
    let view = try await releases.degradation()
    guard view.degradation.inForce(.cmdb, at: view.now) != nil,
      let cache = try await fleet.group(group)?.cache
    else { return }
    Terminal.standardError().show(Line("\(group): the servers of the cache (\(cache.words))", .yellow))
  }

  /// Follows a deployment, and ends the command by how that ended.
  func follow(_ id: String, json: Bool) async throws {
    let ending = try await Follow(releases: releases, terminal: terminal, json: json)(id)
    if ending != .succeeded { throw Stop(ending) }
  }
}

extension PlaceOptions {
  /// Where the private Redis keeps its socket and its file.
  var redisDirectory: String { directory + "/redis" }

  /// Where Redis is: named, or the private one, which must be there.
  func configuration() throws -> RedisConfiguration {
    if let url { return try RedisConfiguration(url: url) }
    guard Files.exists(socket) else { throw Stop(.unavailable, nobodyIsUp) }
    return privateConfiguration
  }

  var socket: String { redisDirectory + "/redis.sock" }

  /// The private one, whether or not it is there.
  var privateConfiguration: RedisConfiguration { RedisConfiguration(.unix(path: socket)) }

  var nobodyIsUp: String {
    "no Drawbar runs in \(directory); start it in another terminal with drawbar up, or name a Redis with --redis"
  }
}
