import Foundation
import Programs
import TaskQueue
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Programs as links of chains, on a real worker.
@Suite struct QueueTests {
  private static let stubborn =
    #"echo $$ >"$1/leader"; (trap '' TERM HUP; while :; do sleep 1; done) & trap '' TERM; while :; do sleep 1; done"#

  @Test func aCancelEndsTheWholeGroup() async throws {
    try await withDirectory { directory in
      try await withProgramWorker { queue in
        let id = try ChainID("cancelled")
        _ = try await queue.submit(
          Chain(id: id, links: [Link(ProgramTask.self, shell(Self.stubborn, directory))]))
        let leader = try await group(in: "\(directory)/leader")
        #expect(processGroupLives(leader))
        _ = try await queue.cancel([Cancellation(id, .now)])
        try await eventually("the group is gone") { !processGroupLives(leader) }
        try await eventually("the chain is cancelled") {
          try await queue.status([id])[0]?.state == .cancelled
        }
      }
    }
  }

  @Test func theLinksTimeLimitEndsTheWholeGroup() async throws {
    try await withDirectory { directory in
      try await withProgramWorker { queue in
        let id = try ChainID("limited")
        let link = try Link(ProgramTask.self, shell(Self.stubborn, directory), timeLimit: .milliseconds(800))
        _ = try await queue.submit(Chain(id: id, links: [link]))
        let leader = try await group(in: "\(directory)/leader")
        try await eventually("the group is gone") { !processGroupLives(leader) }
        try await eventually("the chain is dead") {
          try await queue.status([id])[0]?.failure?.code == "timeout"
        }
      }
    }
  }

  @Test func itIsTriedAgainAsTheLinkSays() async throws {
    try await withDirectory { directory in
      try await withProgramWorker { queue in
        let id = try ChainID("again")
        var input = shell(#"echo x >>"$1/tries"; [ "$(wc -l <"$1/tries")" -ge 3 ] || exit 75"#, directory)
        input.exitCodes = .init(again: [75])
        let link = try Link(ProgramTask.self, input, retry: RetryPolicy(attempts: 5, backoff: 1))
        _ = try await queue.submit(Chain(id: id, links: [link]))
        try await eventually("the chain ends") { try await queue.status([id])[0]?.hasEnded == true }
        #expect(try await queue.status([id])[0]?.state == .finished)
        #expect(try String(contentsOfFile: "\(directory)/tries", encoding: .utf8) == "x\nx\nx\n")
      }
    }
  }
}
