import Fleet
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The apps of a fleet, to be ended with it. Needs no `await`, so it works in a task that was cancelled, too.
struct AppProcesses {
  private let directories: [String]

  init(_ servers: [Server]) { directories = servers.map(\.directory) }

  /// Asks every app to end, waits 5 seconds at most, and kills those that are left.
  func end() {
    let groups = running
    signal(SIGTERM)
    for _ in 0..<100 where !running.isEmpty { usleep(50_000) }
    signal(SIGKILL)
    for _ in 0..<40 where !running.isEmpty { usleep(50_000) }
    // They are nobody's children: until init has collected them they are still listed.
    for _ in 0..<60 where groups.contains(where: { kill(-$0, 0) == 0 }) { usleep(50_000) }
  }

  /// The process groups that hold their directory's `app.lock`: the number beside it is theirs then.
  private var running: [pid_t] {
    directories.compactMap { directory in
      let file = open("\(directory)/app.lock", O_RDWR | O_CLOEXEC)
      guard file >= 0 else { return nil }
      defer { close(file) }
      if flock(file, LOCK_EX | LOCK_NB) == 0 { return nil }
      guard let text = try? String(contentsOfFile: "\(directory)/app.pid", encoding: .utf8) else {
        return nil
      }
      return text.split(whereSeparator: \.isWhitespace).first.flatMap { pid_t($0) }
    }
  }

  private func signal(_ number: Int32) {
    for group in running where group > 1 { kill(-group, number) }
  }
}
