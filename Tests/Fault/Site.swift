import FaultRun
import Foundation
import Logging
import RedisClient
import RedisServer
import Synchronization
import TaskQueue
import TestSupport

let silent = Logger(label: "fault") { _ in SwiftLogNoOpLogHandler() }

/// The place of a fault run: a redis-server, and processes that reach it through a proxy each.
///
/// A process that ends is started again, unless the run is over.
actor Site {
  struct Seat {
    let name: String
    let proxy: Proxy
    let port: Int
    var child: ChildProgram?
    /// A fault has it; another one leaves it alone.
    var taken = false
    /// Not to be started again now.
    var closed = false
  }

  static let lease: Duration = .milliseconds(1_500)
  static let workers = 4

  let directory: String
  let server: RedisServer
  /// Straight to the server, past every proxy.
  let redis: RedisClient
  let seed: UInt64
  let settings: [String]
  private(set) var seats: [Seat]
  private(set) var serverTaken = false
  private(set) var deaths: [Death] = []
  private(set) var disruptions: [Disruption] = []
  /// Ends that nobody caused and no task explains.
  private(set) var crashes: [Violation] = []

  static var submitter: Int { workers }
  static let schedulers = [workers + 1, workers + 2]

  init(
    directory: String, server: RedisServer, redis: RedisClient, proxies: [(Proxy, Int)], seed: UInt64,
    interval: Int, killers: Int
  ) {
    self.directory = directory
    self.server = server
    self.redis = redis
    self.seed = seed
    let lease = Int(Self.lease.microseconds / 1_000)
    settings = ["seed=\(seed)", "lease=\(lease)", "interval=\(interval)", "killers=\(killers)"]
    seats = proxies.enumerated().map { index, proxy in
      let name =
        switch index {
        case ..<Self.workers: "w\(index)"
        case Self.submitter: "submitter"
        default: "s\(index - Self.submitter)"
        }
      return Seat(name: name, proxy: proxy.0, port: proxy.1)
    }
  }

  /// Opens a site, and ends all of its processes afterwards.
  static func open<Result: Sendable>(
    seed: UInt64, interval: Int, killers: Int, _ body: @Sendable (Site) async throws -> Result
  ) async throws -> Result {
    let directory = NSTemporaryDirectory() + "fault-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    print("fault run, seed \(seed): \(directory)")
    let keeps = ProcessInfo.processInfo.environment["KEEP"] == "1"
    defer {
      // What a failed run leaves in /tmp is to be looked at; what a good one leaves is nobody's.
      if keeps { print("kept: \(directory)") } else { try? FileManager.default.removeItem(atPath: directory) }
    }
    let options = RedisServer.Options(appendOnly: .always)
    return try await RedisServer.run(directory: directory + "/redis", options: options) { server in
      guard case .unix(let socket) = server.configuration.address else {
        fatalError("the server has no socket")
      }
      return try await withProxies(workers + 1 + schedulers.count, to: socket) { proxies in
        var configuration = server.configuration
        configuration.commandTimeout = .seconds(2)
        let redis = RedisClient(configuration, logger: silent)
        let site = Site(
          directory: directory, server: server, redis: redis, proxies: proxies, seed: seed,
          interval: interval,
          killers: killers)
        let guardian = try ChildProgram(
          "fault-worker", ["guard", "directory=\(directory)"], log: directory + "/guard.log")
        defer { guardian.kill() }
        do {
          let result = try await body(site)
          await site.killAll()
          await redis.close()
          return result
        } catch {
          await site.killAll()
          await redis.close()
          throw error
        }
      }
    }
  }

  private static func withProxies<Result>(
    _ count: Int, to socket: String, _ body: ([(Proxy, Int)]) async throws -> Result
  ) async throws -> Result {
    func open(_ opened: [(Proxy, Int)]) async throws -> Result {
      if opened.count == count { return try await body(opened) }
      return try await Proxy.run(to: socket) { proxy, port in try await open(opened + [(proxy, port)]) }
    }
    return try await open([])
  }
}

// MARK: Processes

extension Site {
  /// Starts what has no process, and notices what has ended.
  func tend() throws {
    for index in seats.indices {
      if let child = seats[index].child, let end = child.reap() {
        seats[index].child = nil
        died(child.pid)
        let orderly = end == .status(0) && seats[index].taken
        if end != .signal(SIGKILL) && !orderly && !(seats[index].closed && end == .status(0)) {
          crashes.append(Violation(.crash, seats[index].name, "process \(child.pid): \(end)"))
        }
      }
      if seats[index].child == nil, !seats[index].closed { try start(index) }
    }
  }

  private func start(_ index: Int) throws {
    let seat = seats[index]
    let history = "history=\(directory)/\(seat.name).history"
    if !FileManager.default.fileExists(atPath: "\(directory)/\(seat.name).history") {
      try Data().write(to: URL(filePath: "\(directory)/\(seat.name).history"))
    }
    let address = "redis=redis://127.0.0.1:\(seat.port)"
    let role = index < Self.workers ? "work" : index == Self.submitter ? "submit" : "schedule"
    seats[index].child = try ChildProgram(
      "fault-worker",
      [role, address, history, "name=\(seat.name)", "concurrency=8", "prefetch=\(index * 2)"] + settings,
      log: "\(directory)/\(seat.name).log")
  }

  private func died(_ pid: pid_t) {
    if !deaths.contains(where: { $0.pid == pid }) { deaths.append(Death(pid: pid, at: Moment.now.boot)) }
  }

  func kill(_ index: Int) {
    guard let child = seats[index].child else { return }
    died(child.pid)
    child.signal(SIGKILL)
  }

  func signal(_ index: Int, _ number: Int32) { seats[index].child?.signal(number) }

  /// From now on the seat stays empty when its process ends.
  func close(_ index: Int) { seats[index].closed = true }
  func reopen(_ index: Int) { seats[index].closed = false }
  func isEmpty(_ index: Int) -> Bool { seats[index].child == nil }

  private func killAll() {
    for seat in seats {
      seat.child?.kill()
    }
  }
}

// MARK: Faults

extension Site {
  /// A seat that no fault has, now taken; nil where there is none.
  func take(_ indices: [Int]) -> Int? {
    guard let index = indices.first(where: { !seats[$0].taken && !seats[$0].closed }) else { return nil }
    seats[index].taken = true
    return index
  }

  func free(_ index: Int) { seats[index].taken = false }

  func takeServer() -> Bool {
    defer { serverTaken = true }
    return !serverTaken
  }

  func freeServer() { serverTaken = false }

  func disrupted(_ what: String, _ index: Int?, from: Int64) {
    disruptions.append(
      Disruption(what, worker: index.map { seats[$0].name }, from: from, to: Moment.now.boot))
  }
}
