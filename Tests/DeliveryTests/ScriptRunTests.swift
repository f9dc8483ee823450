import FoundationEssentials
import TestSupport
import Testing

@testable import Delivery

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct ScriptRunTests {
  private func scriptRun(_ script: String, in directory: String, limit: Duration = .seconds(20)) throws
    -> ScriptRun
  {
    try write(script, to: "\(directory)/script")
    return ScriptRun(
      name: "start", file: "\(directory)/script",
      environment: ["PATH": "/usr/bin:/bin", "DRAWBAR_DIRECTORY": directory, "ODD": "a b; $(touch bad) 'c'"],
      workingDirectory: directory, output: "\(directory)/output", mark: "\(directory)/mark", limit: limit)
  }

  @Test func valuesReachTheScriptAsTheyAre() async throws {
    try await withDirectory { directory in
      try await scriptRun(#"printf '%s\n' "$ODD" "$(pwd)" >seen"#, in: directory).run()
      #expect(try text(of: "\(directory)/seen") == "a b; $(touch bad) 'c'\n\(directory)\n")
      #expect(!FileManager.default.fileExists(atPath: "\(directory)/bad"))
      #expect(!FileManager.default.fileExists(atPath: "\(directory)/mark"))
    }
  }

  @Test func aFailureTellsTheLastLines() async throws {
    try await withDirectory { directory in
      let failure = try await failure {
        try await scriptRun("seq 1 100; echo no room >&2; exit 3", in: directory).run()
      }
      #expect(failure.code == .script)
      #expect(failure.message.contains("start ended with exit status 3"))
      #expect(failure.log?.hasSuffix("99\n100\nno room") == true)
      #expect(failure.log?.split(separator: "\n").count == 20)
    }
  }

  @Test func theWholeProcessGroupIsKilledAtTheLimit() async throws {
    try await withDirectory { directory in
      // A child of a child, which ignores the kind signals.
      let script = "(trap '' TERM HUP; echo $$ >leader; sleep 300) & echo waiting; wait"
      let failure = try await failure {
        try await scriptRun(script, in: directory, limit: .milliseconds(700)).run()
      }
      #expect(failure.code == .timeout)
      #expect(failure.log == "waiting")
      let group = try #require(
        Int32(text(of: "\(directory)/leader").split(whereSeparator: \.isWhitespace)[0]))
      try await eventually("the script's processes are gone") { kill(-group, 0) != 0 }
    }
  }

  @Test func aCancelledScriptIsKilled() async throws {
    try await withDirectory { directory in
      let run = try scriptRun("echo $$ >leader; sleep 300", in: directory)
      try await withThrowingTaskGroup { group in
        group.addTask { try await run.run() }
        try await eventually("the script runs") {
          (try? text(of: "\(directory)/leader"))?.hasSuffix("\n") == true
        }
        group.cancelAll()
        await #expect(throws: (any Error).self) { try await group.next() }
      }
      let leader = try #require(
        Int32(text(of: "\(directory)/leader").split(whereSeparator: \.isWhitespace)[0]))
      try await eventually("the script is gone") { kill(-leader, 0) != 0 }
    }
  }

  @Test func anAppThatKeepsTheOutputOpenDoesNotHoldTheScript() async throws {
    try await withDirectory { directory in
      let clock = ContinuousClock()
      let took = try await clock.measure {
        try await scriptRun("setsid sleep 300 & echo $! >child", in: directory).run()
      }
      #expect(took < .seconds(10))
      let child = try #require(Int32(text(of: "\(directory)/child").split(whereSeparator: \.isWhitespace)[0]))
      #expect(kill(child, 0) == 0, "it lives on")
      kill(child, SIGKILL)
    }
  }

  @Test func aScriptLeftBehindIsEnded() async throws {
    try await withDirectory { directory in
      let run = try scriptRun("sleep 300", in: directory)
      try await withThrowingTaskGroup { group in
        group.addTask { try await run.run() }
        try await eventually("the script runs") { (try? text(of: "\(directory)/mark"))?.isEmpty == false }
        try await LeftoverScript.end(markedBy: "\(directory)/mark", directory: directory)
        #expect(!FileManager.default.fileExists(atPath: "\(directory)/mark"))
        await #expect(throws: DeliveryFailure.self) { try await group.next() }
      }
    }
  }

  @Test func aProcessOfSomeoneElseIsLeftAlone() async throws {
    try await withDirectory { directory in
      let run = try scriptRun("sleep 300", in: directory)
      try await withThrowingTaskGroup { group in
        group.addTask { try await run.run() }
        try await eventually("the script runs") { (try? text(of: "\(directory)/mark"))?.isEmpty == false }
        let process = try text(of: "\(directory)/mark")
        try write(process, to: "\(directory)/stale")
        try await LeftoverScript.end(markedBy: "\(directory)/stale", directory: "/somewhere/else")
        let number = try #require(Int32(process.split(whereSeparator: \.isWhitespace)[0]))
        #expect(kill(number, 0) == 0)
        group.cancelAll()
        await #expect(throws: (any Error).self) { try await group.next() }
      }
    }
  }
}
