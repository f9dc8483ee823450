import Foundation
import Logging
import RedisClient
import TaskQueue

/// Drawbar among its peers: a worker and a client that speak the protocol of Benchmarks/peers/protocol.py.
enum PeerProgram {
  static func run(_ words: ArraySlice<String>) async throws {
    let files = try Files()
    switch words.first {
    case "worker":
      let isBest = environment("PEER_DEPLOYMENT") != "default"
      try await WorkerProgram.work(
        isBest ? WorkerConfiguration(concurrency: 128, prefetch: 512) : WorkerConfiguration(),
        socket: environment("PEER_REDIS"), retention: 3_600,
        tasks: TaskRegistry(
          Noop(files: files), Member(files: files), Callback(files: files), Stamp(files: files))
      ) {
        // The runner ends it by a signal.
        try? await Task.sleep(for: .seconds(86_400))
      }
    case "client": try await serve(files)
    default: throw BenchError("peer is worker or client")
    }
  }

  private static func environment(_ name: String) -> String {
    ProcessInfo.processInfo.environment[name] ?? ""
  }

  private struct Command: Decodable {
    var `do`: String
    var n: Int
    var of: [Int]?
  }

  private struct Answer: Encodable {
    var version: String?
    var can: [String]?
    var seconds: Double?
    var sent: [Int]?
  }

  private static func serve(_ files: Files) async throws {
    let redis = RedisClient(
      RedisConfiguration(.unix(path: environment("PEER_REDIS"))), logger: Logger(label: "client"))
    let queue = Queue(redis: redis, retention: .seconds(3_600))
    let lines = Lines()
    var submitted = 0
    func chains(_ count: Int, _ links: [Link]) throws -> [Chain] {
      submitted += count
      return try (submitted - count..<submitted).map { try Chain(id: ChainID("peer-\($0)"), links: links) }
    }
    while let line = await lines.next() {
      let command = try JSONDecoder().decode(Command.self, from: Data(line.utf8))
      var answer = Answer()
      let start = ContinuousClock.now
      switch command.do {
      case "hello": answer = Answer(version: "drawbar", can: ["bulk", "chains", "groups"])
      case "single":
        for _ in 0..<command.n { try await queue.submit(chains(1, [Link(Noop.self)])[0]) }
      case "bulk": try await queue.submit(chains(command.n, [Link(Noop.self)]))
      case "chains":
        let links = (0..<(command.of?.first ?? 5)).map { _ in Link(Noop.self) }
        try await queue.submit(chains(command.n, links))
      case "groups":
        let members = (0..<(command.of?.first ?? 100)).map { _ in [Link(Member.self)] }
        try await queue.submit(chains(command.n, [.group(members), Link(Callback.self, from: .previous)]))
      case "idle":
        answer.sent = try await idle(command.n, files) {
          try await queue.submit(chains(1, [Link(Stamp.self)])[0])
        }
      default: throw BenchError("no such command: \(line)")
      }
      if answer.sent == nil, answer.can == nil { answer.seconds = seconds(.now - start) }
      FileHandle.standardOutput.write(try JSONEncoder().encode(answer) + Data("\n".utf8))
    }
    await redis.close()
  }

  private static func idle(_ count: Int, _ files: Files, _ submit: () async throws -> Void) async throws
    -> [Int]
  {
    var sent: [Int] = []
    for sample in 0..<count {
      try await Task.sleep(for: .microseconds(Int.random(in: 5_000...15_000)))
      sent.append(monotonicNanoseconds())
      try await submit()
      let end = ContinuousClock.now + .seconds(20)
      while files.stamps < 8 * (sample + 1) {
        guard ContinuousClock.now < end else { throw BenchError("a task did not start within 20 s") }
        try await Task.sleep(for: .microseconds(200))
      }
    }
    return sent
  }

  /// Where tasks tell that they ran: files that all workers append to.
  final class Files: Sendable {
    private let marksFile: Int32
    private let stampsFile: Int32

    init() throws {
      let append = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC
      marksFile = open(environment("PEER_MARKS"), append, 0o600)
      stampsFile = open(environment("PEER_STAMPS"), append, 0o600)
      guard marksFile >= 0, stampsFile >= 0 else {
        throw BenchError("PEER_MARKS and PEER_STAMPS can't be opened")
      }
    }

    func mark() {
      var byte = UInt8(ascii: ".")
      write(marksFile, &byte, 1)
    }

    func stamp() {
      var now = Int64(monotonicNanoseconds())
      write(stampsFile, &now, 8)
    }

    /// Bytes of the stamps.
    var stamps: Int {
      var status = stat()
      return fstat(stampsFile, &status) == 0 ? Int(status.st_size) : 0
    }
  }

  private struct Noop: QueueTask {
    static let name = "noop"
    let files: Files
    func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
      files.mark()
      return Nothing()
    }
  }

  private struct Member: QueueTask {
    static let name = "member"
    let files: Files
    func run(_ input: Nothing, _ context: TaskContext) async throws -> Int {
      files.mark()
      return 1
    }
  }

  private struct Callback: QueueTask {
    static let name = "callback"
    let files: Files
    func run(_ input: [Int?], _ context: TaskContext) async throws -> Nothing {
      files.mark()
      return Nothing()
    }
  }

  private struct Stamp: QueueTask {
    static let name = "stamp"
    let files: Files
    func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
      files.stamp()
      return Nothing()
    }
  }
}
