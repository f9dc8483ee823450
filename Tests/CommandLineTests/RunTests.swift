import FoundationEssentials
import RedisServer
import Subprocess
import TestSupport
import Testing

/// `drawbar run`: files of workflows, from the command line to real programs.
@Suite struct RunTests {
  /// Nobody is up: it starts what it needs, does the work, and leaves nothing running.
  @Test(.timeLimit(.minutes(1))) func aFileIsEnough() async throws {
    try await Program.with { drawbar in
      let file = try drawbar.write(
        """
        workflow: fan
        params: { word: hello }
        steps:
          - run: [echo, "${word}"]
          - name: fan
            foreach: [a, "; rm -rf /", "$(id)", "two\\nlines"]
            steps:
              - run: [sh, -c, 'printf "<%s>" "$1"', sh, "${item}"]
                keepOutput: 100
          - run: [cat]
            stdin: output
            keepOutput: 1000
        """, to: "fan.yaml")
      let answer = try await drawbar("run", file, "--id", "fan-1", "--json")
      #expect(answer.code == 0, "\(answer.err)")
      #expect(answer.err.isEmpty)
      let last = try #require(answer.out.split(separator: "\n").last)
      #expect(last.contains(#""state":"finished","workflow":"fan-1""#))
      #expect(answer.out.contains(#""counts":{"cancelled":0,"done":4,"failed":0,"members":4,"running":0}"#))
      #expect(try await drawbar("queue", "ls").code == 5, "nothing runs on")
      // What it left can be looked at: that starts the server again, and ends it.
      #expect(try await drawbar("workflow", "ls").out.contains("fan-1     fan          finished"))
      let log = try await drawbar("workflow", "log", "fan-1")
      #expect(log.out.hasPrefix("echo | hello\nfan › a › sh | <a>\nfan › ; rm -rf / › sh | <; rm -rf />\n"))
      #expect(log.out.contains("\ncat | <a><; rm -rf />"))
      #expect(try await drawbar("workflow", "log", "fan-1/1/0").out == "fan › a › sh | <a>\n")
      let line = #"{"chain":"fan-1","line":"hello","link":0,"path":["echo"],"workflow":"fan-1"}"#
      #expect(try await drawbar("workflow", "log", "fan-1", "--json").out.hasPrefix(line + "\n"))
      for unknown in ["nope", "fan-1/7/0"] {
        let answer = try await drawbar("workflow", "log", unknown)
        #expect(answer.code == 2)
        #expect(answer.err.contains("there is no workflow \(unknown)"))
      }
      #expect(try await drawbar("queue", "ls").code == 5, "nothing runs on")

      // Known afterwards, and once only.
      let again = try await drawbar("run", file, "--id", "fan-1")
      #expect(again.code == 0)
      #expect(again.err.contains("drawbar: fan-1 exists since "))
      #expect(again.err.contains("and has ended: nothing is run again"))
      #expect(again.out.contains("fan-1  finished"))
      #expect(!again.out.contains("\u{1b}"), "no colours in a pipe")
      let other = try await drawbar("run", file, "--set", "word=a; rm -rf $(pwd)")
      #expect(other.code == 0, "\(other.err)")
    }
  }

  @Test(.timeLimit(.minutes(1))) func aFailureShowsWhatTheProgramSaid() async throws {
    try await Program.with { drawbar in
      let mark = "\(drawbar.state)/mark"
      let file = try drawbar.write(
        """
        workflow: bad
        steps:
          - name: half
            group:
              - { name: good, steps: [{ run: ["true"] }] }
              - { name: ill, steps: [{ run: [sh, -c, "seq 1 30; echo no room >&2; exit 3"] }] }
          - run: [echo, never]
        onFailure:
          - run: [sh, -c, 'sleep 0.5; echo sorry >"$1"', sh, "\(mark)"]
        """, to: "bad.yaml")
      let answer = try await drawbar("run", file, "--id", "bad-1")
      #expect(answer.code == 1)
      #expect(answer.out.contains("half › ill › sh  failed"))
      #expect(answer.out.contains("exit-3: sh ended with exit status 3 after"))
      #expect(answer.out.contains("    | no room\n"))
      #expect(!answer.out.contains("never"))
      #expect(FileManager.default.fileExists(atPath: mark), "it was waited for")

      let missing = try drawbar.write("workflow: w\nsteps:\n  - run: [no-such-program]\n", to: "m.yaml")
      let none = try await drawbar("run", missing)
      #expect(none.code == 1)
      #expect(none.out.contains("no-program: there is no executable no-such-program in PATH"))
    }
  }

  @Test(.timeLimit(.minutes(1))) func aBrakeEndsALoop() async throws {
    try await Program.with { drawbar in
      func file(_ brake: String) throws -> String {
        try drawbar.write(
          """
          workflow: roll
          steps:
            - name: roll
              foreach: [a, b, c, d, e, f]
              batch: [1, 2]
              brake: \(brake)
              steps:
                - run: [sh, -c, '[ "$1" != b ] && [ "$1" != d ] || exit 7', sh, "${item}"]
          """, to: "roll.yaml")
      }
      let braked = try await drawbar("run", file("30%"), "--id", "roll-1")
      #expect(braked.code == 3, "\(braked.out)")
      #expect(braked.out.contains("roll 2/4 › b › sh  failed"))
      #expect(!braked.out.contains("roll 3/4"), "nothing more was begun")
      // Fewer than the brake: all were tried, and that is still no success.
      let failed = try await drawbar("run", file("50%"), "--id", "roll-2")
      #expect(failed.code == 1, "\(failed.out)")
      #expect(failed.out.contains("roll-2  failed"))
      #expect(failed.out.contains("group: 2 of 6 failed"))
    }
  }

  /// Ctrl-C cancels: the programs with their children are gone, and it is known afterwards.
  @Test(.timeLimit(.minutes(1))) func controlCCancels() async throws {
    try await Program.with { drawbar in
      let file = try drawbar.write(
        """
        workflow: slow
        steps:
          - run: [sh, -c, 'echo $$ >"$1.part"; mv "$1.part" "$1"; trap "" TERM; (trap "" TERM; sleep 600) & sleep 600', sh, "\(drawbar.state)/leader"]
        """, to: "slow.yaml")
      let answer = try await drawbar.signalled(.interrupt, ["run", file, "--id", "slow-1"]) {
        try await eventually("the leader is known") {
          FileManager.default.fileExists(atPath: "\(drawbar.state)/leader")
        }
      }
      #expect(answer.code == 4, "\(answer)")
      #expect(answer.err.contains("slow-1 is being cancelled"))
      #expect(answer.out.contains("slow-1  cancelled"))
      let leader = try #require(
        Int32(try String(contentsOfFile: "\(drawbar.state)/leader", encoding: .utf8).dropLast()))
      try await eventually("the group is gone") { !processGroupLives(leader) }
      #expect(try await drawbar("run", file, "--id", "slow-1").code == 4, "it stays cancelled")
    }
  }

  /// SIGTERM stops this process, not the workflow: the same id goes on where it was.
  @Test(.timeLimit(.minutes(1))) func aRunThatWasCutOffGoesOn() async throws {
    try await Program.with { drawbar in
      let file = try drawbar.write(
        """
        workflow: cut
        steps:
          - run: [sh, -c, 'echo once >>"$1/first"', sh, "\(drawbar.state)"]
          - run: [sh, -c, 'touch "$1/second"; [ -e "$1/go" ] || exec sleep 600', sh, "\(drawbar.state)"]
        """, to: "cut.yaml")
      for signal in [Signal.terminate, .kill] {
        let answer = try await drawbar.signalled(signal, ["run", file, "--id", "cut-1"]) {
          try await eventually("the second runs") {
            FileManager.default.fileExists(atPath: "\(drawbar.state)/second")
          }
        }
        if signal == .terminate {
          #expect(answer.code == 6)
          #expect(answer.err.contains("goes on with:  drawbar run \(file) --id cut-1"))
        }
        try FileManager.default.removeItem(atPath: "\(drawbar.state)/second")
      }
      _ = try drawbar.write("", to: "go")
      let end = try await drawbar("run", file, "--id", "cut-1")
      #expect(end.code == 0, "\(end)")
      #expect(try String(contentsOfFile: "\(drawbar.state)/first", encoding: .utf8) == "once\n")
    }
  }

  /// Two at a time on one state directory: the first to end takes nothing away from the other, and the last leaves
  /// nothing running.
  @Test(.timeLimit(.minutes(1))) func runsSideBySide() async throws {
    try await Program.with { drawbar in
      let file = try drawbar.write(
        """
        workflow: side
        params: { name: , wait: }
        steps:
          - run: [sh, -c, 'echo once >>"$1/$2"; until [ -e "$1/$3" ]; do sleep 0.05; done', sh, "\(drawbar.state)", "${name}", "${wait}"]
        """, to: "side.yaml")
      func begun(_ name: String) async throws {
        try await eventually("\(name) is there") {
          FileManager.default.fileExists(atPath: "\(drawbar.state)/\(name)")
        }
      }
      async let first = drawbar("run", file, "--set", "name=a", "--set", "wait=go-a")
      try await begun("a")
      async let second = drawbar("run", file, "--set", "name=b", "--set", "wait=go-b")
      try await begun("b")
      _ = try drawbar.write("", to: "go-a")
      #expect(try await first.code == 0)
      _ = try drawbar.write("", to: "go-b")
      #expect(try await second.code == 0)
      #expect(try String(contentsOfFile: "\(drawbar.state)/b", encoding: .utf8) == "once\n")
      #expect(try await drawbar("queue", "ls").code == 5, "nothing runs on")
      _ = try await drawbar.whileUp {
        let list = try await drawbar("queue", "ls").out
        #expect(!list.contains("run/side"), "what is over is not listed")
      }
    }
  }

  /// With `drawbar up` the work is done there, and goes on without the one who asked.
  @Test(.timeLimit(.minutes(1))) func whatIsUpDoesTheWork() async throws {
    try await Program.with { drawbar in
      let file = try drawbar.write(
        "workflow: w\nparams: { time: \"0\" }\nsteps:\n  - run: [sleep, \"${time}\"]\n", to: "w.yaml")
      #expect(try await drawbar("run", file, "--detach").code == 5, "nobody would do it")
      _ = try await drawbar.whileUp {
        let sent = try await drawbar("run", file, "--id", "w-1", "--detach")
        #expect(sent.code == 0)
        #expect(sent.out == "w-1 is submitted\n")
        #expect(try await drawbar("run", file, "--id", "w-1", "--detach").out == "w-1 was submitted before\n")
        #expect(try await drawbar("workflow", "watch", "w-1").code == 0)
        #expect(try await drawbar("run", file).code == 0)
        #expect(try await drawbar("run", file, "--set", "time=600", "--id", "w-2", "--detach").code == 0)
        #expect(try await drawbar("workflow", "cancel", "w-2").out == "w-2 is cancelling\n")
        #expect(try await drawbar("workflow", "watch", "w-2").code == 4)
        let list = try await drawbar("workflow", "ls", "--json").out
        #expect(list.split(separator: "\n").count == 3)
        #expect(try await drawbar("workflow", "show", "w-2", "--json").out.contains(#""state":"cancelled""#))
      }
    }
  }

  /// An id stands for one file with its values: another one is refused, as long as the workflow is known.
  @Test(.timeLimit(.minutes(1))) func anIdIsOfOneFile() async throws {
    try await Program.with { drawbar in
      let first = try drawbar.write(
        "workflow: w\nkeptFor: 1s\nparams: { p: a }\nsteps:\n  - run: [echo, \"${p}\"]\n", to: "a.yaml")
      let other = try drawbar.write(
        "workflow: w\nsteps:\n  - name: other\n    run: [touch, \"\(drawbar.state)/mark\"]\n", to: "b.yaml")
      _ = try await drawbar.whileUp {
        #expect(try await drawbar("run", first, "--id", "one").code == 0)
        for arguments in [[other], [first, "--set", "p=b"], [other, "--detach"]] {
          let refused = try await drawbar.run("drawbar", ["run", "--id", "one"] + arguments)
          #expect(refused.code == 2)
          #expect(refused.err.contains("one exists since "))
          #expect(refused.err.contains("nothing was submitted. Give another --id"))
          #expect(refused.out.isEmpty)
        }
        #expect(!FileManager.default.fileExists(atPath: "\(drawbar.state)/mark"))
        // Its steps' names are kept for longer than the workflow; they are not those of the next one.
        try await eventually("it is forgotten") { try await drawbar("workflow", "show", "one").code == 2 }
        let anew = try await drawbar("run", other, "--id", "one")
        #expect(anew.code == 0, "\(anew.err)")
        #expect(anew.out.contains("  other  done  "))
      }
    }
  }

  /// A Redis that was named may have nobody who runs programs: that is said, and it goes on with the first who comes.
  @Test(.timeLimit(.minutes(1))) func whereNobodyRunsProgramsThatIsSaid() async throws {
    try await RedisServer.run { server in
      try await Program.with { drawbar in
        let url = "\(server.configuration)"
        let file = try drawbar.write("workflow: w\nsteps:\n  - run: [echo, it ran]\n", to: "w.yaml")
        _ = try await drawbar.whileRunning("drawbar-coordinator", ["--redis", url], once: "session") { _ in
          let sent = try await drawbar("run", file, "--id", "w-1", "--detach", "--redis", url)
          #expect(sent.code == 0)
          #expect(sent.err.contains("nothing serves the queue programs: start drawbar up --redis URL"))
          let run = Task { try await drawbar("run", file, "--id", "w-2", "--redis", url) }
          defer { run.cancel() }
          try await eventually("it waits") {
            try await drawbar("workflow", "show", "w-2", "--redis", url).code == 0
          }
          _ = try await drawbar.whileRunning(
            "drawbar", ["up", "--redis", url, "--log-level", "info"], once: "serves programs"
          ) { _ in
            let answer = try await run.value
            #expect(answer.code == 0)
            #expect(answer.out.contains("    | it ran\n"))
            #expect(
              answer.err.contains("nothing serves the queue programs: start drawbar up --redis URL, or"))
            #expect(!answer.err.contains(url))
            let again = try await drawbar("run", file, "--redis", url)
            #expect(again.err.isEmpty, "somebody serves it")
          }
        }
      }
    }
  }

  /// What steps write: of those that failed, of all, or of none.
  @Test(.timeLimit(.minutes(1))) func outputIsShownAsAsked() async throws {
    try await Program.with { drawbar in
      let file = try drawbar.write(
        """
        workflow: w
        steps:
          - run: [echo, good]
          - run: [sh, -c, "seq 1 30; exit 3"]
        """, to: "w.yaml")
      func run(_ more: String...) async throws -> String {
        let answer = try await drawbar.run("drawbar", ["run", file] + more)
        #expect(answer.code == 1)
        return answer.out
      }
      let usual = try await run()
      #expect(!usual.contains("| good"))
      #expect(usual.contains("its last lines:\n    | 11\n"))
      let all = try await run("--output", "all")
      #expect(all.contains("echo | good\n"))
      #expect(all.contains("sh | 1\nsh | 2\n"))
      #expect(all.contains("sh | 30\n"))
      #expect(!all.contains("last lines"), "they are shown once")
      let none = try await run("--output", "none")
      #expect(!none.contains(" | "))
      #expect(none.contains("exit-3: sh ended with exit status 3"))
      let json = try await run("--output", "all", "--json")
      #expect(json.contains(#""line":"good","link":0,"path":["echo"]"#))
      let changes = try await run("--json")
      #expect(!changes.contains(#""line""#))
    }
  }

  /// What is refused has exit code 2, its place in the file, and changes nothing.
  @Test func filesAreRefusedWithTheirLines() async throws {
    let cases: [(String, String)] = [
      ("workflow: w\nsteps:\n\t- run: [a]\n", ":3:1: not YAML: the line is indented with a tab; use spaces"),
      ("workflow: w\nsteps:\n  - run: [echo, \"a\\0b\"]\n", ":3:17: steps[0].run[1]: contains a zero byte"),
      ("workflow: w\nsteps: []\n", ":2:8: steps: is empty"),
      ("workflow: w\nsteps:\n  - rnu: [a]\n", ":3:5: steps[0].rnu: unknown key; did you mean run?"),
      ("workflow: w\nsteps:\n  - run: a b\n", ":3:10: steps[0].run: expected a program and its arguments"),
      (
        "workflow: w\nsteps:\n  - { name: a, run: [x] }\n  - { name: a, run: [y] }\n",
        ":4:13: steps[1].name: is the name of line 3 already"
      ),
      (
        "workflow: w\nsteps:\n  - foreach: { inventory: none.yaml }\n    steps: [{ run: [a] }]\n",
        ":3:27: steps[0].foreach.inventory: can't read"
      ),
      (
        "workflow: w\nsteps:\n  - foreach: [a]\n    brake: 120%\n    steps: [{ run: [a] }]\n",
        ":4:12: steps[0].brake: '120%' is no bound"
      ),
    ]
    try await Program.with { drawbar in
      for (yaml, place) in cases {
        let file = try drawbar.write(yaml, to: "w.yaml")
        for arguments in [[], ["--check"], ["--dry-run"]] {
          let answer = try await drawbar.run("drawbar", ["run", file] + arguments)
          #expect(answer.code == 2)
          #expect(answer.err.hasPrefix(file + place), "\(answer.err)")
          #expect(answer.out.isEmpty)
        }
      }
      let good = try drawbar.write(
        "workflow: w\nparams: { p: x }\nsteps:\n  - run: [a, \"${p}\"]\n", to: "g.yaml")
      #expect(
        try await drawbar("run", good, "--set", "q=1").err.contains("has no parameter q; did you mean p?"))
      #expect(try await drawbar("run", good, "--set", "p").code == 2)
      #expect(try await drawbar("run", good, "--set", "p=a\nb").code == 2)
      #expect(try await drawbar("run", good, "--id", "a/b").code == 2)
      #expect(try await drawbar("run", "/nowhere.yaml").code == 2)
      #expect(!FileManager.default.fileExists(atPath: "\(drawbar.state)/redis"), "nothing was started")
    }
  }
}
