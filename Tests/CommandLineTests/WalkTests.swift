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
        #expect(early.err.contains(#""allowed":["bake","brake","abort"]"#))
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
        #expect(try await drawbar("show", "web").out.contains("web 1.1 → 1.0  SUCCESS"))
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

  private static func push(_ version: String, _ drawbar: Program) async throws {
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
  private static func end(_ directory: String) {
    guard let text = try? String(contentsOfFile: "\(directory)/app.pid", encoding: .utf8),
      let group = text.split(whereSeparator: \.isWhitespace).first.flatMap({ pid_t($0) }), group > 1
    else { return }
    kill(-group, SIGKILL)
  }
}
