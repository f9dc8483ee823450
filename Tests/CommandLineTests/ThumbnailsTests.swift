import AsyncHTTPClient
import FoundationEssentials
import Logging
import NIOCore
import RedisClient
import RedisServer
import Subprocess
import TaskQueue
import TestSupport
import Testing

/// The example as its reader would run it: a worker in one terminal, a producer in another.
@Suite struct ThumbnailsTests {
  @Test func aPictureThatComesLateIsShrunkAndShown() async throws {
    try await RedisServer.run { server in
      try await Program.with { program in
        let url = "\(server.configuration)"
        let picture = "\(program.state)/cat.pgm"
        let redis = RedisClient(
          server.configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let queue = Queue(redis: redis)
        @Sendable func tries() async throws -> Int {
          try await queue.status([ChainID("\(picture)/0/0")])[0]?.failedAttempts ?? 0
        }
        @Sendable func isDone() async throws -> Bool {
          try await queue.status([ChainID(picture)])[0]?.state == .finished
        }
        let ending = try await program.whileRunning("thumbnails", [url], once: "session worker-") { log in
          let address = try #require(
            log.split(separator: "http://").dropFirst().first?.prefix { !$0.isWhitespace })
          #expect(try await get("http://\(address)/health/ready").hasPrefix("ready\n"))
          let sent = try await program.run("thumbnails", [url, picture])
          #expect(sent.out == "\(picture): created\n")
          #expect(sent.code == 0)
          try await eventually("it was tried while the picture isn't there") { try await tries() > 0 }
          // 200 by 100 points, dark on the left and light on the right.
          let points = (0..<20_000).map { UInt8($0 % 200 < 100 ? 10 : 240) }
          try Data(Array("P5\n200 100\n255\n".utf8) + points).write(
            to: URL(filePath: picture), options: .atomic)
          try await eventually("it is done") { try await isDone() }
          let again = try await program.run("thumbnails", [url, picture])
          #expect(again.out == "\(picture): existed\n")
          let metrics = try await get("http://\(address)/metrics")
          #expect(metrics.contains("drawbar_links_total{outcome=\"done\",task=\"thumbnail.gallery\"} 1\n"))
        }
        #expect(ending == .exited(0))
        for (width, height) in [(32, 16), (64, 32), (128, 64)] {
          let thumbnail = [UInt8](try Data(contentsOf: URL(filePath: "\(picture).\(width).pgm")))
          let head = Array("P5\n\(width) \(height)\n255\n".utf8)
          #expect(thumbnail.count == head.count + width * height)
          #expect(thumbnail.starts(with: head))
          #expect(thumbnail[head.count] == 10)
          #expect(thumbnail.last == 240)
        }
        let page = try Data(contentsOf: URL(filePath: "\(picture).32.pgm.html"))
        #expect(
          String(decoding: page, as: UTF8.self)
            == [32, 64, 128].map { "<img src=\"cat.pgm.\($0).pgm\">\n" }.joined())
        await redis.close()
      }
    }
  }

  @Test func theReadmeShowsTheProgramAsItIs() throws {
    let root = URL(filePath: #filePath).appending(path: "../../..").standardized
    func text(_ path: String) throws -> String {
      String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
    }
    let program = try text("Examples/thumbnails/Thumbnails.swift")
    #expect(program.split(separator: "\n", omittingEmptySubsequences: false).count <= 31)
    let readme = try text("README.md")
    #expect(readme.contains("```swift\n\(program)```\n"))
  }

  @Test func anErrorIsALineAndNoTrap() async throws {
    try await Program.with { program in
      let answer = try await program.run("thumbnails", ["nowhere"])
      #expect(answer.code == 1)
      #expect(answer.err.hasPrefix("thumbnails: This is no usable Redis URL"))
      #expect(answer.err.split(separator: "\n").count == 1)
    }
  }

  @Test func withoutArgumentsItTellsItsUsage() async throws {
    try await Program.with { program in
      let answer = try await program.run("thumbnails", [])
      #expect(answer.out == "usage: thumbnails REDIS-URL [PICTURE.pgm ...]\n")
    }
  }
}

private func get(_ url: String) async throws -> String {
  let answer = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(20))
  return String(buffer: try await answer.body.collect(upTo: 1 << 20))
}
