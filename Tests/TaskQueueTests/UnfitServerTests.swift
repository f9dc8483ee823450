import Foundation
import Logging
import NIOCore
import NIOPosix
import RedisServer
import TestSupport
import Testing

@testable import RedisClient
@testable import TaskQueue

/// Servers that a worker can't work with: it refuses them at its start, and says what to do.
@Suite(.timeLimit(.minutes(1))) struct UnfitServerTests {
  private func refusal(_ configuration: RedisConfiguration) async -> (any Error)? {
    let redis = RedisClient(configuration, logger: quiet)
    let worker = Worker(queue: Queue(redis: redis), tasks: TaskRegistry(), logger: quiet)
    var refusal: (any Error)?
    do { try await worker.run() } catch { refusal = error }
    await redis.close()
    return refusal
  }

  @Test(arguments: ["allkeys-lru", "volatile-ttl"])
  func oneThatEvicts(policy: String) async throws {
    var options = RedisServer.Options()
    options.settings = ["maxmemory-policy": policy]
    try await RedisServer.run(options: options) { server in
      let error = await refusal(server.configuration) as? UnfitRedis
      #expect(error?.description.contains("maxmemory-policy \(policy)") == true)
      #expect(error?.description.contains("set it to noeviction") == true)
    }
  }

  @Test(arguments: [("5.0.14", true), ("6.0.20", true), ("6.2.0", false), ("7.0.15", false)])
  func oneThatIsTooOld(version: String, isRefused: Bool) throws {
    let info =
      "# Server\r\nredis_version:\(version)\r\nrun_id:abc\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n"
    let server = RedisServerInfo(info: info)
    guard isRefused else { return try UnfitRedis.check(server) }
    let error = #expect(throws: UnfitRedis.self) { try UnfitRedis.check(server) }
    #expect(error?.description == "Redis \(version) is too old: 6.2 or newer is needed")
  }

  @Test func oneThatIsTooOldByItsOwnWords() async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let channel = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(OldServer()) }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(channel.localAddress?.port)
    let error = await refusal(RedisConfiguration(.tcp(host: "127.0.0.1", port: port)))
    #expect((error as? UnfitRedis)?.description == "Redis 5.0.14 is too old: 6.2 or newer is needed")
    try await channel.close().get()
  }

  @Test func oneThatRefusesThePassword() async throws {
    try await RedisServer.run(options: .init(password: "s3cret")) { server in
      for password in ["wr0ng", nil] as [String?] {
        var configuration = server.configuration
        configuration.password = password.map { Password($0) }
        let error = await refusal(configuration) as? RedisError
        #expect(error?.code == .authentication)
        #expect(error?.description.contains("Check user and password") == true)
        #expect(error?.description.contains("wr0ng") == false)
      }
    }
  }

  @Test func oneWhoseCertificateBearsAnotherName() async throws {
    let directory = NSTemporaryDirectory() + "drawbar-tls-\(UInt32.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { do { try FileManager.default.removeItem(atPath: directory) } catch {} }
    let (certificate, key) = ("\(directory)/cert.pem", "\(directory)/key.pem")
    let openssl = Process()
    openssl.executableURL = URL(filePath: "/usr/bin/env")
    openssl.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-days", "2", "-subj", "/CN=redis", "-addext", "subjectAltName=DNS:redis.test", "-keyout", key, "-out",
      certificate,
    ]
    openssl.standardError = FileHandle.nullDevice
    try openssl.run()
    openssl.waitUntilExit()
    try #require(openssl.terminationStatus == 0)
    let files = RedisServer.TLSFiles(
      certificate: certificate, privateKey: key, certificateAuthorities: certificate)
    try await RedisServer.run(options: .init(network: .init(tls: files))) { server in
      var configuration = try #require(server.networkConfiguration)
      configuration.tls?.serverName = "redis.test"
      let right = RedisClient(configuration, logger: quiet)
      _ = try await right.connect()
      await right.close()
      configuration.tls?.serverName = "other.test"
      let error = await refusal(configuration) as? RedisError
      #expect(error?.code == .tls)
      #expect(error?.description.contains("other.test") == true, "\(error.map { "\($0)" } ?? "")")
    }
  }
}

/// Answers a client's greeting as a Redis of 2018 does.
private final class OldServer: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let text = String(buffer: unwrapInboundIn(data))
    var answer = ByteBuffer()
    for word in text.split(separator: "\r\n") {
      switch word {
      case "PING": answer.writeString("+PONG\r\n")
      case "INFO":
        let info = "redis_version:5.0.14\r\nrun_id:abc\r\nmaxmemory_policy:noeviction\r\n"
        answer.writeString("$\(info.utf8.count)\r\n\(info)\r\n")
      default: break
      }
    }
    context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
  }
}
