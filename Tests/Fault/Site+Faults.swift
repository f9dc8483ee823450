import FaultRun
import Foundation
import Glibc
import NIOCore
import RedisClient
import RedisServer
import SeededRandom
import Synchronization

extension Site {
  /// Lets one fault happen, from its beginning to its end. Returns false where nothing was free for it.
  nonisolated func strike(_ fault: Fault, _ random: inout SeededGenerator) async throws -> Bool {
    let workers = Array(0..<Self.workers).shuffled(using: &random)
    let time = Duration.milliseconds(Int.random(in: 100...1_200, using: &random))
    let beyond = Self.lease + time
    let start = Moment.now.boot
    switch fault.target {
    case .server:
      guard await takeServer() else { return false }
      do { try await strikeServer(fault, time, beyond) } catch {
        await freeServer()
        throw error
      }
      await disrupted(fault.rawValue, nil, from: start)
      await freeServer()
    case .worker, .submitter, .scheduler, .anyProxy:
      let indices: [Int] =
        switch fault.target {
        case .worker: workers
        case .submitter: [Self.submitter]
        case .scheduler: Self.schedulers.shuffled(using: &random)
        default:
          random.chance(30)
            ? ([Self.submitter] + Self.schedulers).shuffled(using: &random) + workers : workers
        }
      guard let index = await take(indices) else { return false }
      let direction: Proxy.Direction = random.chance(50) ? .toServer : .toClient
      try await strike(fault, index, direction, time, beyond)
      await disrupted(fault.rawValue, index, from: start)
      await free(index)
    }
    return true
  }

  private nonisolated func strike(
    _ fault: Fault, _ index: Int, _ direction: Proxy.Direction, _ time: Duration, _ beyond: Duration
  ) async throws {
    let proxy = await seats[index].proxy
    switch fault {
    case .workerKilled, .submitterKilled, .schedulerKilled:
      await close(index)
      await kill(index)
      try await Task.sleep(for: time)
      await reopen(index)
    case .workerStopped, .workerPaused, .schedulerStopped:
      await signal(index, SIGSTOP)
      try await Task.sleep(for: fault == .workerPaused ? min(time, Self.lease / 3) : beyond)
      await signal(index, SIGCONT)
    case .workerEnded:
      await signal(index, SIGTERM)
      try await Task.sleep(for: beyond + Self.lease)
    case .connectionCut: proxy.cut()
    case .connectionReset: proxy.cut(abruptly: true)
    case .halfClosed:
      proxy.halfClose(direction)
      try await Task.sleep(for: time)
    case .delayed:
      proxy.treat(direction, .delay(.milliseconds(Int64(time.microseconds / 4_000))))
      try await Task.sleep(for: beyond)
      proxy.treat(direction, .pass)
    case .repliesSwallowed:
      proxy.treat(.toClient, .swallow)
      try await Task.sleep(for: time / 2)
      proxy.treat(.toClient, .pass)
      proxy.cut()
    case .cutOff:
      for direction in Proxy.Direction.allCases { proxy.treat(direction, .swallow) }
      try await Task.sleep(for: beyond)
      for direction in Proxy.Direction.allCases { proxy.treat(direction, .pass) }
      proxy.cut()
    case .refused:
      proxy.refuse(true)
      proxy.cut()
      try await Task.sleep(for: time)
      proxy.refuse(false)
    default: fatalError("\(fault) has no seat")
    }
  }

  private nonisolated func strikeServer(_ fault: Fault, _ time: Duration, _ beyond: Duration) async throws {
    switch fault {
    case .redisKilled:
      try await server.kill()
      try await Task.sleep(for: time)
      try await server.restart()
    case .redisStopped:
      guard let pid = server.processID else { return }
      _ = Glibc.kill(pid, SIGSTOP)
      try await Task.sleep(for: beyond)
      _ = Glibc.kill(pid, SIGCONT)
    case .scriptsFlushed: try await say(RedisCommand("SCRIPT", "FLUSH"))
    case .clientsKilled: try await say(RedisCommand("CLIENT", "KILL", "TYPE", "normal"))
    case .memoryFull:
      try await say(RedisCommand("CONFIG", "SET", "maxmemory", 1))
      try await Task.sleep(for: time)
      try await say(RedisCommand("CONFIG", "SET", "maxmemory", 0))
    case .readOnly:
      try await say(RedisCommand("REPLICAOF", "127.0.0.1", 1))
      try await Task.sleep(for: time)
      try await say(RedisCommand("REPLICAOF", "NO", "ONE"))
    default: fatalError("\(fault) doesn't happen to the server")
    }
  }

  private nonisolated func say(_ command: RedisCommand) async throws {
    while true {
      do {
        try await redis.send(command)
        return
      } catch  where error.isConnectionFailure {
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }
}
