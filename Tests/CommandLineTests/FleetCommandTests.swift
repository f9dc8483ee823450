import RedisServer
import Testing

/// Groups, versions and campaigns as they are listed, forgotten and marked.
@Suite struct FleetCommandTests {
  @Test(.timeLimit(.minutes(1))) func aGroupIsForgotten() async throws {
    try await RedisServer.run { server in
      try await Program.with { drawbar in
        let redis = ["--redis", "\(server.configuration)"]
        func run(_ arguments: String...) async throws -> Program.Answer {
          try await drawbar.run("drawbar", arguments + redis)
        }
        let file = try drawbar.write(
          """
          group: web
          app: shop
          health: { path: / }
          servers:
            - { host: a, port: 1, directory: /srv/a }
            - { host: b, port: 2, directory: /srv/b }
          """, to: "web.yaml")
        #expect(try await run("group", "apply", file).code == 0)
        let asked = try await run("group", "rm", "web")
        #expect(asked.code == 2)
        #expect(asked.err.contains("Forget web with 2 servers? Nobody is here to be asked: say --yes"))
        let package = try drawbar.write("#!/bin/sh\n", to: "run", executable: true)
        #expect(!package.isEmpty)
        #expect(try await run("package", "push", "shop", "1", drawbar.state).code == 0)
        #expect(try await run("campaign", "ls").out.hasPrefix("No campaigns yet"))
        let created = try await run(
          "campaign", "create", "night", "--wave", "web=1", "--limit", "1", "--plan-only")
        #expect(created.code == 0, "\(created.err)")
        #expect(try await run("campaign", "ls").out.contains("night     PENDING       1     0  0/1"))
        #expect(try await run("campaign", "ls", "--json").out.contains(#""id":"night""#))
        let needed = try await run("group", "rm", "web", "--yes")
        #expect(needed.code == 2)
        #expect(needed.err.contains("web can't be removed: the campaign night has it"))
        #expect(try await run("campaign", "abort", "night").code == 0)
        #expect(try await run("group", "rm", "web", "--yes").out == "web is forgotten\n")
        #expect(try await run("group", "ls").out.hasPrefix("No groups yet"))
        #expect(try await run("group", "rm", "web", "--yes").code == 2)
        #expect(try await run("journal", "web").out.contains("remove"))
      }
    }
  }

  @Test(.timeLimit(.minutes(1))) func aMarkIsTakenBack() async throws {
    try await RedisServer.run { server in
      try await Program.with { drawbar in
        func run(_ arguments: String...) async throws -> Program.Answer {
          try await drawbar.run("drawbar", ["package"] + arguments + ["--redis", "\(server.configuration)"])
        }
        _ = try drawbar.write("#!/bin/sh\n", to: "run", executable: true)
        #expect(try await run("push", "shop", "1", drawbar.state).code == 0)
        #expect(try await run("unmark-bad", "shop", "1", "--reason", "why").code == 2)
        #expect(try await run("mark-bad", "shop", "1", "--reason", "leaks").code == 0)
        #expect(try await run("unmark-bad", "shop", "1").err.contains("say it with --reason"))
        let done = try await run("unmark-bad", "shop", "1", "--reason", "it was the database")
        #expect(done.out == "shop 1 is no longer marked bad\n")
        #expect(try await drawbar("package", "ls", "shop").out.contains("bad") == false)
      }
    }
  }
}
