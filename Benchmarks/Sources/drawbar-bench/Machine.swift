import Foundation
import RedisClient

// What the machine says about processes, and redis-server about itself.

/// Processor time that a process has used so far, in seconds: of this one, or of `pid`. Of threads that live.
func cpuSeconds(of pid: Int32? = nil) -> Double {
  // Nanoseconds a thread; the times of /proc/PID/stat come in steps of 10 ms.
  let tasks = "/proc/\(pid.map(String.init) ?? "self")/task"
  let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
  return threads.reduce(0) { sum, thread in
    let text = try? String(contentsOfFile: "\(tasks)/\(thread)/schedstat", encoding: .utf8)
    return sum + (text?.split(separator: " ").first.flatMap { Double($0) } ?? 0) / 1e9
  }
}

/// Resident memory of a process in MiB: now, and the most it ever was.
func residentMiB(of pid: Int32) -> (now: Double, most: Double) {
  let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
  func field(_ name: String) -> Double {
    text.split(separator: "\n").first { $0.hasPrefix(name) }?
      .split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }.map { $0 / 1_024 } ?? 0
  }
  return (field("VmRSS:"), field("VmHWM:"))
}

/// A clock that all processes of the machine read the same, in nanoseconds.
func monotonicNanoseconds() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Numbers of `INFO`.
struct ServerNumbers {
  private let fields: [Substring: Substring]

  init(_ redis: RedisClient) async throws {
    let text = try await redis.send(RedisCommand("INFO")).string ?? ""
    fields = text.split(whereSeparator: \.isNewline).reduce(into: [:]) { fields, line in
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { fields[parts[0]] = parts[1] }
    }
  }

  subscript(name: String) -> Double { fields[Substring(name)].flatMap { Double($0) } ?? 0 }

  /// Time that redis-server's main thread has used, in seconds.
  var cpu: Double { self["used_cpu_sys_main_thread"] + self["used_cpu_user_main_thread"] }
  /// What it has allocated, in bytes.
  var memory: Double { self["used_memory"] }
}
