import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Vitals

/// What callers send that was not meant for us, or is meant to hurt.
@Suite struct ListenerTests {
  @Test func whatIsNotThereAndWhatIsNotAllowed() async throws {
    try await Stand.with { stand in
      for path in ["/", "/health", "/metrics/", "/health/live/x", "/%6detrics", "/../metrics"] {
        #expect(try await stand.get(path).status == 404, "\(path)")
      }
      for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let reply = try await stand.send(
          "\(method) /metrics HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nbody")
        #expect(reply.status == 405, "\(method)")
        #expect(reply.headers["allow"] == "GET, HEAD")
      }
      #expect(try await stand.get("/health/live?verbose=1").status == 200)
      let head = try await stand.send("HEAD /health/live HTTP/1.1\r\nHost: test\r\n\r\n")
      #expect(head.status == 200)
      #expect(head.headers["content-length"] == "6")
      #expect(head.body.isEmpty)
      let old = try await stand.send("GET /health/live HTTP/1.0\r\n\r\n")
      #expect(old.body == "alive\n")
      #expect(old.headers["connection"] == "close")
    }
  }

  @Test func oneRequestAConnection() async throws {
    try await Stand.with { stand in
      let request = "GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"
      let reply = try await stand.send(request + request)
      #expect(reply.body == "alive\n")
    }
  }

  @Test func whatIsTooLargeIsRefused() async throws {
    try await Stand.with { stand in
      let long = String(repeating: "x", count: 100_000)
      let many = (0..<1_000).map { "X\($0): 1\r\n" }.joined()
      let requests = [
        400: ["/\(long) HTTP/1.1\r\n", "/ HTTP/1.1\r\nX: \(long)\r\n", "/ HTTP/1.1\r\n\(many)"],
        413: ["/metrics HTTP/1.1\r\nContent-Length: 100000\r\n"],
      ]
      for (status, requests) in requests {
        for request in requests {
          let reply = try await stand.send("GET \(request)Host: test\r\n\r\n\(long)")
          #expect(reply.status == status, "\(request.prefix(40))")
        }
      }
      #expect(try await stand.get("/health/live").status == 200)
    }
  }

  @Test func whatIsNoHTTPIsRefused() async throws {
    try await Stand.with { stand in
      for bytes in [
        "hello\r\n\r\n", "GET /health/live\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", "* * *\r\n",
      ] {
        let reply = try await stand.send(bytes)
        #expect(reply.status == 400 || reply.text.isEmpty, "\(bytes): \(reply.text)")
      }
      #expect(try await stand.get("/health/live").status == 200)
    }
  }

  @Test func aSlowCallerIsSentAwayAndHoldsNobodyUp() async throws {
    var limits = Vitals.Limits()
    limits.connection = .milliseconds(300)
    try await Stand.with(limits: limits) { stand in
      let slow = try await Call(stand.address)
      let silent = try await Call(stand.address)
      async let half = slow.ask("GET /health/live HT")
      async let nothing = silent.ask("")
      #expect(try await stand.get("/health/live").status == 200)
      #expect(try await half.status != 200)
      #expect(try await nothing.text.isEmpty)
    }
  }

  @Test func moreConnectionsThanAllowedAreClosedAndOthersComeAfterThem() async throws {
    var limits = Vitals.Limits()
    limits.connections = 2
    limits.connection = .seconds(60)
    try await Stand.with(limits: limits) { stand in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<2 {
          group.addTask {
            // Which of three is one too many is for the server to say: these come again.
            while !Task.isCancelled { _ = try await Call(stand.address).ask("GET /") }
          }
        }
        try await eventually("the third is closed") {
          try await stand.get("/health/live").text.isEmpty
        }
        group.cancelAll()
      }
      try await eventually("there is room again") { try await stand.get("/health/live").status == 200 }
    }
  }

  @Test func connectionsThatComeWhileItEndsDoNoHarm() async throws {
    for _ in 0..<10 {
      try await Stand.with { stand in
        for _ in 0..<40 {
          // Begun, and left to whatever becomes of them.
          _ = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
              channel.closeFuture.eventLoop.scheduleTask(in: .milliseconds(20)) {
                channel.close(promise: nil)
              }
              return channel.eventLoop.makeSucceededVoidFuture()
            }
            .connect(host: stand.address.host, port: stand.address.port)
        }
      }
    }
  }

  @Test func anAddressThatIsTakenIsNamed() async throws {
    try await Stand.with { stand in
      let second = Vitals(
        on: stand.address, queue: stand.queue, workers: [], metrics: stand.metrics, logger: quiet)
      let error = await #expect(throws: CantListen.self) { try await second.run() }
      #expect(
        error?.description.hasPrefix("can't listen on \(stand.address): Address already in use;") == true)
    }
  }
}
