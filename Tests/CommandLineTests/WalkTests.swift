import FoundationEssentials
import Glibc
import Subprocess
import Testing

/// The way of the README: from nothing to a release of an app of one's own, and back.
@Suite struct WalkTests {
  @Test(.timeLimit(.minutes(2))) func fromNothingToAReleaseAndBack() async throws {
    try await Program.with { drawbar in
      let hosts = (1...3).map { "web-\($0)" }
      defer { for host in hosts { Self.end("\(drawbar.state)/\(host)") } }
      let ended = try await drawbar.whileUp {
        let file = try drawbar.write(Self.group(hosts, in: drawbar.state), to: "g.yaml")
        #expect(try await drawbar("group", "apply", file).out == "web created: 3 servers (revision 1)\n")
        try await Self.push("1.0", drawbar)

        // A first release, with nothing there before.
        let first = try await drawbar("release", "web", "1.0", "--yes", "--json")
        #expect(first.code == 0, "\(first.err)")
        #expect(first.out.contains(#""deployment":"web-1","state":"SUCCESS""#))

        // Bad input and refusals: each names its reason, and changes nothing.
        let unknown = try await drawbar("release", "web", "9")
        #expect(unknown.code == 2)
        #expect(unknown.err.contains("published: 1.0"))
        let other = try await drawbar("package", "push", "web", "1.0", Self.package("other", drawbar))
        #expect(other.code == 2)
        #expect(other.err.contains("another content"))
        #expect(try await drawbar("bake", "web").code == 2)

        // A second release waits at its gate, keeps the group, and says what is allowed.
        try await Self.push("1.1", drawbar)
        #expect(try await drawbar("release", "web", "1.1").code == 6)
        let busy = try await drawbar("release", "web", "1.0")
        #expect(busy.code == 2)
        #expect(busy.err.contains("web-2 (SMOKE_SUCCESS)"))
        let early = try await drawbar("rollout", "web", "--json")
        #expect(early.code == 2)
        #expect(early.err.contains(#""allowed":["bake","brake","abort","rollback"]"#))
        let braked = try await drawbar("brake", "web", "--reason", "to see", "--follow")
        #expect(braked.code == 3)
        #expect(try await drawbar("watch", "web").code == 3)
        #expect(try await drawbar("resume", "web").code == 0)
        #expect(try await drawbar("bake", "web", "--follow").code == 6)
        #expect(try await drawbar("rollout", "web", "--follow").code == 0)

        // And back.
        #expect(try await drawbar("rollback", "web").code == 0)
        let list = try await drawbar("deployments", "web", "--json").out.split(separator: "\n")
        #expect(list.map { $0.contains(#""state":"SUCCESS""#) } == [true, true, true])
        let shown = try await drawbar("show", "web").out
        #expect(shown.contains("web 1.1 → 1.0  SUCCESS") && shown.contains("allowed now: rollback"))
        // Typed twice, it doesn't go forward again without a question.
        let twice = try await drawbar("rollback", "web")
        #expect(twice.code == 2)
        #expect(twice.err.contains("leads to 1.1 again") && twice.err.contains("--yes"))
        #expect(try await drawbar("queue", "ls", "--json").out.contains(#""dead":0"#))
      }
      #expect(ended.isSuccess)
    }
  }

  /// A release that fails on its bastion, and one that is aborted there.
  @Test(.timeLimit(.minutes(2))) func howAReleaseEndsIsTheExitCode() async throws {
    try await Program.with { drawbar in
      defer { Self.end("\(drawbar.state)/web-1") }
      _ = try await drawbar.whileUp {
        let file = try drawbar.write(Self.group(["web-1"], in: drawbar.state, patience: "1s"), to: "g.yaml")
        try await drawbar("group", "apply", file)
        _ = try drawbar.write("#!/bin/sh\nexit 1\n", to: "run", executable: true)
        let bad = "\(drawbar.state)/bad"
        try FileManager.default.createDirectory(atPath: bad, withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: "\(drawbar.state)/run", toPath: "\(bad)/run")
        #expect(try await drawbar("package", "push", "web", "bad", bad).code == 0)
        let failed = try await drawbar("release", "web", "bad", "--yes")
        #expect(failed.code == 1)
        #expect(failed.out.contains("SMOKE_FAILURE"))
        #expect(try await drawbar("abort", "web", "--follow").code == 4)
      }
    }
  }

  /// What is no new version: scale-outs, restarts, scripts, servers by hand, drift, campaigns, and the record of it all.
  @Test(.timeLimit(.minutes(4))) func aFleetIsRun() async throws {
    try await Program.with { drawbar in
      let hosts = (1...4).map { "web-\($0)" }
      defer { for host in hosts { Self.end("\(drawbar.state)/\(host)") } }
      let three = Self.group(Array(hosts.prefix(3)), in: drawbar.state)
      let network = three.split(separator: "address: ")[1].split(separator: ".").prefix(3).joined(
        separator: ".")
      _ = try await drawbar.whileUp {
        let file = try drawbar.write(three, to: "g.yaml")
        #expect(try await drawbar("group", "apply", file).code == 0)
        try await Self.push("1.0", drawbar)
        #expect(try await drawbar("release", "web", "1.0", "--yes").code == 0)
        #expect(try await drawbar("drift", "web").out.contains("3 servers, as they should be"))

        // One more server.
        let none = try await drawbar("scale-out", "web")
        #expect(none.code == 2)
        #expect(none.err.contains("every server runs 1.0 already"))
        let fourth =
          "\n- { host: web-4, address: \(network).4, port: 18181, directory: \(drawbar.state)/web-4 }\n"
        _ = try drawbar.write(three + fourth, to: "g.yaml")
        #expect(try await drawbar("group", "apply", file).code == 0)
        #expect(try await drawbar("drift", "web").code == 1)
        #expect(try await drawbar("scale-out", "web", "--check", "--json").out.contains(#"["web-4"]"#))
        #expect(try await drawbar("scale-out", "web", "--reason", "one more").code == 0)
        #expect(try await drawbar("drift", "web").code == 0)

        // Over the fleet.
        #expect(try await drawbar("restart", "web", "--json").code == 0)
        let script = try drawbar.write("#!/bin/sh\necho \"$1\" >said\n", to: "say.sh")
        let unknown = try await drawbar("script", "web", "say")
        #expect(unknown.code == 2)
        #expect(unknown.err.contains("web has no script say"))
        #expect(
          try await drawbar("script", "web", "say", "--file", script, "--in-service", "--", "two words").code
            == 0)
        #expect(
          try String(contentsOfFile: "\(drawbar.state)/web-4/said", encoding: .utf8) == "two words\n")

        // Servers by hand.
        let why = try await drawbar("pull-out", "web", "web-2", "--json")
        #expect(why.code == 2)
        #expect(why.err.contains("it takes a reason") && why.err.contains(#""allowed":["pull-out"]"#))
        #expect(try await drawbar("pull-out", "web", "web-2", "--reason", "disk").code == 0)
        let again = try await drawbar("pull-out", "web", "web-2", "--reason", "disk")
        #expect(again.err.contains("it is pulled out already"))
        #expect(try await drawbar("pull-in", "web", "web-2", "--reason", "new disk").code == 0)
        let journal = try await drawbar("journal", "web", "--json").out
        #expect(journal.contains(#""what":"pull-out""#) && journal.contains(#""why":"web-2: new disk""#))

        // Somebody changes what is installed.
        _ = try drawbar.write("by hand", to: "web-3/versions/1.0/extra")
        let drift = try await drawbar("drift", "web", "--json")
        #expect(drift.code == 1)
        #expect(drift.out.contains(#""host":"web-3""#))
        #expect(try await drawbar("heal", "web").out.contains("web-3"))
        #expect(try await drawbar("heal", "web", "--yes").code == 0)
        #expect(try await drawbar("drift", "web").code == 0)

        // Doing without.
        let noReason = try await drawbar("degrade", "--system", "loadBalancer", "--for", "1h")
        #expect(noReason.code == 2)
        let off = try await drawbar("degrade", "--all", "--for", "1h", "--reason", "fire", "--json")
        #expect(off.code == 0, "\(off.err)")
        #expect(try await drawbar("show", "web").err.contains("DEGRADED: notifications"))
        #expect(try await drawbar("degrade", "restore", "--all").out == "Nothing is left out.\n")
        #expect(try await drawbar("putback").out == "No server is left out.\n")

        // Several groups in one go; here it is one.
        #expect(try await drawbar("epoch", "raise", "web", "--reason", "restored").code == 0)
        let created = try await drawbar(
          "campaign", "create", "night", "--wave", "web=1.0", "--limit", "1", "--yes")
        #expect(created.code == 0, "\(created.err)")
        let end = ContinuousClock.now + .seconds(60)
        var night = ""
        while !night.contains(#""state":"SUCCESS","versions""#), ContinuousClock.now < end {
          night = try await drawbar("campaign", "show", "night", "--json").out
        }
        #expect(night.contains(#""state":"SUCCESS","versions""#), "\(night)")

        // The record.
        let events = try await drawbar("events", "web-1", "--json").out.split(separator: "\n")
        #expect(events.first?.contains("created") == true)
        #expect(try await drawbar("events", "web-1", "--follow").code == 0)
        #expect(try await drawbar("replay", "web-1").out.contains("SUCCESS"))
        #expect(
          try await drawbar("replay", "web-1", "--revision", "1", "--json").out.contains(
            #""state":"SMOKING""#))
        #expect(try await drawbar("replay", "web-1", "--at", "5").code == 2)
      }
    }
  }

  static func push(_ version: String, _ drawbar: Program) async throws {
    let pushed = try await drawbar("package", "push", "web", version, package(version, drawbar))
    #expect(pushed.code == 0, "\(pushed.err)")
  }

  /// A directory with the smallest app there is.
  private static func package(_ word: String, _ drawbar: Program) throws -> String {
    let folder = "\(drawbar.state)/package-\(word)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    _ = try drawbar.write(app + "# \(word)\n", to: "package-\(word)/run", executable: true)
    return folder
  }

  /// In Perl, which every Debian has.
  private static let app = #"""
    #!/usr/bin/perl
    use IO::Socket::INET;
    my $server = IO::Socket::INET->new(
      LocalAddr => $ENV{HOST}, LocalPort => $ENV{PORT}, Listen => 16, ReuseAddr => 1) or die $@;
    $SIG{PIPE} = 'IGNORE';
    while (my $client = $server->accept) {
      while (my $line = <$client>) { last if $line eq "\r\n" }
      my $body = qq({"version":"$ENV{DRAWBAR_VERSION}"});
      print $client "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ", length $body, "\r\n\r\n$body";
      close $client;
    }

    """#

  private static func group(
    _ hosts: [String], in directory: String, patience: String = "20s"
  ) -> String {
    let network = "127.\(Int.random(in: 16...250)).\(Int.random(in: 0...255))"
    let servers = hosts.enumerated().map { index, host in
      "- { host: \(host), address: \(network).\(index + 1), port: 18181, directory: \(directory)/\(host) }"
    }
    return """
      group: web
      app: web
      production: false
      health: { successes: 1, interval: 50ms, timeout: 1s }
      config: { startupTimeout: \(patience), maxPullOutRatio: 100, retries: 0 }
      servers:
      \(servers.joined(separator: "\n"))
      """
  }

  /// Ends the app that a server's directory names.
  static func end(_ directory: String) {
    guard let text = try? String(contentsOfFile: "\(directory)/app.pid", encoding: .utf8),
      let group = text.split(whereSeparator: \.isWhitespace).first.flatMap({ pid_t($0) }), group > 1
    else { return }
    kill(-group, SIGKILL)
  }
}
