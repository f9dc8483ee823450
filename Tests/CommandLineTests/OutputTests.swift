import FoundationEssentials
import RedisClient
import RedisServer
import Subprocess
import TaskQueue
import TestSupport
import Testing

/// Where standard output takes nothing more: no command goes on for nobody, and none says that all is well.
@Suite struct OutputTests {
  private func shell(_ line: String, _ drawbar: Program) async throws -> Program.Answer {
    try await drawbar.run("sh", ["-c", line])
  }

  @Test(.timeLimit(.minutes(1))) func whoeverReadsItMayGo() async throws {
    try await RedisServer.run { server in
      try await Program.with { drawbar in
        let redis = "\(server.configuration)"
        let queue = try Queue(url: redis)
        // Only that it ends is of interest: nobody but it has the pipe.
        async let seen = shell(
          "{ drawbar queue watch --redis '\(redis)'; echo $? >&2; } | head -n 1", drawbar)
        var number = 0
        while true {
          number += 1
          let chain = try Chain(id: ChainID("c-\(number)"), links: [Link(named: "none", json: nil)])
          try await queue.submit(chain)
          try await queue.cancel([Cancellation(chain.id, .now)])
          if number == 200 { break }
          try await Task.sleep(for: .milliseconds(20))
        }
        let answer = try await seen
        #expect(answer.out.split(separator: "\n").count == 1)
        #expect(answer.err == "141\n")
        await queue.redis.close()
      }
    }
  }

  /// A run hands back what it works on, and leaves no server behind; it goes on with its id.
  @Test(.timeLimit(.minutes(1))) func aRunEndsWithItsReader() async throws {
    try await Program.with { drawbar in
      let file = try drawbar.write(
        "workflow: w\nsteps:\n  - run: [sh, -c, 'until [ -e \"$1\" ]; do echo; sleep 0.05; done', sh, '\(drawbar.state)/go']\n",
        to: "w.yaml")
      let answer = try await shell("{ drawbar run \(file) --id w-1; echo $? >&2; } | head -n 1", drawbar)
      #expect(answer.err == "141\n")
      #expect(try await drawbar("queue", "ls").code == 5, "nothing runs on")
      _ = try drawbar.write("", to: "go")
      #expect(try await drawbar("run", file, "--id", "w-1").out.contains("w-1  finished"))
    }
  }

  @Test(.timeLimit(.minutes(1))) func whatCannotBeWrittenIsAnError() async throws {
    try await Program.with { drawbar in
      let mark = "\(drawbar.state)/mark"
      let file = try drawbar.write(
        "workflow: w\nsteps:\n  - run: [sleep, '0.3']\n  - run: [touch, '\(mark)']\n", to: "w.yaml")
      for line in ["drawbar run \(file)", "drawbar --help", "drawbar schedule next --every 1h"] {
        let answer = try await shell(line + " > /dev/full", drawbar)
        #expect(answer.code == 1, "\(line)")
        #expect(answer.err.contains("can't write to standard output: No space left on device"))
      }
      #expect(FileManager.default.fileExists(atPath: mark), "the work is done nevertheless")
    }
  }

  @Test(.timeLimit(.minutes(1))) func upTellsThePortThatItTook() async throws {
    try await Program.with { drawbar in
      let answer = try await drawbar.signalled(.terminate, ["up", "--http", "0"]) {
        try await eventually("its workers are up") {
          try await drawbar("worker", "ls").out.contains("programs-")
        }
      }
      let address = answer.out.split(separator: "pages   http://127.0.0.1:").dropFirst().first
      let port = address?.prefix { $0.isNumber }
      #expect(port.flatMap { Int($0) }.map { $0 > 0 } == true, "\(answer.out)")
    }
  }
}
