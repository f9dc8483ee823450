import Foundation

/// Waits for the end of the process that runs the fault run, and ends what is left of the run then: also what
/// stands still and can't end by itself, and the redis-server, which outlives its owner. So a run that was
/// killed leaves nothing either.
func guardRun(_ directory: String) throws {
  // ^C at a terminal ends the run, and not who cleans up after it.
  setsid()
  let parent = getppid()
  while getppid() == parent { usleep(100_000) }
  for _ in 0..<50 {
    let left = try processes(in: directory)
    if left.isEmpty { break }
    for process in left { kill(process, SIGKILL) }
    usleep(100_000)
  }
  try FileManager.default.removeItem(atPath: directory)
}

/// Processes whose arguments name the directory, this one aside.
private func processes(in directory: String) throws -> [pid_t] {
  try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { process in
    // One that has ended meanwhile has no arguments.
    guard process != getpid(), let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline")
    else { return false }
    return String(decoding: words, as: UTF8.self).contains(directory + "/")
  }
}
