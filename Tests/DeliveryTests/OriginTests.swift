import Circuits
import Fleet
import FoundationEssentials
import Rollout
import Subprocess
import Synchronization
import TestSupport
import Testing

@testable import Delivery

/// Packages that the store lacks, from where they lie.
@Suite(.timeLimit(.minutes(2))) struct OriginTests {
  /// An origin at a server of the test's, and a store that has nothing.
  private final class Site: Sendable {
    let directory: String
    let server: HTTPServer
    let circuits = CircuitBreakers()
    private let off = Mutex<Degradation.Switch?>(nil)
    private let files = Mutex<[String: [UInt8]]>([:])

    var store: PackageStore { PackageStore(directory: "\(directory)/store") }

    init(_ directory: String, _ server: HTTPServer) {
      self.directory = directory
      self.server = server
      server.answer { [self] request in
        guard let file = self.files.withLock({ $0[request.target] }) else {
          return HTTPServer.Answer(status: 404)
        }
        return HTTPServer.Answer(bytes: file)
      }
    }

    func put(_ file: String, _ bytes: [UInt8]) { files.withLock { $0["/shop/" + file] = bytes } }
    func leaveOut(_ off: Degradation.Switch?) { self.off.withLock { $0 = off } }

    func origin(token: String? = nil, _ limits: OriginStore.Limits = .init()) -> OriginStore {
      OriginStore(
        store, origin: PackageOrigin(url: server.url + "/shop/", tokenFile: token), circuits: circuits,
        limits: limits
      ) { self.off.withLock { $0 } }
    }

    /// Puts a package with this program there, and its digest as `sha256sum` writes it.
    @discardableResult
    func publish(_ version: String, run program: String = "#!/bin/sh\n") async throws -> String {
      let folder = "\(directory)/src-\(version)"
      try write(program, to: "\(folder)/run", executable: true)
      let file = "\(directory)/\(version).tar.gz"
      _ = try await Subprocess.run(
        .name("tar"), arguments: ["czf", file, "-C", folder, "."], output: .discarded)
      put("\(version).tar.gz", Array(try Data(contentsOf: URL(filePath: file))))
      let sum = try await Subprocess.run(
        .name("sha256sum"), arguments: [file], output: .string(limit: 1_000))
      put("\(version).tar.gz.sha256", Array(sum.standardOutput.utf8))
      return String(sum.standardOutput.prefix(64))
    }
  }

  private func withSite(_ body: @escaping @Sendable (Site) async throws -> Void) async throws {
    try await HTTPServer.run { server in
      try await withDirectory { directory in try await body(Site(directory, server)) }
    }
  }

  private func refusal(_ store: OriginStore, _ version: String) async -> String {
    let error = await #expect(throws: PackageError.self) {
      try await store.locate(app: "shop", version: version)
    }
    return error.map { "\($0)" } ?? ""
  }

  @Test func whatIsLackingIsFetchedVerifiedAndPublished() async throws {
    try await withSite { site in
      let sha256 = try await site.publish("1.0+a")
      try write("s3cret\n", to: "\(site.directory)/token")
      let package = try await site.origin(token: "\(site.directory)/token").locate(
        app: "shop", version: "1.0+a")
      #expect(package.sha256 == sha256)
      #expect(try site.store.locate(app: "shop", version: "1.0+a") == package)
      #expect(site.server.requests.map(\.target) == ["/shop/1.0+a.tar.gz.sha256", "/shop/1.0+a.tar.gz"])
      #expect(site.server.requests.allSatisfy { $0.headers["Authorization"] == "Bearer s3cret" })
      // From now on it is there.
      #expect(try await site.origin().locate(app: "shop", version: "1.0+a") == package)
      #expect(site.server.requests.count == 2)
      #expect(
        try Disk.names(in: "\(site.directory)/store/shop").sorted() == [
          ".lock", "1.0+a.json", "1.0+a.tar.gz",
        ])
    }
  }

  /// As some servers say of every `.gz`.
  @Test func anArchiveThatIsCalledAnEncodingIsTakenAsItLies() async throws {
    try await withSite { site in
      let sha256 = try await site.publish("1")
      let archive = try Data(contentsOf: URL(filePath: "\(site.directory)/1.tar.gz"))
      site.server.answer { request in
        guard request.target.hasSuffix(".gz") else { return HTTPServer.Answer("\(sha256)  1.tar.gz\n") }
        return HTTPServer.Answer(bytes: Array(archive), headers: ["Content-Encoding": "gzip"])
      }
      #expect(try await site.origin().locate(app: "shop", version: "1").sha256 == sha256)
    }
  }

  /// Each with a store of its own, as other processes would have.
  @Test func manyAtOnceMakeOneDownload() async throws {
    try await withSite { site in
      try await site.publish("1")
      try await withThrowingTaskGroup { group in
        for _ in 0..<16 {
          group.addTask {
            let origin = OriginStore(
              PackageStore(directory: "\(site.directory)/store"),
              origin: PackageOrigin(url: site.server.url + "/shop"), circuits: CircuitBreakers()
            ) { nil }
            _ = try await origin.locate(app: "shop", version: "1")
          }
        }
        try await group.waitForAll()
      }
      #expect(site.server.requests.count == 2)
    }
  }

  @Test func whatIsNotWhatItShouldBeIsRefusedAndNothingIsPublished() async throws {
    try await withSite { site in
      let origin = site.origin()
      try await site.publish("1")
      let good = try await site.publish("2")
      site.put("1.tar.gz", Array("something else".utf8))
      #expect(await refusal(origin, "1").contains("1.tar.gz.sha256 says"))
      site.put("2.tar.gz.sha256", Array("\(good)  3.tar.gz\n".utf8))
      #expect(await refusal(origin, "2").contains("holds no digest of 2.tar.gz"))
      // A digest that fits, of something that is no package.
      site.put("3.tar.gz", Array("text".utf8))
      let text = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"
      site.put("3.tar.gz.sha256", Array("\(text)  3.tar.gz\n".utf8))
      let unfit = await refusal(origin, "3")
      #expect(unfit.contains("it is not a package"), "\(unfit)")
      #expect(unfit.contains("drawbar package push shop 3 FILE"))
      // Larger than what is fetched.
      var limits = OriginStore.Limits()
      limits.bytes = 20
      try await site.publish("4")
      #expect(await refusal(site.origin(limits), "4").contains("larger than 20 bytes"))
      // No digest, no package.
      try await site.publish("5")
      site.server.answer {
        $0.target.hasSuffix("256") ? HTTPServer.Answer(status: 404) : HTTPServer.Answer("x")
      }
      #expect(await refusal(origin, "5").contains("has none either"))
      #expect(try site.store.versions(app: "shop").isEmpty)
      #expect(try Disk.names(in: "\(site.directory)/store/shop").filter { $0 != ".lock" } == [])
      #expect(site.circuits.open == [])
    }
  }

  @Test func oneThatFailsIsLeftAloneAndTheSwitchIsNamed() async throws {
    try await withSite { site in
      site.server.answer(HTTPServer.Answer(status: 503))
      let origin = site.origin()
      for _ in 0..<5 { #expect(await refusal(origin, "1").contains("status 503")) }
      let refused = await refusal(origin, "1")
      #expect(refused.contains("the origin of packages at http://127.0.0.1"), "\(refused)")
      #expect(refused.contains("drawbar degrade --system origin"), "\(refused)")
      #expect(site.server.requests.count == 5)
      #expect(site.circuits.open.map(\.system) == [.origin])
    }
  }

  @Test func oneThatHangsIsNotWaitedForForEver() async throws {
    try await withSite { site in
      site.server.hold(true)
      var limits = OriginStore.Limits()
      limits.digestTime = .milliseconds(100)
      #expect(await refusal(site.origin(limits), "1").contains("not in the package store, and can't be had"))
      site.server.hold(false)
    }
  }

  @Test func withTheSwitchThrownTheLocalStoreIsAllThereIs() async throws {
    try await withSite { site in
      try await site.publish("1")
      var switches = Degradation()
      try switches.degrade([.origin], by: "ann", reason: "it is being moved", now: 0, for: 1_000)
      site.leaveOut(switches.inForce(.origin, at: 1))
      let refused = await refusal(site.origin(), "1")
      #expect(refused.contains("DEGRADED: origin is left out, by ann: it is being moved"), "\(refused)")
      #expect(refused.contains("drawbar degrade restore --system origin"))
      #expect(site.server.requests.isEmpty)
      site.leaveOut(nil)
      let package = try await site.origin().locate(app: "shop", version: "1")
      site.leaveOut(switches.inForce(.origin, at: 1))
      #expect(try await site.origin().locate(app: "shop", version: "1") == package)
    }
  }

  /// A worker on a machine whose store lacks it: for the digest that its deployment froze.
  @Test func aWorkerFetchesWhatItsStoreLacks() async throws {
    try await withSite { site in
      let sha256 = try await site.publish("1")
      let frozen = PackageVersion(app: "shop", version: "1", sha256: sha256, size: 1)
      let store = site.store.backed(by: site.origin())
      try await store.fetch(frozen, into: "\(site.directory)/copy")
      #expect(
        try await Disk.offloaded { try Disk.digest(of: "\(site.directory)/copy", flush: false) } == sha256)
      // What lies there now is another one than was frozen.
      try await site.publish("2", run: "#!/bin/sh\necho other\n")
      let other = PackageVersion(app: "shop", version: "2", sha256: sha256, size: 1)
      let changed = try await failure { try await store.fetch(other, into: "\(site.directory)/copy2") }
      #expect(changed.code == .checksum)
      let none = PackageVersion(app: "shop", version: "3", sha256: sha256, size: 1)
      #expect(
        try await failure { try await store.fetch(none, into: "\(site.directory)/copy3") }.message
          .contains("has none either"))
    }
  }

  @Test func aStageTakesTheOriginOfItsRelease() async throws {
    try await withSite { site in
      let sha256 = try await site.publish("1")
      var input = StageInput(
        deployment: "shop-1", number: 1, attempt: 1, group: "shop",
        server: Server(host: "a", address: "127.0.0.1", port: 1, directory: "\(site.directory)/a"),
        package: PackageVersion(app: "shop", version: "1", sha256: sha256, size: 1), health: HealthCheck(),
        balancer: .none, scripts: [:], rules: StageRules())
      let stages = Stages(Drivers(packages: site.store))
      let failed = try await failure { _ = try await stages.download(input, generation: 1) }
      #expect(failed.code == .unreachable)
      input.origin = PackageOrigin(url: site.server.url + "/shop")
      #expect(try await stages.download(input, generation: 1)?.contains("was fetched") == true)
      #expect(Disk.isExecutable("\(site.directory)/a/versions/1/run"))
    }
  }

  @Test func digestsAreReadAsSha256sumWritesThem() {
    let digest = String(repeating: "0a", count: 32)
    func read(_ text: String) -> String? { SHA256Sum.digest(of: "1.tar.gz", in: text) }
    for text in [
      "\(digest)  1.tar.gz\n", "\(digest) *1.tar.gz", "\(digest)  ./dist/1.tar.gz\n", "\(digest)\n",
      "\(digest)  -\n",
    ] {
      #expect(read(text) == digest, "\(text)")
    }
    #expect(read("\(digest.uppercased())  1.tar.gz") == digest)
    #expect(read(String(repeating: "1b", count: 32) + "  2.tar.gz\n\(digest)  1.tar.gz\n") == digest)
    for text in [
      "", "\n", "\(digest)  2.tar.gz", "\(digest.dropLast())  1.tar.gz", "\(digest)0  1.tar.gz",
      "\(digest) 1.tar.gz", "<html>", "\\\(digest)  1.tar.gz",
    ] {
      #expect(read(text) == nil, "\(text)")
    }
  }
}
