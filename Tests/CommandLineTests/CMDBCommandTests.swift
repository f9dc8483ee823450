import Foundation
import TestSupport
import Testing

/// A group whose servers come from a CMDB, by the command line.
@Suite(.timeLimit(.minutes(3))) struct CMDBCommandTests {
  private static let token = "only-for-the-cmdb"

  @Test func aGroupOfACMDBIsReleased() async throws {
    try await HTTPServer.run { cmdb in
      try await Program.with { drawbar in
        let network = "127.\(Int.random(in: 16...250)).\(Int.random(in: 0...255))"
        @Sendable func list(_ count: Int) -> String {
          let servers = (1..<(count + 1)).map {
            #"{"host": "web-\#($0)", "address": "\#(network).\#($0)", "port": 18181, "directory": "\#(drawbar.state)/web-\#($0)"}"#
          }
          return #"{"servers": [\#(servers.joined(separator: ","))]}"#
        }
        defer { for number in 1...3 { WalkTests.end("\(drawbar.state)/web-\(number)") } }
        let token = try drawbar.write(Self.token + "\n", to: "token")
        let file = try drawbar.write(
          """
          group: web
          app: web
          production: false
          health: { successes: 1, interval: 50ms, timeout: 1s }
          config: { startupTimeout: 20s, maxPullOutRatio: 100, retries: 0 }
          servers: { cmdb: { url: "\(cmdb.url)/groups/web", tokenFile: \(token), timeout: 5s } }
          """, to: "web.yaml")
        _ = try await drawbar.whileUp {
          @discardableResult
          func call(_ code: Int, _ arguments: [String]) async throws -> Program.Answer {
            let answer = try await drawbar.run("drawbar", arguments)
            #expect(answer.code == code, "\(arguments): \(answer.out) \(answer.err)")
            // What is secret is not told.
            #expect(!(answer.out + answer.err).contains(Self.token))
            return answer
          }

          let example = try await call(
            0,
            [
              "group", "apply", "--check",
              #filePath.replacing(
                "Tests/CommandLineTests/CMDBCommandTests.swift", with: "Examples/cmdb/shop-web.yaml"),
            ])
          #expect(example.out == "shop-web checked: servers of a cmdb\n" && example.err.isEmpty)
          // A file is checked without anybody being asked; applied, it is once.
          cmdb.answer(.init("", status: 503))
          let checked = try await call(0, ["group", "apply", "--check", file])
          #expect(checked.out == "web checked: servers of a cmdb\n")
          #expect(checked.err.contains("everybody on the way can read the token"))
          #expect(cmdb.requests.isEmpty)
          let refused = try await call(5, ["group", "apply", file])
          #expect(refused.err.contains("the cmdb answered with status 503; none are known yet"))
          #expect(try await call(0, ["group", "ls"]).out.contains("No groups yet"))
          cmdb.answer(.init(list(2)))
          #expect(try await call(0, ["group", "apply", file]).out == "web created: 2 servers (revision 1)\n")
          #expect(cmdb.requests.last?.target == "/groups/web")
          #expect(cmdb.requests.last?.headers["Authorization"] == "Bearer \(Self.token)")

          // Where the servers come from, and how old that is.
          #expect(try await call(0, ["group", "ls"]).out.contains("cmdb, synced "))
          #expect(try await call(0, ["group", "ls", "--json"]).out.contains(#""generation":2"#))
          let shown = try await call(0, ["group", "show", "web"]).out
          #expect(shown.contains("web-2") && shown.contains("\(cmdb.url)/groups/web"))
          try await call(2, ["group", "sync"])
          cmdb.answer(.init(list(3)))
          let synced = try await call(0, ["group", "sync", "--all", "--fresh", "--json"]).out
          #expect(synced.contains(#""added":1,"#) && synced.contains(#""servers":3"#))

          // A release asks, once.
          try await WalkTests.push("1.0", drawbar)
          try await WalkTests.push("1.1", drawbar)
          let before = cmdb.requests.count
          #expect(
            try await call(0, ["plan", "web", "1.0"]).out.contains("servers of the cmdb, synced 0s ago"))
          try await call(0, ["release", "web", "1.0", "--yes", "--json"])
          #expect(cmdb.requests.count == before + 2)

          // It is down: nothing is released, and it is told what may be done.
          cmdb.answer(.init("", status: 503))
          let down = try await call(5, ["release", "web", "1.1", "--yes"])
          #expect(
            down.err.contains("the servers of web can't be refreshed: the cmdb answered with status 503"))
          #expect(down.err.contains("The cache was synced "))
          #expect(down.err.contains("drawbar degrade --system cmdb "))
          #expect(try await call(0, ["group", "ls"]).out.contains("; failed "))
          #expect(try await call(0, ["group", "show", "web"]).out.contains("status 503"))
          #expect(
            try await call(0, ["group", "apply", file]).err.contains("warning: the servers of web can't"))
          try await call(0, ["degrade", "--system", "cmdb", "--for", "1h", "--reason", "an upgrade"])
          let asked = cmdb.requests.count
          let degraded = try await call(0, ["release", "web", "1.1", "--yes", "--json"])
          #expect(degraded.err.contains("DEGRADED: cmdb is left out"))
          #expect(degraded.err.contains("web: the servers of the cache (cmdb, synced "))
          try await call(2, ["group", "sync", "web"])
          #expect(cmdb.requests.count == asked)
          try await call(0, ["degrade", "restore", "--system", "cmdb"])

          // It errs.
          cmdb.answer(.init(list(1)))
          let shrunk = try await call(2, ["group", "sync", "web"])
          #expect(shrunk.err.contains("lacks 2 of the 3 servers known (web-2, web-3)"))
          #expect(shrunk.err.contains("drawbar group sync web --shrink"))
          try await call(0, ["group", "sync", "web", "--shrink"])
          let gone = try await call(0, ["group", "show", "web", "--json"]).out
          #expect(gone.contains("web-1") && !gone.contains("web-2"))
        }
        // Nor is it kept.
        let redis = "\(drawbar.state)/redis"
        let kept = try #require(FileManager.default.subpaths(atPath: redis)).compactMap {
          FileManager.default.contents(atPath: "\(redis)/\($0)").map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(kept.contains { $0.contains("/groups/web") }, "it is Redis' file that was looked at")
        #expect(!kept.contains { $0.contains(Self.token) })
      }
    }
  }
}
