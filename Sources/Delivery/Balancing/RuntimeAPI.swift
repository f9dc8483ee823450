import Circuits
import Fleet
import NIOCore
import NIOPosix
import Rollout

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// HAProxy's runtime API: a connection a request, as its socket closes after each answer.
///
/// HAProxy accepts ten such connections at once and a unix socket refuses those beyond its backlog, so one
/// process keeps at most a few open, and asks again when it was refused.
struct RuntimeAPI: Sendable {
  private let address: HAProxyEndpoint.Address
  private let limit: Duration
  private let turns = Turns(4)
  private let breaker: CircuitBreaker

  /// A restart takes about a second, and until HAProxy has been told again it sends requests to servers that are out.
  /// So the rests are short: they keep callers from waiting for one that hangs, and cost less than half a second.
  static let circuit = Circuit.Rules(
    failuresInARow: 5, window: 20, atLeast: 10, slow: .seconds(5), rest: .milliseconds(100),
    longestRest: .milliseconds(400))

  /// - Parameter limit: for one request, waiting for its turn not counted.
  init(
    _ address: HAProxyEndpoint.Address, circuits: CircuitBreakers = CircuitBreakers(),
    limit: Duration = .seconds(10)
  ) {
    self.address = address
    self.limit = limit
    breaker = circuits.breaker(
      before: .loadBalancer, at: CircuitEndpoint(Self.told(address)), rules: Self.circuit)
  }

  /// Sends a command, and returns HAProxy's answer.
  ///
  /// - Parameter end: a HAProxy that can't be reached, that ends before it has answered, or whose circuit is open is
  ///   asked again until then.
  /// - Throws: ``DeliveryFailure`` (`loadBalancer`) where it can't be reached, does not answer in time, or failed so
  ///   often that it isn't asked; `CancellationError`.
  func ask(_ command: RuntimeCommand, until end: ContinuousClock.Instant = .now) async throws -> String {
    while true {
      do {
        return try await askOnce(command)
      } catch let unanswered as Unanswered {
        guard unanswered.maySoonBe, ContinuousClock.now < end else { throw unanswered.failure }
        try await Task.sleep(for: .milliseconds(50))
      }
    }
  }

  /// There was no answer, whatever it would have been. The circuit counts these, and no others.
  private struct Unanswered: Error, CustomStringConvertible {
    var failure: DeliveryFailure
    /// It can't be reached now, and may be started again at any moment.
    var maySoonBe = true

    init(_ message: String, maySoonBe: Bool = true) {
      failure = DeliveryFailure(.loadBalancer, message)
      self.maySoonBe = maySoonBe
    }

    var description: String { failure.message }
  }

  private func askOnce(_ command: RuntimeCommand) async throws -> String {
    do {
      // Nobody waits for a turn only to be refused.
      try breaker.check()
      try await turns.take()
      defer { turns.pass() }
      return try await breaker.call(counting: Self.isUnanswered) { try await askNow(command) }
    } catch let open as CircuitOpen {
      throw Unanswered("\(open)")
    }
  }

  private static func isUnanswered(_ error: any Error) -> Bool { error is Unanswered }

  private func askNow(_ command: RuntimeCommand) async throws -> String {
    try await withThrowingTaskGroup(of: String?.self) { group in
      group.addTask { try await Self.exchange(command.line + "\n", address) }
      group.addTask {
        try await Task.sleep(for: limit)
        return nil
      }
      defer { group.cancelAll() }
      do {
        guard let answer = try await group.next() ?? nil else {
          throw Unanswered(
            "HAProxy at \(Self.told(address)) did not answer within \(limit)", maySoonBe: false)
        }
        // An order that succeeds is answered by an empty line. One that ends while it is asked closes the
        // connection without a word.
        guard !answer.isEmpty else {
          throw Unanswered("HAProxy at \(Self.told(address)) ended before it answered `\(command.line)`")
        }
        return answer
      } catch let error where error is IOError || error is NIOConnectionError || error is ChannelError {
        throw Unanswered(
          "HAProxy's runtime API can't be reached at \(Self.told(address)): \(error);"
            + " check that HAProxy runs and that its `stats socket` is there, with `level admin`")
      }
    }
  }

  /// Sends a command that is answered by nothing where it succeeds.
  ///
  /// - Throws: ``DeliveryFailure`` (`loadBalancer`) with what HAProxy said where it said something.
  func order(_ command: RuntimeCommand, until end: ContinuousClock.Instant = .now) async throws {
    let said = try await ask(command, until: end).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    guard said.isEmpty else {
      throw DeliveryFailure(
        .loadBalancer,
        "HAProxy refused `\(command.line)`: \(said.prefix(200)); check the names, and that the socket has"
          + " `level admin`")
    }
  }

  private static func exchange(_ line: String, _ address: HAProxyEndpoint.Address) async throws -> String {
    let channel = try await connect(address)
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: line))
      var answer = ByteBuffer()
      for try await part in inbound {
        answer.writeImmutableBuffer(part)
        guard answer.readableBytes <= 64 << 20 else {
          throw DeliveryFailure(.loadBalancer, "HAProxy's answer is longer than 64 MiB")
        }
      }
      return String(buffer: answer)
    }
  }

  private static func connect(_ address: HAProxyEndpoint.Address) async throws
    -> NIOAsyncChannel<ByteBuffer, ByteBuffer>
  {
    while true {
      do {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
          .connectTimeout(.seconds(5))
        switch address {
        case .unix(let path):
          return try await bootstrap.connect(unixDomainSocketPath: path) { channel in
            channel.eventLoop.makeCompletedFuture {
              try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
          }
        case .tcp(let host, let port):
          return try await bootstrap.connect(host: host, port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
              try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
          }
        }
      } catch let error as IOError where error.errnoCode == EAGAIN {
        // A unix socket whose backlog is full.
        try await Task.sleep(for: .milliseconds(.random(in: 5...25)))
      }
    }
  }

  private static func told(_ address: HAProxyEndpoint.Address) -> String {
    switch address {
    case .unix(let path): path
    case .tcp(let host, let port): "\(host):\(port)"
    }
  }
}
