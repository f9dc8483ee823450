import FaultRun
import Foundation

/// Notices, on a thread of its own, when the process doesn't get to run, and writes it down: by a signal,
/// or because the machine is busy. It ends the process when its parent is gone.
final class StandstillWatch: Sendable {
  private let history: HistoryFile

  init(_ history: HistoryFile) { self.history = history }

  func start() {
    let history = history
    let parent = getppid()
    Thread.detachNewThread {
      let pid = getpid()
      var last = Moment.now.boot
      while true {
        usleep(20_000)
        let now = Moment.now.boot
        if now - last > 100_000 { history.paused(Pause(pid: pid, from: last, to: now)) }
        last = now
        if getppid() != parent { _exit(3) }
      }
    }
  }
}
