import FoundationEssentials
import Subprocess
import Testing

/// The files in `Workflows/`: each is in order, and does what it says.
@Suite struct WorkflowFileTests {
  private static let folder =
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/Workflows"

  private static var files: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }.sorted()
    }
  }

  @Test func eachIsInOrder() async throws {
    let files = try Self.files
    #expect(files.count >= 5)
    try await Program.with { drawbar in
      for file in files {
        let answer = try await drawbar("run", "\(Self.folder)/\(file)", "--check")
        #expect(answer.code == 0, "\(answer.err)")
        #expect(answer.out.contains("is in order: \(file.dropLast(5))"))
      }
    }
  }

  @Test(.timeLimit(.minutes(1))) func nightlyBackup() async throws {
    try await Program.with { drawbar in
      let source = "\(drawbar.state)/data of shop"
      let target = "\(drawbar.state)/backup"
      try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
      _ = try drawbar.write("hello", to: "data of shop/file")
      for night in 1...3 {
        let answer = try await drawbar(
          "run", "\(Self.folder)/nightly-backup.yaml", "--set", "source=\(source)", "--set",
          "target=\(target)",
          "--set", "keep=2", "--id", "backup-\(night)")
        #expect(answer.code == 0, "\(answer.out)")
      }
      let kept = try FileManager.default.contentsOfDirectory(atPath: target).sorted()
      #expect(kept == ["backup-2.tar.gz", "backup-3.tar.gz"])
      let none = try await drawbar(
        "run", "\(Self.folder)/nightly-backup.yaml", "--set", "source=/no/such", "--set", "target=\(target)")
      #expect(none.code == 1)
      #expect(none.out.contains("No such file or directory"))
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: target).count == 2, "the half-done one is gone")
    }
  }

  @Test(.timeLimit(.minutes(1))) func rollingRestart() async throws {
    try await Program.with { drawbar in
      // What stands for ssh, and for curl: servers are lines in a file, and s3 never comes back.
      let remote = try drawbar.write(
        "#!/bin/sh\necho \"$*\" >>\"\(drawbar.state)/restarts\"\n", to: "remote", executable: true)
      _ = try drawbar.write(
        "#!/bin/sh\nfor url; do :; done\ncase $url in *:8003/*) exit 7;; esac\n", to: "curl", executable: true
      )
      let servers = (1...8).map {
        "  - { host: s\($0), address: 127.0.0.1, port: 800\($0), directory: /srv/s\($0) }"
      }
      let group = try drawbar.write(
        "group: shop\napp: shop\nhealth: { path: / }\nbalancer: none\nservers:\n"
          + servers.joined(separator: "\n") + "\n", to: "shop.yaml")
      // The same file with less patience.
      let text = try String(contentsOfFile: "\(Self.folder)/rolling-restart.yaml", encoding: .utf8)
      let file = try drawbar.write(
        text.replacing("attempts: 20, backoff: 1s", with: "attempts: 2, backoff: 10ms")
          .replacing("pause: 10s", with: "pause: 100ms"), to: "restart.yaml")
      let answer = try await drawbar.run(
        "drawbar",
        [
          "run", file, "--set", "group=\(group)", "--set", "service=shop",
          "--set", "remote=\(remote)", "--id", "restart-1",
        ], drawbar.pathWithState)
      #expect(answer.code == 3, "\(answer)")
      let restarts = try String(contentsOfFile: "\(drawbar.state)/restarts", encoding: .utf8)
      #expect(restarts.split(separator: "\n").count == 3, "s1; s2 and s3; no more")
      #expect(restarts.hasPrefix("127.0.0.1 sudo systemctl restart shop\n"))
      #expect(answer.out.contains("wait for s3  failed"))
    }
  }

  @Test(.timeLimit(.minutes(1))) func buildTestPublish() async throws {
    try await Program.with { drawbar in
      let script = try drawbar.write(
        """
        set -e
        mkdir "$1/repository"; cd "$1/repository"
        git init --quiet; git config user.email a@b; git config user.name a
        printf 'build:\\n\\tmkdir -p dist; echo built >dist/file\\ntest:\\n\\tgrep -q built dist/file\\nlint:\\n\\ttrue\\n' >Makefile
        git add Makefile; git commit --quiet -m first; git tag v1
        """, to: "make.sh")
      #expect(try await drawbar.run("sh", [script, drawbar.state]).code == 0)
      func run(_ revision: String) async throws -> Program.Answer {
        try await drawbar(
          "run", "\(Self.folder)/build-test-publish.yaml", "--set",
          "repository=file://\(drawbar.state)/repository",
          "--set", "revision=\(revision)", "--set", "packages=\(drawbar.state)/packages", "--set",
          "work=\(drawbar.state)/work")
      }
      let answer = try await run("v1")
      #expect(answer.code == 0, "\(answer.out)")
      #expect(FileManager.default.fileExists(atPath: "\(drawbar.state)/packages/v1.tar.gz"))
    }
  }

  @Test(.timeLimit(.minutes(1))) func runEverywhere() async throws {
    try await Program.with { drawbar in
      let remote = try drawbar.write(
        "#!/bin/sh\nexport SERVER=\"$1\"; shift; exec \"$@\"\n", to: "remote", executable: true)
      let script = try drawbar.write("echo \"this is $SERVER\"\n", to: "script.sh")
      let answer = try await drawbar(
        "run", "\(Self.folder)/run-everywhere.yaml", "--set", "servers=a,b,c", "--set", "script=\(script)",
        "--set", "remote=\(remote)", "--id", "e-1")
      #expect(answer.code == 0, "\(answer.out)")
      _ = try await drawbar.whileUp {
        let log = try await drawbar("workflow", "log", "e-1")
        #expect(log.out.hasSuffix("show | this is a\nshow | this is b\nshow | this is c\n"))
      }
    }
  }

  @Test(.timeLimit(.minutes(1))) func fleetHealth() async throws {
    try await Program.with { drawbar in
      _ = try drawbar.write(
        "#!/bin/sh\nfor url; do :; done\ncase $url in *b*) echo refused >&2; exit 7;; esac\nprintf '200 in 0.01 s'\n",
        to: "curl", executable: true)
      let list = try drawbar.write(
        "- { name: a, url: \"http://a/\" }\n- { name: b, url: \"http://b/\" }\n- { name: c, url: \"http://c/\" }\n",
        to: "list.yaml")
      func run(_ most: Int) async throws -> Program.Answer {
        try await drawbar.run(
          "drawbar",
          ["run", "\(Self.folder)/fleet-health.yaml", "--set", "list=\(list)", "--set", "most=\(most)"],
          drawbar.pathWithState)
      }
      let ill = try await run(0)
      #expect(ill.code == 1)
      #expect(ill.out.contains("    | 3 asked, 1 ill\n    |   ill: b\n"), "\(ill.out)")
      #expect(try await run(1).code == 0)
    }
  }
}
