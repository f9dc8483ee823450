import Fleet
import Foundation
import Rollout
import TestSupport
import Testing

@testable import RollEngine

/// Releases of versions that the package store lacks and the group's origin has.
@Suite(.timeLimit(.minutes(2))) struct OriginReleaseTests {
  /// A `.tar.gz` with an executable `run`.
  private static let archive: [UInt8] = {
    let text = """
      H4sIAAAAAAAAA+3OMQrCQBAF0K09xYoHyCQYPI9Wpklgk9zf1UawUCyCCO81f5iZ4pd1TFuL6tT3j6xeM6LtnvN930Z3jJRj82bVOi/nknMq\
      07S8+/t0/1OHfXMZxma+7n7dBAAAAAAAAAAAgG/cAGWwDTAAKAAA
      """
    return Array(Data(base64Encoded: text) ?? Data())
  }()
  private static let sha256 = "5f5ce488a42c67e5cdb848f2e7676196abaa0043da2f85dc18b04da62709a569"

  private func withOrigin(_ body: @escaping @Sendable (Stand, HTTPServer) async throws -> Void) async throws {
    try await HTTPServer.run { server in
      server.answer { request in
        switch request.target {
        case "/9.tar.gz": HTTPServer.Answer(bytes: Self.archive)
        case "/9.tar.gz.sha256": HTTPServer.Answer("\(Self.sha256)  9.tar.gz\n")
        default: HTTPServer.Answer(status: 404)
        }
      }
      try await Stand.run(servers: 3) { stand in
        var group = stand.group
        group.packages = PackageOrigin(url: server.url)
        try await stand.store.apply(group)
        try await body(stand, server)
      }
    }
  }

  @Test func aVersionThatOnlyTheOriginHasIsReleased() async throws {
    try await withOrigin { stand, server in
      let releases = stand.releases
      _ = try await releases.preview(group: "web", version: "9")
      let deployment = try await releases.create(
        group: "web", version: "9", options: ReleaseOptions(start: true), by: "ann")
      #expect(deployment.package.sha256 == Self.sha256)
      try await stand.follow("web-1", to: .success)
      #expect(stand.fleet.versions == ["9": 3])
      #expect(server.requests.count == 2)
      // What is in the store is not asked for.
      try await releases.create(group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-2", to: .success)
      #expect(server.requests.count == 2)
      let nowhere = await #expect(throws: ReleaseError.self) {
        try await releases.create(group: "web", version: "8", by: "ann")
      }
      #expect(
        "\(nowhere!)".contains("was never published, and http://127.0.0.1:\(server.port) has none either"))
    }
  }

  @Test func withTheSwitchThrownItIsRefusedInWordsThatSaySo() async throws {
    try await withOrigin { stand, server in
      try await stand.releases.degrade([.origin], for: 60_000, by: "ann", reason: "it is being moved")
      let refused = await #expect(throws: ReleaseError.self) {
        try await stand.releases.create(group: "web", version: "9", by: "ann")
      }
      #expect("\(refused!)".contains("origin is left out, by ann: it is being moved"))
      #expect(server.requests.isEmpty)
      try await stand.releases.restore([.origin], by: "ann")
      try await stand.releases.create(group: "web", version: "9", by: "ann")
    }
  }

  /// What ended well before may still be on the servers' disks: a way back doesn't wait for an origin.
  @Test func aRollbackGoesWhereItWouldHaveGoneAlsoWithoutTheOrigin() async throws {
    try await withOrigin { stand, server in
      let releases = stand.releases
      for (version, id) in [("9", "web-1"), ("2", "web-2")] {
        try await releases.create(
          group: "web", version: version, options: ReleaseOptions(start: true), by: "ann")
        try await stand.follow(id, to: .success)
      }
      try FileManager.default.removeItem(atPath: "\(stand.directory)/shop/9.json")
      server.answer(HTTPServer.Answer(status: 500))
      // Never released here, and not to be had: nobody holds it.
      let refused = await #expect(throws: ReleaseError.self) {
        try await releases.rollback("web-2", to: "7", by: "ann")
      }
      #expect("\(refused!)".contains("version 7 of shop is not in the package store, and can't be had from"))
      // What ran here before is known: the origin isn't asked, whatever it would say.
      server.answer(HTTPServer.Answer(status: 404))
      let asked = server.requests.count
      #expect(try await releases.wayBack(from: "web-2").to.version == "9")
      let rollback = try await releases.rollback("web-2", by: "ann")
      #expect(server.requests.count == asked)
      #expect(rollback.package.version == "9" && rollback.package.sha256 == Self.sha256)
      try await stand.follow("web-3", to: .success)
      #expect(stand.fleet.versions == ["9": 3])
    }
  }
}
