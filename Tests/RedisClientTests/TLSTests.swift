import Foundation
import RedisClient
import RedisServer
import Testing

@Suite("TLS", .timeLimit(.minutes(1)))
struct TLSTests {
  @Test("A server with the right name and authority is talked to; any other is refused")
  func verified() async throws {
    try await inTemporaryDirectory { directory in
      let files = try Certificates(directory, name: "DNS:redis.test")
      let network = RedisServer.Network(tls: files.server)
      try await RedisServer.run(options: .init(password: "s3cret", network: network)) { server in
        var right = try #require(server.networkConfiguration)
        right.tls?.serverName = "redis.test"
        try await withClient(of: right) { client in
          #expect(try await client.send(RedisCommand("PING")).string == "PONG")
          let big = String(repeating: "x", count: 1 << 20)
          try await client.send(RedisCommand("SET", "k", .string(big)))
          #expect(try await client.send(RedisCommand("GET", "k")).string == big)
          let subscription = try await client.subscribe(to: ["c"])
          try await client.send(RedisCommand("PUBLISH", "c", "m"))
          var iterator = subscription.makeAsyncIterator()
          #expect(try await iterator.next()?.text == "m")
        }
        guard case .tcp(_, let port) = right.address else { return }
        let url = "rediss://:s3cret@localhost:\(port)?ca="
        let good = try RedisConfiguration(url: url + files.authority + "&server-name=redis.test")
        try await withClient(of: good) { (client) async throws in
          #expect(try await client.send(RedisCommand("PING")).string == "PONG")
        }
        for wrong in [
          url + files.authority,
          url + files.authority + "&server-name=example.com",
          url + files.otherAuthority + "&server-name=redis.test",
          "rediss://:s3cret@localhost:\(port)?server-name=redis.test",
          "rediss://:s3cret@127.0.0.1:\(port)?ca=\(files.authority)",
          url + "/no/such/file.pem",
        ] {
          try await withClient(of: try RedisConfiguration(url: wrong)) { client in
            let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
            #expect(
              error?.code == .tls && error?.mayHaveRun == false, "\(wrong)")
          }
        }
      }
    }
  }

  @Test("A server that wants our certificate gets it")
  func mutual() async throws {
    try await inTemporaryDirectory { directory in
      let files = try Certificates(directory, name: "IP:127.0.0.1")
      var tls = files.server
      tls.clientsNeedCertificates = true
      try await RedisServer.run(options: .init(network: .init(tls: tls))) { server in
        var configuration = try #require(server.networkConfiguration)
        try await withClient(of: configuration) { client in
          await #expect(throws: RedisError.self) { try await client.connect() }
        }
        configuration.tls?.certificate = tls.certificate
        configuration.tls?.privateKey = tls.privateKey
        try await withClient(of: configuration) { (client) async throws in
          #expect(try await client.send(RedisCommand("PING")).string == "PONG")
        }
      }
    }
  }
}

/// Certificates made by openssl for one test.
private struct Certificates {
  let server: RedisServer.TLSFiles
  let authority: String
  let otherAuthority: String

  /// - Parameter name: the server's, as openssl writes it.
  init(_ directory: String, name: String) throws {
    func path(_ name: String) -> String { "\(directory)/\(name).pem" }
    for name in ["ca", "other"] {
      try Self.openssl([
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=\(name)", "-keyout", path("\(name)-key"), "-out", path(name),
      ])
    }
    try Self.openssl([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", "/CN=redis", "-addext", "subjectAltName=\(name)",
      "-addext", "basicConstraints=critical,CA:FALSE", "-CA", path("ca"), "-CAkey", path("ca-key"),
      "-keyout", path("key"), "-out", path("cert"),
    ])
    authority = path("ca")
    otherAuthority = path("other")
    server = RedisServer.TLSFiles(
      certificate: path("cert"), privateKey: path("key"), certificateAuthorities: path("ca"))
  }

  private static func openssl(_ arguments: [String]) throws {
    var words: [UnsafeMutablePointer<CChar>?] = (["openssl"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var child: pid_t = 0
    try #require(posix_spawnp(&child, "openssl", &actions, nil, &words, environ) == 0)
    var status: Int32 = 0
    waitpid(child, &status, 0)
    try #require(status == 0, "openssl \(arguments.joined(separator: " "))")
  }
}
