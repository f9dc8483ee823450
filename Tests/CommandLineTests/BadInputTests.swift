import Logging
import RedisClient
import RedisServer
import Testing

/// Whatever is wrong ends in exit code 2 and a sentence that names the place, and nothing was changed.
@Suite struct BadInputTests {
  @Test func groupFiles() async throws {
    let cases: [(yaml: String, place: String)] = [
      (
        Self.file(
          servers: ["- { host: a, port: 1, directory: /srv/a }", "- { host: a, port: 2, directory: /srv/b }"]
        ),
        "7:11: servers[1].host: 'a' is servers[0] already"
      ),
      (Self.file(extra: "colour: blue"), "3:1: colour: unknown key"),
      (Self.file(extra: "sevrers: []"), "3:1: sevrers: unknown key; did you mean servers?"),
      (
        Self.file(servers: ["- { host: a, port: 65536, directory: /srv/a }"]),
        "6:20: servers[0].port: 65536 is not a port; use 1 to 65535"
      ),
      (
        Self.file(config: "maxPullOutRatio: 0"),
        "4:28: config.maxPullOutRatio: must be 1…50 percent in production"
      ),
      (Self.file(config: "maxPullOutRatio: 51"), "4:28: config.maxPullOutRatio: must be 1…50"),
      (
        Self.file(extra: "production: false", config: "maxPullOutRatio: 101"),
        "4:28: config.maxPullOutRatio: must be 1…100 percent, not 101"
      ),
      ("group: [", "not YAML"),
    ]
    try await RedisServer.run { server in
      try await Program.with { drawbar in
        let redis = "\(server.configuration)"
        for (yaml, place) in cases {
          let file = try drawbar.write(yaml, to: "g.yaml")
          let answer = try await drawbar("group", "apply", file, "--redis", redis)
          #expect(answer.code == 2)
          #expect(answer.err.contains(place), "\(answer.err)")
          #expect(answer.err.hasPrefix(file + ":"))
        }
        let known = try await drawbar("group", "ls", "--json", "--redis", redis)
        #expect(known.code == 0)
        #expect(known.out.isEmpty, "nothing was applied")
      }
    }
  }

  /// A server that would lose work is refused before anything is said to be up; one that isn't there in plain words.
  @Test func aRedisThatCannotBeUsed() async throws {
    try await RedisServer.run(options: .init(settings: ["maxmemory-policy": "allkeys-lru"])) { server in
      try await Program.with { drawbar in
        let refused = try await drawbar("up", "--redis", "\(server.configuration)")
        #expect(refused.code == 5)
        #expect(refused.out.isEmpty)
        #expect(refused.err.contains("CONFIG SET maxmemory-policy noeviction"))
        let absent = try await drawbar("queue", "ls", "--redis", "redis://127.0.0.1:1")
        #expect(absent.code == 5)
        #expect(
          absent.err == "drawbar: can't reach Redis: There is no Redis at 127.0.0.1:1: Connection refused. "
            + "Start it, or name another with --redis\n")
      }
    }
  }

  /// What Redis says comes last, after what was tried and what to do.
  @Test func whatRedisRefuses() async throws {
    try await RedisServer.run { server in
      try await Program.with { drawbar in
        let redis = RedisClient(
          server.configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await redis.send(RedisCommand("SET", "drawbar:{workflows}:latest", "x"))
        let answer = try await drawbar("workflow", "ls", "--redis", "\(server.configuration)")
        #expect(answer.code == 5)
        #expect(
          answer.err.hasPrefix("drawbar: Redis refused what was asked of it; another version of Drawbar"))
        #expect(answer.err.contains("Its words: "))
        await redis.close()
      }
    }
  }

  @Test func aDirectoryIsNoFile() async throws {
    try await Program.with { drawbar in
      for command in [["run"], ["group", "apply", "--check"]] {
        let answer = try await drawbar.run("drawbar", command + [drawbar.state])
        #expect(answer.code == 2)
        #expect(answer.err.contains("can't read \(drawbar.state): it is a directory; name a file in it"))
      }
    }
  }

  @Test func whatMayBeRegrettedIsWarnedOfAndDone() async throws {
    try await Program.with { drawbar in
      let balancer = "balancer:\n  haproxy: { socket: /run/haproxy.sock, backend: b"
      for (rest, isWarned) in [(" }", true), (", stateFile: /run/haproxy.state }", false)] {
        let file = try drawbar.write(Self.file(extra: balancer + rest), to: "g.yaml")
        let answer = try await drawbar("group", "apply", "--check", file)
        #expect(answer.code == 0)
        #expect(answer.err.hasPrefix("warning: \(file):4:12: balancer.haproxy.stateFile: ") == isWarned)
        #expect(answer.err.isEmpty != isWarned)
      }
    }
  }

  @Test func commandLines() async throws {
    try await Program.with { drawbar in
      #expect(try await drawbar("frobnicate").code == 2)
      #expect(try await drawbar("plan", "only-a-group").code == 2)
      #expect(try await drawbar("group", "apply", "/nowhere.yaml").code == 2)
      #expect(try await drawbar("show", "g", "--redis", "http://localhost").code == 2)
      #expect(try await drawbar("release", "g", "1", "--wait", "5").code == 2)
      for resume in [["resume", "g"], ["campaign", "resume", "night"]] {
        let answer = try await drawbar.run("drawbar", resume + ["--override-by=-1"])
        #expect(answer.code == 2)
        #expect(answer.err.contains("'-1' is no count of failures; write 0 or more"), "\(answer.err)")
      }
      #expect(try await drawbar("accept", "g").err.contains("--reason"))
      #expect(try await drawbar("package", "push", "a", "../1", drawbar.state).code == 2)
      // Nobody is there: that is no bad input.
      let away = try await drawbar("show", "g")
      #expect(away.code == 5)
      #expect(away.err.contains("drawbar up"))
      #expect(try await drawbar("show", "g", "--redis", "redis://127.0.0.1:1").code == 5)
      #expect(try await drawbar("--help").code == 0)
    }
  }

  /// Line 3 is `extra`, line 4 the config, servers begin in line 6.
  private static func file(
    extra: String = "site: ams", config: String = "retries: 1",
    servers: [String] = ["- { host: a, port: 1, directory: /srv/a }"]
  ) -> String {
    """
    group: g
    app: a
    \(extra)
    config: { \(config) }
    servers:
    \(servers.joined(separator: "\n"))
    """
  }
}
