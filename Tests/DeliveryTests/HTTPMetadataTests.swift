import Circuits
import Delivery
import Fleet
import Foundation
import TestSupport
import Testing

/// A CMDB asked over HTTP.
@Suite(.timeLimit(.minutes(1))) struct HTTPMetadataTests {
  private static let list = #"{"servers": [{"host": "a", "port": 1, "directory": "/a"}]}"#

  private static func failure(_ cmdb: CMDB) async throws -> SyncFailure {
    try await #require(throws: SyncFailure.self) {
      try await HTTPMetadata().servers(of: "g", from: cmdb)
    }
  }

  @Test func theTokenIsReadWhenItIsNeeded() async throws {
    try await withDirectory { directory in
      try await HTTPServer.run { server in
        server.answer(.init(Self.list))
        let file = directory + "/token"
        let cmdb = CMDB(url: server.url + "/groups/g?all=1", tokenFile: file)
        for token in ["first", "second"] {
          try Data("\(token)\n".utf8).write(to: URL(filePath: file))
          #expect(try await HTTPMetadata().servers(of: "g", from: cmdb).servers.map(\.host) == ["a"])
        }
        #expect(server.requests.map(\.target) == ["/groups/g?all=1", "/groups/g?all=1"])
        #expect(server.requests.map { $0.headers["Authorization"] } == ["Bearer first", "Bearer second"])

        // What is no token is not sent.
        for text in ["", "two words", "ä"] {
          try Data(text.utf8).write(to: URL(filePath: file))
          #expect(try await Self.failure(cmdb).reason.contains("holds no token"))
        }
        try FileManager.default.removeItem(atPath: file)
        #expect(try await Self.failure(cmdb).reason.contains("there is no token file"))
        #expect(server.requests.count == 2)
        // Without a file there is none.
        _ = try await HTTPMetadata().servers(of: "g", from: CMDB(url: server.url))
        #expect(server.requests.last?.headers["Authorization"] == nil)
      }
    }
  }

  @Test func noRedirectGetsTheToken() async throws {
    try await withDirectory { directory in
      let file = directory + "/token"
      try Data("secret".utf8).write(to: URL(filePath: file))
      try await HTTPServer.run { other in
        try await HTTPServer.run { server in
          other.answer(.init(Self.list))
          server.answer(.init("", status: 302, headers: ["Location": other.url]))
          let failure = try await Self.failure(CMDB(url: server.url, tokenFile: file))
          #expect(failure.code == .unreachable)
          #expect(failure.reason.contains("status 302, a redirect"))
          #expect(other.requests.isEmpty)
        }
      }
    }
  }

  @Test func whatKeepsFromAListIsTold() async throws {
    try await HTTPServer.run { server in
      let cmdb = CMDB(url: server.url)
      server.answer(.init("no", status: 403))
      #expect(
        try await Self.failure(cmdb).reason
          == "the cmdb answered with status 403; see whether the token in tokenFile is right")
      server.answer(.init("no", status: 500))
      #expect(try await Self.failure(cmdb) == SyncFailure(.unreachable, "the cmdb answered with status 500"))
      server.answer(.init(#"{"servers": [{"host": "a", "port": 0, "directory": "/a"}]}"#))
      try await #require(throws: InvalidServers.self) {
        try await HTTPMetadata().servers(of: "g", from: cmdb)
      }
      server.answer(.init(String(repeating: " ", count: (32 << 20) + 1)))
      #expect(
        try await Self.failure(CMDB(url: server.url, timeout: 30_000))
          == SyncFailure(.invalid, "the answer of the cmdb is larger than 32 MiB"))
      server.hold(true)
      #expect(
        try await Self.failure(CMDB(url: server.url, timeout: 100))
          == SyncFailure(.unreachable, "the cmdb gave no answer within 100ms"))
    }
  }

  @Test func aRefusedConnectionIsToldAtOnce() async throws {
    // Nobody listens on port 1.
    let start = ContinuousClock.now
    let failure = try await Self.failure(CMDB(url: "http://127.0.0.1:1/g", timeout: 30_000))
    #expect(failure.reason == "the cmdb can't be reached: Connection refused")
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  /// One CMDB has many groups, and what is wrong with one is not with all.
  @Test func oneThatKeepsFailingIsLeftAlone() async throws {
    try await HTTPServer.run { server in
      let source = HTTPMetadata(circuits: CircuitBreakers(logger: quiet))
      func ask(_ group: String) async throws -> SyncFailure {
        try await #require(throws: SyncFailure.self) {
          try await source.servers(of: group, from: CMDB(url: "\(server.url)/\(group)?key=secret"))
        }
      }
      // An answer that says no is an answer.
      server.answer(.init("", status: 404))
      for _ in 0..<10 { #expect(try await ask("a").reason.contains("status 404")) }
      server.answer(.init("", status: 500))
      for _ in 0..<5 { #expect(try await ask("a").reason.contains("status 500")) }
      let asked = server.requests.count
      let open = try await ask("a")
      #expect(open.code == .unreachable)
      #expect(open.reason.contains("its circuit is open"))
      #expect(open.reason.contains("drawbar degrade --system cmdb"))
      #expect(!open.reason.contains("secret"))
      #expect(server.requests.count == asked)
      _ = try await ask("b")
      #expect(server.requests.last?.target == "/b?key=secret")
    }
  }

  /// What fails below HTTP is no answer.
  @Test func anErrorOfTLSIsAFailure() async throws {
    try await HTTPServer.run { server in
      let source = HTTPMetadata(circuits: CircuitBreakers(logger: quiet))
      let url = server.url.replacing("http://", with: "https://")
      var said: [SyncFailure] = []
      for _ in 0..<6 {
        said.append(
          try await #require(throws: SyncFailure.self) {
            try await source.servers(of: "g", from: CMDB(url: url))
          })
      }
      #expect(said.allSatisfy { $0.code == .unreachable })
      #expect(said[0].reason.hasPrefix("the cmdb can't be reached: "))
      #expect(said[5].reason.contains("its circuit is open"))
    }
  }
}
