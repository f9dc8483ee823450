import NIOCore
import NIOPosix
import RedisClient
import RedisServer
import Synchronization
import TaskQueue
import TestSupport

@testable import Vitals

/// A redis-server, a queue on it, and the pages of a process, until the body ends.
struct Stand: Sendable {
  let server: RedisServer
  let queue: Queue
  let metrics: MetricRegistry
  let address: ListenAddress

  /// - Parameter workers: run beside the pages; `idle` ones are shown but never started.
  static func with(
    limits: Vitals.Limits = Vitals.Limits(),
    workers: (Queue, MetricRegistry) -> [Worker] = { _, _ in [] },
    idle: (Queue) -> [Worker] = { _ in [] },
    _ body: @escaping @Sendable (Stand) async throws -> Void
  ) async throws {
    try await RedisServer.run { server in
      let redis = RedisClient(server.configuration, logger: quiet)
      let queue = Queue(redis: redis)
      let metrics = MetricRegistry()
      let started = workers(queue, metrics)
      let place = Mutex<ListenAddress?>(nil)
      let vitals = Vitals(
        on: try ListenAddress("0"), queue: queue, workers: started + idle(queue), metrics: metrics,
        limits: limits, logger: quiet, listening: { address in place.withLock { $0 = address } })
      do {
        try await whileRunning([vitals] + started) {
          try await eventually("it listens") { place.withLock { $0 } != nil }
          guard let address = place.withLock({ $0 }) else { return }
          try await body(Stand(server: server, queue: queue, metrics: metrics, address: address))
        }
      } catch {
        await redis.close()
        throw error
      }
      await redis.close()
    }
  }

  func get(_ path: String) async throws -> Reply {
    try await send("GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
  }

  func page() async throws -> PrometheusPage { try PrometheusPage(try await get("/metrics").body) }

  /// Sends these bytes on a connection of their own, and reads until the other side closes it.
  func send(_ text: String) async throws -> Reply {
    try await Call(address).ask(text)
  }
}

/// One connection.
struct Call: Sendable {
  private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

  init(_ address: ListenAddress) async throws {
    channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: address.host, port: address.port) { channel in
        channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
      }
  }

  func ask(_ text: String) async throws -> Reply {
    try await channel.executeThenClose { incoming, outgoing in
      var answer = ByteBuffer()
      do {
        if !text.isEmpty { try await outgoing.write(ByteBuffer(string: text)) }
        for try await bytes in incoming { answer.writeImmutableBuffer(bytes) }
      } catch is IOError {
        // The other side went away: what it said until then is the answer.
      } catch is ChannelError {}
      return Reply(String(buffer: answer))
    }
  }
}

/// What came back, as it was sent.
struct Reply: Sendable {
  let text: String
  let status: Int
  let headers: [String: String]
  let body: String

  init(_ text: String) {
    self.text = text
    let halves = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
    let lines = (halves.first ?? "").split(separator: "\r\n")
    let words = (lines.first ?? "").split(separator: " ")
    status = words.count > 1 ? Int(words[1]) ?? 0 : 0
    headers = Dictionary(
      lines.dropFirst().compactMap { line in
        let colon = line.firstIndex(of: ":")
        return colon.map { (line[..<$0].lowercased(), String(line[line.index($0, offsetBy: 2)...])) }
      }, uniquingKeysWith: { "\($0), \($1)" })
    body = halves.count > 1 ? String(halves[1]) : ""
  }
}

/// Waits until its gate opens, or it is cancelled.
struct Wait: QueueTask {
  static let name = "wait"
  let gate: Gate
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
    try await gate.wait()
    return Nothing()
  }
}

/// Waits until its gate opens, whatever it is told.
struct Deaf: QueueTask {
  static let name = "deaf"
  let gate: Gate
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
    await Task.detached { [gate] in
      do { try await gate.wait() } catch {}
    }.value
    return Nothing()
  }
}

final class Gate: Sendable {
  private let opened = Mutex(false)
  func open() { opened.withLock { $0 = true } }
  func wait() async throws {
    while !opened.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
  }
}

/// Ends well, or fails with its input as the code.
struct Obey: QueueTask {
  static let name = "obey"
  func run(_ input: String, _ context: TaskContext) async throws -> Nothing {
    if input != "well" { throw TaskFailure(code: input, message: "as told") }
    return Nothing()
  }
}
