import RollEngine
import Rollout
import TaskQueue
import Testing

/// The durable record of what happened to a deployment.
@Suite(.timeLimit(.minutes(2))) struct EventLogTests {
  @Test func aDeploymentIsMadeOfItsEventsAgain() async throws {
    try await Stand.run(servers: 12, workers: 2, coordinators: 3) { stand in
      stand.fleet.change {
        $0.failing = [
          .init(version: "2", stage: .verify, host: "web-02"),
          .init(version: "2", stage: .verify, host: "web-07"),
        ]
      }
      try await stand.releases.create(
        group: "web", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await stand.follow("web-1", to: .braked)
      let braked = try #require(try await stand.releases.replay("web-1"))
      let revision = try #require(try await stand.releases.events(of: "web-1").last?.revision)
      stand.fleet.change { $0.failing = [] }
      try await stand.releases.act("web-1", .retry, by: "bob", reason: "mended")
      let end = try await stand.follow("web-1", to: .success)

      #expect(try await stand.releases.replay("web-1") == end.deployment)
      // Any moment of it can be looked at again.
      #expect(try await stand.releases.replay("web-1", revision: revision) == braked)
      #expect(braked.state == .braked)
      let entries = try await stand.releases.events(of: "web-1")
      #expect(entries.map(\.revision) == Array(1...entries.count))
      #expect(entries.map(\.at) == entries.map(\.at).sorted())
      #expect(
        try await stand.releases.events(of: "web-1", after: revision) == Array(entries.dropFirst(revision)))
      let created = try #require(try await stand.releases.replay("web-1", revision: 1))
      #expect(created.startRequested && created.log.first?.what == "create")
      #expect(try await stand.releases.replay("web-1", at: 0) == nil)
      await #expect(throws: ReleaseError.unknownDeployment("web-9")) {
        try await stand.releases.events(of: "web-9")
      }
    }
  }

  /// One with more changes than one record holds.
  @Test func longOnesAreKeptInSlices() async throws {
    try await Stand.run(servers: 2, workers: 0, coordinators: 0) { stand in
      try await stand.releases.create(group: "web", version: "2", by: "ann")
      for round in 0..<300 {
        try await stand.releases.act("web-1", .brake, by: "ann", reason: "round \(round)")
        try await stand.releases.act("web-1", .resume(override: nil), by: "ann")
      }
      let entries = try await stand.releases.events(of: "web-1")
      #expect(entries.map(\.revision) == Array(1...601))
      var sizes: [Int] = []
      for slice in 0..<3 {
        sizes.append(try await stand.queue.record(RecordID("events/web-1/\(slice)")).fields.count)
      }
      #expect(sizes == [256, 256, 89])
      #expect(try await stand.releases.events(of: "web-1", after: 600).map(\.revision) == [601])
      #expect(try await stand.releases.replay("web-1") == stand.releases.look("web-1").deployment)
    }
  }
}
