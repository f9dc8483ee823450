import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A little HTTP server of this machine that answers as a test says, and remembers what it was asked.
public final class HTTPServer: Sendable {
  public struct Request: Sendable {
    public var method: String
    public var target: String
    public var headers: [String: String]
    public var body: [UInt8]
  }

  public struct Answer: Sendable {
    public var status: Int
    public var headers: [String: String]
    public var body: [UInt8]

    public init(_ body: String = "", status: Int = 200, headers: [String: String] = [:]) {
      self.init(bytes: Array(body.utf8), status: status, headers: headers)
    }

    public init(bytes: [UInt8], status: Int = 200, headers: [String: String] = [:]) {
      body = bytes
      self.status = status
      self.headers = headers
    }
  }

  private struct State {
    var requests: [Request] = []
    var answer: @Sendable (Request) -> Answer = { _ in Answer() }
    var isHeld = false
  }

  private let state = Mutex(State())
  /// On 127.0.0.1.
  public let port: Int
  public var url: String { "http://127.0.0.1:\(port)" }

  private init(port: Int) { self.port = port }

  /// All that came so far.
  public var requests: [Request] { state.withLock(\.requests) }

  /// What is answered from now on; what is held back is answered so when it is let go.
  public func answer(_ answer: Answer) { state.withLock { $0.answer = { _ in answer } } }

  /// The same, by what is asked.
  public func answer(_ answer: @escaping @Sendable (Request) -> Answer) {
    state.withLock { $0.answer = answer }
  }

  /// Whether requests are kept waiting from now on.
  public func hold(_ isHeld: Bool) { state.withLock { $0.isHeld = isHeld } }

  /// Serves while the body runs.
  public static func run(_ body: @Sendable @escaping (HTTPServer) async throws -> Void) async throws {
    typealias Client = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
    let listening = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          return try Client(wrappingChannelSynchronously: channel)
        }
      }
    let server = HTTPServer(port: listening.channel.localAddress?.port ?? 0)
    try await listening.executeThenClose { clients in
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await body(server) }
        tasks.addTask {
          await withDiscardingTaskGroup { connections in
            do {
              for try await client in clients {
                // One that hangs up in the middle is no matter.
                connections.addTask {
                  do { try await server.serve(client) } catch {}
                }
              }
            } catch {}
          }
        }
        // The body is the first that ends: the other serves until it is cancelled.
        try await tasks.next()
        tasks.cancelAll()
      }
    }
  }

  private func serve(
    _ client: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
  ) async throws {
    try await client.executeThenClose { parts, out in
      var request: Request?
      for try await part in parts {
        switch part {
        case .head(let head):
          request = Request(
            method: head.method.rawValue, target: head.uri,
            headers: Dictionary(head.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { a, _ in a }),
            body: [])
        case .body(let bytes): request?.body += bytes.readableBytesView
        case .end:
          guard let asked = request else { continue }
          state.withLock { $0.requests.append(asked) }
          while state.withLock(\.isHeld) { try await Task.sleep(for: .milliseconds(2)) }
          let answer = state.withLock(\.answer)(asked)
          var headers = HTTPHeaders(answer.headers.map { ($0.key, $0.value) })
          headers.replaceOrAdd(name: "Content-Length", value: "\(answer.body.count)")
          try await out.write(
            .head(.init(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)))
          try await out.write(.body(.byteBuffer(ByteBuffer(bytes: answer.body))))
          try await out.write(.end(nil))
        }
      }
    }
  }
}
