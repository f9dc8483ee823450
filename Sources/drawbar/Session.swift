import Console
import Fleet
import Logging
import RedisClient
import RollEngine
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
    let configuration = try place.configuration()
    var logger = Logger(label: "drawbar") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    let redis = RedisClient(configuration, logger: logger)
    do {
      _ = try await redis.connect()
      let queue = Queue(redis: redis, namespace: namespace, retention: Releases.retention)
      let releasing = namespace == .namespace ? queue : Queue(redis: redis, retention: Releases.retention)
      let fleet = FleetStore(redis: redis)
      let releases = Releases(queue: releasing, fleet: fleet, packages: place.packages, logger: logger)
      // Whoever looks or acts while something is left out on purpose is told so.
      for banner in try await releases.degradation().banners {
        Terminal.standardError().show(Line(banner, .yellow))
      }
      try await body(Session(queue: queue, fleet: fleet, releases: releases, terminal: .standardOutput()))
    } catch {
      await redis.close()
      throw error
    }
    await redis.close()
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
    let socket = redisDirectory + "/redis.sock"
    guard Files.exists(socket) else {
      throw Stop(
        .unavailable,
        "no Drawbar runs in \(directory); start it in another terminal with drawbar up, or name a Redis with --redis"
      )
    }
    return RedisConfiguration(.unix(path: socket))
  }
}
