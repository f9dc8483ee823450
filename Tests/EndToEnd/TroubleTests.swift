import Delivery
import DemoFleet
import Fleet
import Foundation
import Glibc
import RedisServer
import RollEngine
import Rollout
import TestSupport
import Testing

/// Releases through trouble with servers, disks and the queue's Redis. No request may fail through any of it: one healthy
/// server is always left, and the balancer is up.
@Suite(.serialized) struct TroubleTests {
  private func release(_ site: Site) async throws -> String {
    try await site.releases.create(
      group: DemoFleet.app, version: "2", options: ReleaseOptions(start: true), by: "test"
    ).id
  }

  private func end(_ site: Site, _ programs: [ChildProgram]) async throws {
    #expect(site.failures(besides: "") == [])
    for program in programs { _ = try await site.terminate(program) }
  }

  @Test func serversThatAreKilledAreBroughtBackByTheRelease() async throws {
    try await Site.open(servers: 8, config: .brisk) { site in
      let programs = try [site.worker(), site.coordinator()]
      var witness = Witness()
      let id = try await release(site)
      _ = try await site.follow(id, &witness, until: { $0.hasReached(.install, rollingBatch: 1) })
      let waiting = try #require(
        try await site.releases.look(id).deployment.rollingBatches.last?.targets.last?.host)
      try site.signal(SIGKILL, to: waiting)
      let end = try await site.end(of: id, &witness)
      #expect(end.deployment.state == .success, "\(end.deployment.log)")
      let states = try await Balancers().balancer(.haproxy(site.fleet.endpoint)).servers()
      #expect(states.values.filter(\.isInService).count == 8)
      #expect(Set(try await site.fleet.runningVersions().values) == ["2"])
      try await self.end(site, programs)
    }
  }

  @Test func aPortThatIsTakenFailsItsServerAlone() async throws {
    try await Site.open(servers: 8, config: .brisk) { site in
      let programs = try [site.worker(), site.coordinator()]
      var witness = Witness()
      let victim = site.fleet.servers[6]
      try site.signal(SIGKILL, to: victim.host)
      let balancer = Balancers().balancer(.haproxy(site.fleet.endpoint))
      try await eventually("it is seen to be down", within: .seconds(60)) {
        try await balancer.server(victim.host).state == .down
      }
      let taken = try Taken(victim)
      let id = try await release(site)
      let failed = try await site.end(of: id, &witness)
      #expect(failed.deployment.state == .failure, "\(failed.deployment.log)")
      #expect(failed.deployment.targets.filter(\.state.isFailure).map(\.host) == [victim.host])
      #expect(failed.deployment.targets.count { $0.state.isGood } == 7)
      taken.free()
      try await site.releases.act(id, .retry, by: "test")
      #expect(try await site.end(of: id, &witness).deployment.state == .success)
      try await end(site, programs)
    }
  }

  @Test(.enabled(if: Tmpfs.isPermitted, "a tmpfs can't be mounted here: this needs root"))
  func aFullDiskFailsItsServerAlone() async throws {
    try await Site.open(servers: 8, config: .brisk) { site in
      let programs = try [site.worker(), site.coordinator()]
      var witness = Witness()
      let victim = site.fleet.servers[4]
      let disk = try Tmpfs(full: victim.directory + "/versions")
      defer { disk.unmount() }
      let id = try await release(site)
      let failed = try await site.end(of: id, &witness)
      #expect(failed.deployment.state == .failure, "\(failed.deployment.log)")
      let target = try #require(failed.deployment.targets.first { $0.state.isFailure })
      #expect(target.host == victim.host)
      #expect(target.state == .failed(.download))
      #expect(target.failure?.code == .unreachable)
      #expect(target.failure?.message.contains("No space left") == true, "\(target.failure?.message ?? "")")
      // It was not stopped, and stays out.
      #expect(try await site.fleet.runningVersions()[victim.host] == "1")
      disk.unmount()
      try await site.releases.act(id, .retry, by: "test")
      #expect(try await site.end(of: id, &witness).deployment.state == .success)
      try await end(site, programs)
    }
  }

  @Test func aHealthCheckThatHangsFailsItsServerAlone() async throws {
    var config = DeploymentConfig.brisk
    config.startupTimeout = 4_000
    try await Site.open(servers: 8, config: config) { site in
      let programs = try [site.worker(), site.coordinator()]
      var witness = Witness()
      let id = try await release(site)
      var victim = ""
      _ = try await site.follow(id, &witness) { view in
        victim =
          view.deployment.rollingBatches.flatMap(\.targets).first { $0.state == .running(.verify) }?.host
          ?? ""
        return !victim.isEmpty
      }
      try #require(!victim.isEmpty)
      try site.signal(SIGSTOP, to: victim)
      let failed = try await site.end(of: id, &witness)
      // It may have proven itself an instant before it hung.
      if failed.deployment.state == .failure {
        let target = try #require(failed.deployment.targets.first { $0.state.isFailure })
        #expect(target.host == victim)
        #expect(target.failure?.code == .timeout)
        try site.signal(SIGCONT, to: victim)
        try await site.releases.act(id, .retry, by: "test")
        #expect(try await site.end(of: id, &witness).deployment.state == .success)
      } else {
        try site.signal(SIGCONT, to: victim)
      }
      #expect(site.failures(besides: "") == [])
      try await end(site, programs)
    }
  }

  @Test(arguments: [Stage.install, .markup])
  func theQueuesRedisIsRestarted(_ stage: Stage) async throws {
    try await Site.open(servers: 8, config: .brisk) { site in
      let programs = try [site.worker(), site.coordinator()]
      var witness = Witness()
      let id = try await release(site)
      _ = try await site.follow(id, &witness, until: { $0.hasReached(stage, rollingBatch: 1) })
      try await site.server.restart()
      try await eventually("it answers", within: .seconds(60)) { (try? await site.releases.look(id)) != nil }
      let end = try await site.end(of: id, &witness)
      #expect(end.deployment.state == .success, "\(end.deployment.log)")
      try await site.expectAllInService(on: "2", after: end.deployment, witness)
      try await self.end(site, programs)
    }
  }
}

extension Site {
  /// Signals a server's app.
  func signal(_ number: Int32, to host: String) throws {
    let server = fleet.servers.first { $0.host == host }
    let text = try String(contentsOfFile: (server?.directory ?? "") + "/app.pid", encoding: .utf8)
    let group = text.split(whereSeparator: \.isWhitespace).first.flatMap { pid_t($0) } ?? 0
    guard group > 1 else { throw NotInTime(what: "the process of \(host)", state: text) }
    _ = Glibc.kill(-group, number)
  }
}

/// A server's port, taken by somebody who doesn't answer there.
private struct Taken {
  private let file: Int32

  init(_ server: Server) throws {
    file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = in_port_t(server.port).bigEndian
    inet_pton(AF_INET, server.address, &name.sin_addr)
    let status = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else {
      throw NotInTime(what: "the port of \(server.host)", state: String(cString: strerror(errno)))
    }
  }

  func free() { close(file) }
}

/// A small file system of its own, without a byte to spare.
private final class Tmpfs: Sendable {
  private let path: String

  /// Mounts it over a directory, which is hidden meanwhile, with a copy of what was there.
  init(full path: String) throws {
    self.path = path
    let kept = path + ".kept"
    try FileManager.default.copyItem(atPath: path, toPath: kept)
    defer { try? FileManager.default.removeItem(atPath: kept) }
    guard mount("tmpfs", path, "tmpfs", 0, "size=64k,mode=755") == 0 else {
      throw NotInTime(what: "the tmpfs at \(path)", state: String(cString: strerror(errno)))
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: kept) {
      try FileManager.default.copyItem(atPath: kept + "/" + name, toPath: path + "/" + name)
    }
    let file = open(path + "/.filler", O_WRONLY | O_CREAT, 0o600)
    defer { close(file) }
    let page = [UInt8](repeating: 0, count: 4_096)
    while write(file, page, page.count) > 0 {}
  }

  func unmount() { umount2(path, Int32(MNT_DETACH)) }

  static let isPermitted: Bool = {
    let path = NSTemporaryDirectory() + "tmpfs-\(UInt32.random(in: 0 ... .max))"
    guard mkdir(path, 0o700) == 0 else { return false }
    defer { rmdir(path) }
    guard mount("tmpfs", path, "tmpfs", 0, "size=4k") == 0 else { return false }
    umount2(path, Int32(MNT_DETACH))
    return true
  }()
}
