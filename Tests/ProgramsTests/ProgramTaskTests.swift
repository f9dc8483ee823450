import Foundation
import TaskQueue
import TestSupport
import Testing

@testable import Programs

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct ProgramTaskTests {
  private func failure(_ input: ProgramInput) async throws -> TaskFailure {
    let error = await #expect(throws: TaskFailure.self) { try await runProgram(input) }
    return try #require(error)
  }

  @Test func argumentsArriveAsTheyAre() async throws {
    var input = shell(#"printf '%s\n' "$@""#, "a b", "$(touch bad)", "; exit 3", "'", "", "ü", "-n")
    input.keepsOutput = 1_000
    let result = try await runProgram(input)
    #expect(result.output == "a b\n$(touch bad)\n; exit 3\n'\n\nü\n-n\n")
    #expect(result.exitCode == 0)
    #expect(result.name == "sh")
    #expect(result.outputIsCut == nil)
  }

  @Test func theEnvironmentIsAShortList() async throws {
    setenv("PROGRAMS_TEST_SECRET", "hush", 1)
    setenv("PROGRAMS_TEST_WANTED", "yes", 1)
    var input = ProgramInput(["env"])
    input.keepsOutput = 10_000
    input.environment = ["COLOUR": "blue\nand green"]
    input.inherits = ["PROGRAMS_TEST_WANTED"]
    let output = try await runProgram(input).output ?? ""
    #expect(!output.contains("hush"))
    #expect(output.contains("PROGRAMS_TEST_WANTED=yes\n"))
    #expect(output.contains("COLOUR=blue\nand green\n"))
    #expect(
      output.contains("DRAWBAR_CHAIN=night/3\nDRAWBAR_GENERATION=7\n")
        || output.contains("DRAWBAR_CHAIN=night/3\n"))
    #expect(output.contains("DRAWBAR_ATTEMPT=1\n"))
    let names = Set(
      output.split(separator: "\n").compactMap { $0.split(separator: "=").first.map(String.init) })
    let allowed: Set = [
      "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME", "COLOUR", "and green",
      "PROGRAMS_TEST_WANTED", "DRAWBAR_CHAIN", "DRAWBAR_LINK", "DRAWBAR_ATTEMPT", "DRAWBAR_GENERATION", "PWD",
      "OLDPWD",
      "_", "SHLVL",
    ]
    #expect(names.subtracting(allowed).isEmpty)
  }

  @Test func whereItRunsAndWhatIsOpen() async throws {
    try await withDirectory { directory in
      var input = shell("pwd; readlink /proc/self/fd/0; cat; ls /proc/self/fd | wc -l")
      input.directory = directory
      input.keepsOutput = 1_000
      // Standard input is empty, and nothing but the three is open (and what ls opens).
      let result = try await runProgram(input)
      #expect(result.output == "\(directory)\n/dev/null\n4\n")
    }
  }

  @Test func bothOutputsAreToldLineByLine() async throws {
    let told = Told()
    let result = try await runProgram(shell("echo one; echo two >&2; printf three"), told: told)
    #expect(Set(told.all) == ["one", "two", "three"])
    #expect(Set(result.lastLines) == ["one", "two", "three"])
    #expect(result.output == nil)
  }

  @Test func aStatusIsTheCodeAndTheLastLinesSayWhy() async throws {
    let failure = try await failure(shell("seq 1 100; echo 'no room' >&2; exit 3"))
    #expect(failure.code == "exit-3")
    #expect(failure.message.hasPrefix("sh ended with exit status 3 after "))
    #expect(failure.message.contains("no room"))
    #expect(failure.message.contains("\n100"))
    #expect(!failure.message.contains("\n60\n"))
    #expect(failure.retry == .byPolicy)
    #expect(try await self.failure(shell("kill -9 $$")).code == "signal-9")
  }

  @Test func statusesMayMeanDoneOrAgain() async throws {
    var input = shell("exit 24")
    input.exitCodes = .init(done: [0, 24])
    #expect(try await runProgram(input).exitCode == 24)
    input = shell("exit 75")
    input.exitCodes = .init(again: [75])
    #expect(try await failure(input).retry == .byPolicy)
    input = shell("exit 2")
    input.exitCodes = .init(again: [75])
    #expect(try await failure(input).retry == .never)
  }

  @Test func whatIsNotThere() async throws {
    let missing = try await failure(ProgramInput(["no-such-program-here"]))
    #expect(missing.code == "no-program")
    #expect(missing.message.contains("no executable no-such-program-here in PATH"))
    #expect(missing.retry == .never)
    #expect(try await failure(ProgramInput(["/etc/passwd"])).code == "no-program")
    var input = ProgramInput(["true"])
    input.directory = "/no/such"
    #expect(try await failure(input).code == "no-directory")
  }

  @Test func whatCannotBeRunAnywhere() async throws {
    #expect(try await failure(ProgramInput([])).code == "input")
    #expect(try await failure(ProgramInput(["echo", "a\0b"])).message.contains("zero byte"))
    #expect(
      try await failure(ProgramInput(["echo", String(repeating: "x", count: 200_000)])).code == "input")
    var input = ProgramInput(["true"])
    input.inherits = ["DRAWBAR_REDIS"]
    #expect(try await failure(input).code == "input")
    input.inherits = []
    input.environment = ["1=2": "x"]
    #expect(try await failure(input).code == "input")
  }

  @Test func aFloodIsCapped() async throws {
    var input = shell("yes 'all work and no play' | head -c 100000000; echo the end")
    input.outputBounds = .init(lines: 50, bytes: 10_000)
    input.keepsOutput = 100
    let told = Told()
    let result = try await runProgram(input, told: told)
    #expect(told.all.count == 51)
    #expect(told.all.last?.contains("lines and") == true)
    #expect(result.lastLines.last == "the end" || result.lastLines.last?.hasSuffix("the end") == true)
    #expect(result.output?.utf8.count == 100)
    #expect(result.outputIsCut == true)
    #expect((result.droppedLines ?? 0) > 4_000_000)
  }

  @Test func closedOutputsAreNotTheEnd() async throws {
    try await withDirectory { directory in
      let input = shell(#"exec >&- 2>&-; sleep 0.5; echo done >"$1/file""#, directory)
      _ = try await runProgram(input)
      #expect(FileManager.default.fileExists(atPath: "\(directory)/file"))
    }
  }

  @Test func itsChildrenEndWithIt() async throws {
    try await withDirectory { directory in
      _ = try await runProgram(
        shell(#"(trap '' TERM HUP; sleep 300) & echo $! >"$1/child"; echo begun"#, directory))
      let text = try String(contentsOfFile: "\(directory)/child", encoding: .utf8)
      let child = try #require(Int32(text.dropLast()))
      try await eventually("the child is gone") { kill(child, 0) != 0 }
    }
  }

  @Test func aProgramThatWaitsForAllItsChildrenEnds() async throws {
    // The guard is none of them.
    let input = ProgramInput(["perl", "-e", "1 while wait() != -1; print qq(alone\\n)"])
    #expect(try await runProgram(input).lastLines == ["alone"])
  }

  @Test func theTimeLimitEndsTheGroup() async throws {
    try await withDirectory { directory in
      var input = shell(
        #"echo $$ >"$1/leader"; (trap '' TERM; while :; do sleep 1; done) & echo waiting; trap 'echo told; exit 0' TERM; wait"#,
        directory)
      input.timeLimit = 500
      let failure = try await failure(input)
      #expect(failure.code == "timeout")
      #expect(failure.message.contains("its limit of 0.5 seconds"))
      #expect(failure.message.hasSuffix("waiting\ntold"))
      let text = try String(contentsOfFile: "\(directory)/leader", encoding: .utf8)
      let leader = try #require(Int32(text.dropLast()))
      try await eventually("the group is gone") { !processGroupLives(leader) }
    }
  }

  @Test func whoIgnoresTheTermIsKilled() async throws {
    var input = shell("trap '' TERM; while :; do sleep 1; done")
    input.timeLimit = 200
    input.grace = 300
    #expect(try await failure(input).code == "timeout")
  }

  @Test func itsInputTravelsSmallAndWhole() throws {
    let small = try JSONEncoder().encode(ProgramInput(["true"]))
    #expect(String(decoding: small, as: UTF8.self) == #"{"arguments":["true"]}"#)
    var input = ProgramInput(["a", "b"])
    input.name = "n"
    input.environment = ["A": "1"]
    input.inherits = ["B"]
    input.directory = "/x"
    input.standardInput = .results(of: [.init(link: 1, name: "all", members: ["m"])])
    input.exitCodes = .init(done: [0, 1], again: [75])
    input.timeLimit = 5
    input.grace = 6
    input.keepsOutput = 7
    input.outputBounds = .init(line: 1, lines: 2, bytes: 3)
    #expect(try JSONDecoder().decode(ProgramInput.self, from: JSONEncoder().encode(input)) == input)
  }
}
