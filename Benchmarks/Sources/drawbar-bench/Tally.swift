import Foundation
import Synchronization

/// Counters in memory that a measurement and its worker's process share, as a mapped file: a task counts itself with
/// one atomic addition, and the measurement looks without disturbing.
final class Tally: Sendable {
  private struct Page: ~Copyable {
    let links = Atomic<Int>(0)
    let callbacks = Atomic<Int>(0)
    let begun = Atomic<Int>(0)
  }

  let path: String
  private nonisolated(unsafe) let page: UnsafeMutablePointer<Page>
  private let isOwner: Bool

  /// Makes a new one, or opens that of another process.
  init(opening existing: String? = nil) throws {
    isOwner = existing == nil
    path = existing ?? "/tmp/drawbar-bench-\(getpid())-\(UInt32.random(in: 0 ... .max)).tally"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0, ftruncate(file, 4_096) == 0 else { throw BenchError("\(path) can't be made") }
    defer { close(file) }
    guard let memory = mmap(nil, 4_096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
    else {
      throw BenchError("\(path) can't be mapped")
    }
    // A new file is all zeros, which is what the counters begin with.
    page = memory.bindMemory(to: Page.self, capacity: 1)
  }

  deinit {
    munmap(page, 4_096)
    if isOwner { unlink(path) }
  }

  /// Links that have run.
  var links: Int { page.pointee.links.load(ordering: .acquiring) }
  /// Callbacks that have run and found all results.
  var callbacks: Int { page.pointee.callbacks.load(ordering: .acquiring) }
  /// When the last task that says so began.
  var begun: Int { page.pointee.begun.load(ordering: .acquiring) }

  func countLink() { page.pointee.links.wrappingAdd(1, ordering: .relaxed) }
  func countCallback() { page.pointee.callbacks.wrappingAdd(1, ordering: .relaxed) }
  func begin() {
    page.pointee.begun.store(monotonicNanoseconds(), ordering: .relaxed)
    page.pointee.links.wrappingAdd(1, ordering: .releasing)
  }

  /// Waits until so many links have run.
  func wait(links count: Int, callbacks: Int = 0, within limit: Duration = .seconds(300)) async throws {
    let end = ContinuousClock.now + limit
    while links < count || self.callbacks < callbacks {
      guard ContinuousClock.now < end else {
        throw BenchError(
          "after \(limit) \(links) of \(count) links had run, \(self.callbacks) of \(callbacks) callbacks")
      }
      try await Task.sleep(for: .milliseconds(1))
    }
  }
}
