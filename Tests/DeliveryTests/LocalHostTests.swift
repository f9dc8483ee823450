import DemoFleet
import Fleet
import FoundationEssentials
import Processes
import Rollout
import Subprocess
import Synchronization
import TestSupport
import Testing
import Workflows

@testable import Delivery

#if canImport(Glibc)
  import Glibc
#endif

/// One server of this machine, without a load balancer: what its disk holds and which process runs.
@Suite struct LocalHostTests {
  private let host = LocalHost(patience: .milliseconds(300))

  /// A fleet of one server that runs nothing yet.
  private func withServer(_ body: (DemoFleet, Server) async throws -> Void) async throws {
    try await withDirectory { directory in
      try await DemoFleet.run(in: directory, size: 1, version: nil) { fleet in
        try await body(fleet, fleet.servers[0])
      }
    }
  }

  private func order(_ package: PublishedPackage, scripts: [String: String] = [:], keep: Int = 3)
    -> InstallOrder
  {
    InstallOrder(
      package: package.reference, deployment: "shop-1", group: "shop",
      scripts: HostScripts.all(with: scripts), scriptTimeout: .seconds(10), keepVersions: keep)
  }

  private func pid(_ server: Server) throws -> String { try text(of: "\(server.directory)/app.pid") }

  private func runs(_ version: String, _ fleet: DemoFleet) async throws {
    try await eventually("version \(version) answers") {
      try await fleet.runningVersions().values.first == version
    }
  }

  private func versions(_ server: Server) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(server.directory)/versions").sorted()
  }

  @Test func aVersionReplacesAnotherAndOldOnesAreKept() async throws {
    try await withServer { fleet, server in
      for number in 1...5 {
        let package = try await fleet.publish("\(number)")
        let note = try await host.download(
          package.reference, from: fleet.packages, to: server, under: token(number))
        #expect(note.contains("fetched"))
        try await host.install(order(package), on: server, under: token(number))
        try await runs("\(number)", fleet)
        #expect(
          try FileManager.default.destinationOfSymbolicLink(atPath: "\(server.directory)/current")
            == "versions/\(number)")
      }
      #expect(try versions(server) == ["3", "4", "5"])
      // Back to the one before: no download, and one process.
      let package = try fleet.packages.locate(app: "shop", version: "4")
      let note = try await host.download(package.reference, from: fleet.packages, to: server, under: token(6))
      #expect(note.contains("on the disk"))
      let before = try pid(server)
      try await host.install(order(package, keep: 1), on: server, under: token(6))
      try await runs("4", fleet)
      #expect(try pid(server) != before)
      // However few are to be kept: the running one and its predecessor always are.
      #expect(try versions(server) == ["4", "5"])
    }
  }

  @Test func installingAgainEndsTheSame() async throws {
    try await withServer { fleet, server in
      let package = try await fleet.publish("1")
      for generation in 1...3 {
        _ = try await host.download(
          package.reference, from: fleet.packages, to: server, under: token(generation))
        try await host.install(order(package), on: server, under: token(generation))
        try await runs("1", fleet)
      }
    }
  }

  @Test func olderWorkIsRefusedAndChangesNothing() async throws {
    try await withServer { fleet, server in
      let package = try await fleet.publish("1")
      _ = try await host.download(package.reference, from: fleet.packages, to: server, under: token(5))
      try await host.admit(token(1, deployment: 2), to: server)
      try await host.admit(token(1, deployment: 2), to: server)
      for late in [token(9), token(0, deployment: 2)] {
        for code in [
          try await failure { try await host.admit(late, to: server) }.code,
          try await failure { try await host.install(order(package), on: server, under: late) }.code,
          try await failure {
            _ = try await host.download(package.reference, from: fleet.packages, to: server, under: late)
          }.code,
        ] { #expect(code == .fenced) }
      }
      #expect(!FileManager.default.fileExists(atPath: "\(server.directory)/current"))
    }
  }

  @Test func aServerInOtherHandsIsWaitedForAndThenTold() async throws {
    try await withServer { _, server in
      try await host.admit(token(1), to: server)
      try await FileLock.hold("\(server.directory)/.drawbar/lock", within: .seconds(2), what: "it") {
        let failure = try await failure { try await host.admit(token(2), to: server) }
        #expect(failure.code == .timeout)
        #expect(failure.message.contains("locked by another process"))
      }
      try await host.admit(token(2), to: server)
    }
  }

  private final class Room: Sendable {
    private let inside = Mutex(0)
    func enter() -> Int {
      inside.withLock {
        $0 += 1
        return $0
      }
    }
    func leave() { inside.withLock { $0 -= 1 } }
  }

  /// As those of downloads do, so that none stay.
  @Test func holdersMayRemoveTheFileOfALockWhileOthersWait() async throws {
    try await withDirectory { directory in
      let path = "\(directory)/lock"
      let room = Room()
      try await withThrowingTaskGroup { group in
        for _ in 0..<12 {
          group.addTask {
            try await FileLock.hold(path, within: .seconds(30), what: "it") {
              #expect(room.enter() == 1)
              #expect(Disk.exists(path))
              // Time for others to wait at this file.
              try await Task.sleep(for: .milliseconds(25))
              room.leave()
              Disk.discard(path)
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func aVersionThatWasAlteredIsNotInstalledAndIsFetchedAnew() async throws {
    try await withServer { fleet, server in
      let package = try await fleet.publish("1")
      _ = try await host.download(package.reference, from: fleet.packages, to: server, under: token(1))
      try write("#!/bin/sh\nexit 1\n", to: "\(server.directory)/versions/1/run", executable: true)
      let failure = try await failure { try await host.install(order(package), on: server, under: token(1)) }
      #expect(failure.code == .checksum)
      let note = try await host.download(package.reference, from: fleet.packages, to: server, under: token(1))
      #expect(note.contains("fetched"))
      try await host.install(order(package), on: server, under: token(1))
      try await runs("1", fleet)
    }
  }

  @Test func halfAnUnpackingIsNoVersion() async throws {
    try await withServer { fleet, server in
      let package = try await fleet.publish("1")
      // As a worker leaves it that dies right after the directory has its name, before or without a record.
      try write("half", to: "\(server.directory)/versions/1/run", executable: true)
      try write("half", to: "\(server.directory)/versions/.incoming-dead/archive")
      let failure = try await failure { try await host.install(order(package), on: server, under: token(1)) }
      #expect(failure.code == .checksum)
      _ = try await host.download(package.reference, from: fleet.packages, to: server, under: token(1))
      try await host.install(order(package), on: server, under: token(1))
      try await runs("1", fleet)
      #expect(try versions(server) == ["1"])
    }
  }

  @Test func aCorruptPackageIsNeverOnTheDisk() async throws {
    try await withServer { fleet, server in
      let package = try await fleet.publish("1")
      try write("rotten", to: "\(fleet.packages.directory)/shop/1.tar.gz")
      let failure = try await failure {
        _ = try await host.download(package.reference, from: fleet.packages, to: server, under: token(1))
      }
      #expect(failure.code == .checksum)
      #expect(try versions(server) == [])
    }
  }

  @Test func aScriptOfTheGroupReplacesTheDefault() async throws {
    try await withServer { fleet, server in
      let package = try await fleet.publish("1")
      _ = try await host.download(package.reference, from: fleet.packages, to: server, under: token(1))
      let own = ["start": "env | sort >seen; printf 'not \\033[2Jtoday'; exit 7", "stop": "echo stopped"]
      let failure = try await failure {
        try await host.install(order(package, scripts: own), on: server, under: token(1))
      }
      #expect(failure.code == .script)
      #expect(failure.log == "not \u{FFFD}[2Jtoday", "and no terminal is steered by it")
      let seen = try text(of: "\(server.directory)/seen")
      #expect(seen.contains("PORT=\(server.port)\n"))
      #expect(seen.contains("HOST=\(server.address)\n"))
      #expect(seen.contains("DRAWBAR_HOST=web-01\n"))
      #expect(seen.contains("DRAWBAR_VERSION=1\n"))
      let names = Set(
        seen.split(separator: "\n").compactMap { $0.split(separator: "=").first.map(String.init) })
      let allowed = Set(InheritedEnvironment.names + ["PORT", "HOST", "PWD", "OLDPWD", "SHLVL", "_"])
      #expect(names.filter { !allowed.contains($0) && !$0.hasPrefix("DRAWBAR_") } == [])
    }
  }

  @Test func anAppThatIgnoresTheSignalIsKilledInTheEnd() async throws {
    try await withDirectory { directory in
      let app = "\(directory)/app"
      try write(
        "#!/bin/sh\ntrap '' TERM\necho up\nwhile :; do sleep 1; done\n", to: "\(app)/run", executable: true)
      let file = "\(directory)/app.tar.gz"
      _ = try await run(.name("tar"), arguments: ["czf", file, "-C", app, "run"], output: .discarded)
      let store = PackageStore(directory: "\(directory)/store")
      let package = try await store.publish(app: "shop", version: "1", archive: file)
      let server = Server(host: "a", address: "127.0.0.1", port: 1, directory: "\(directory)/a")
      var order = order(package)
      _ = try await host.download(package.reference, from: store, to: server, under: token(1))
      try await host.install(order, on: server, under: token(1))
      let first = try pid(server)
      try await eventually("it has set its trap") { await host.appLog(of: server, lines: 1) == "up" }
      order.scriptTimeout = .seconds(2)
      try await host.install(order, on: server, under: token(2))
      #expect(try pid(server) != first)
      let number = try #require(Int32(first.split(whereSeparator: \.isWhitespace)[0]))
      try await eventually("the first is gone, with its children") { kill(-number, 0) != 0 }
      let second = try #require(Int32(pid(server).split(whereSeparator: \.isWhitespace)[0]))
      kill(-second, SIGKILL)
    }
  }

  @Test func aDirectoryThatLeadsElsewhereIsRefused() async throws {
    for directory in ["relative/path", "/tmp/../etc"] {
      let server = Server(host: "a", address: "127.0.0.1", port: 1, directory: directory)
      #expect(try await failure { try await host.admit(token(1), to: server) }.code == .input)
    }
  }

  @Test func aScriptThatChangedUnderTheSameReleaseIsRefused() async throws {
    try await withServer { fleet, server in
      let package = try await fleet.publish("1")
      _ = try await host.download(package.reference, from: fleet.packages, to: server, under: token(1))
      var frozen = order(package)
      let group = Group(name: "shop", app: "shop", servers: [server], scripts: frozen.scripts)
      let digest = try ReleaseDigest(package: package.reference, group: group)
      frozen.frozen = digest
      try await host.install(frozen, on: server, under: token(1))
      let running = try pid(server)

      // The script that comes is not the one that was frozen.
      var changed = frozen
      changed.scripts["start"] = "#!/bin/sh\nexit 0\n"
      let given = ReleaseDigest.of(scripts: changed.scripts)
      let refused = try await failure { try await host.install(changed, on: server, under: token(2)) }
      #expect(refused.code == .checksum && !refused.mayPass)
      #expect(refused.message.contains("frozen as \(digest.scripts), this is \(given)"))

      // It was frozen once more, under the same number.
      var again = group
      again.scripts = changed.scripts
      let other = try ReleaseDigest(package: package.reference, group: again)
      changed.frozen = other
      let same = try await failure { try await host.install(changed, on: server, under: token(3)) }
      #expect(same.code == .checksum)
      #expect(same.message.contains("frozen as \(digest.atHost), this is \(other.atHost)"))
      #expect(try pid(server) == running)

      // Another list of servers is no other release; another deployment is.
      frozen.frozen = try digest.revised([])
      #expect(frozen.frozen?.whole != digest.whole)
      try await host.install(frozen, on: server, under: token(4))
      again.scripts["stop"] = "#!/bin/sh\n# mine\n" + (frozen.scripts["stop"] ?? "")
      var next = order(package, scripts: again.scripts.filter { $0.key == "stop" })
      next.frozen = try ReleaseDigest(
        package: package.reference,
        group: Group(name: "shop", app: "shop", servers: [server], scripts: next.scripts))
      try await host.install(next, on: server, under: token(1, deployment: 2))
    }
  }

  @Test func whatWasReplacedLatelyStaysForItsTime() async throws {
    try await withServer { fleet, server in
      for number in 1...5 {
        let package = try await fleet.publish("\(number)")
        _ = try await host.download(package.reference, from: fleet.packages, to: server, under: token(number))
        var order = order(package, keep: 2)
        order.keepFor = number < 5 ? .seconds(3_600) : .milliseconds(1)
        try await host.install(order, on: server, under: token(number))
        #expect(try versions(server) == (number < 5 ? (1...number).map { "\($0)" } : ["4", "5"]))
      }
    }
  }

  @Test func scriptsRunOnTheVersionThatRuns() async throws {
    try await withServer { fleet, server in
      let package = try await fleet.publish("1")
      _ = try await host.download(package.reference, from: fleet.packages, to: server, under: token(1))
      try await host.install(order(package), on: server, under: token(1))
      let before = try pid(server)
      let own = ["say": "#!/bin/sh\necho first\necho \"$DRAWBAR_VERSION $# $1\"\n"]
      let run = RunOrder(script: "say", arguments: ["a b; exit 9"], install: order(package, scripts: own))
      #expect(try await host.run(run, on: server, under: token(2)) == "1 1 a b; exit 9")
      #expect(try pid(server) == before)
      let restart = RunOrder(script: "restart", arguments: [], install: order(package))
      _ = try await host.run(restart, on: server, under: token(3))
      #expect(try pid(server) != before)
      try await runs("1", fleet)
      let absent = RunOrder(script: "absent", arguments: [], install: order(package))
      #expect(
        try await failure { _ = try await host.run(absent, on: server, under: token(4)) }.code == .input)
      #expect(try await failure { _ = try await host.run(run, on: server, under: token(1)) }.code == .fenced)
    }
  }

  @Test func whatIsInstalledIsToldByItsDigest() async throws {
    try await withServer { fleet, server in
      #expect(try await host.inspect(server).version == nil)
      let package = try await fleet.publish("1")
      _ = try await host.download(package.reference, from: fleet.packages, to: server, under: token(1))
      try await host.install(order(package), on: server, under: token(1))
      var seen = try await host.inspect(server)
      #expect(seen.version == "1")
      #expect(seen.sha256 == package.sha256)
      try write("by hand", to: "\(server.directory)/versions/1/extra")
      seen = try await host.inspect(server)
      #expect(seen.version == "1")
      #expect(seen.sha256 != package.sha256)
    }
  }
}
