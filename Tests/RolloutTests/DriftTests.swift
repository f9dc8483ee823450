import Rollout
import Testing

@Suite struct DriftTests {
  private static let package = PackageVersion(app: "shop", version: "2", sha256: "aa")

  private func intent(_ host: String, inService: Bool? = true, flags: Set<String> = []) -> ServerIntent {
    ServerIntent(host: host, package: Self.package, inService: inService, flags: flags)
  }

  private func state(
    _ host: String, version: String? = "2", sha256: String? = "aa", inService: Bool? = true,
    flags: Set<String> = []
  ) -> ServerState {
    ServerState(host: host, version: version, sha256: sha256, inService: inService, flags: flags)
  }

  @Test func nothingDiffers() {
    #expect(drift(should: [intent("a"), intent("b")], is: [state("b"), state("a")]).isEmpty)
    #expect(drift(should: [intent("a", inService: nil)], is: [state("a", sha256: nil)]).isEmpty)
  }

  /// What is found → the differences.
  @Test(
    arguments: [
      (ServerState(host: "a", version: "1", inService: true), [.version(should: "2", is: "1")]),
      (ServerState(host: "a", inService: true), [.version(should: "2", is: nil)]),
      (
        ServerState(host: "a", version: "2", sha256: "bb", inService: true),
        [.checksum(should: "aa", is: "bb")]
      ),
      (ServerState(host: "a", version: "2", inService: false), [.inService(should: true)]),
      (ServerState(host: "a", unreachable: "timeout", inService: true), [.unreachable("timeout")]),
      (
        ServerState(host: "a", version: "1", inService: false, flags: ["fault"]),
        [.version(should: "2", is: "1"), .inService(should: true), .flagUnknown("fault")]
      ),
      (
        ServerState(host: "b", version: "2", inService: true),
        [.unreachable("nobody has found it"), .stray]
      ),
    ] as [(ServerState, [Difference])])
  func differences(state: ServerState, differences: [Difference]) {
    let found = drift(should: [intent("a")], is: [state])
    #expect(found.flatMap(\.differences) == differences)
    #expect(found.map(\.host) == found.map(\.host).sorted())
    for difference in differences { #expect(!difference.description.isEmpty) }
  }

  @Test func flagsAndServersThatShouldBeOut() {
    let found = drift(
      should: [intent("a", inService: false, flags: ["operator"])], is: [state("a")])
    #expect(found == [Drift(host: "a", differences: [.inService(should: false), .flagMissing("operator")])])
  }

  @Test func healingGoesInBatchesUnderTheBrakeAndLeavesTheRestToPeople() throws {
    let servers = fleet(8)
    let found = drift(
      should: servers.map { intent($0.host, inService: $0.host != "web-06") },
      is: [
        state("web-01", version: "1"), state("web-02", sha256: "bb"), state("web-03", inService: false),
        state("web-04"), ServerState(host: "web-05", unreachable: "gone"), state("web-06"),
        state("web-07", version: "1", flags: ["fault"]), state("web-08", version: "1"), state("web-99"),
      ])
    let heal = try makeHealPlan(
      found, servers: servers, config: .automatic(ratio: 50), production: true)
    #expect(
      heal.plan.batches.flatMap { $0.targets.map(\.host) }.sorted() == [
        "web-01", "web-02", "web-03", "web-07", "web-08",
      ])
    #expect(heal.plan.batches.map(\.targets.count) == [2, 2, 1])
    #expect(heal.plan.numbers.limit == 2)
    #expect(heal.toPullOut == ["web-06"])
    #expect(heal.forPeople.map(\.host) == ["web-05", "web-07", "web-99"])
    // A wrong digest is released although the version is right; the others are asked first.
    var world = World(deployment(heal.plan, kind: .heal))
    try world.act(.start)
    let renewed = world.deployment.targets.filter(\.renew).map(\.host)
    #expect(renewed == ["web-02"])
    try world.run()
    #expect(world.deployment.state == .success)
  }

  @Test func whatMustBeRenewedIsNotAsked() throws {
    let found = drift(should: [intent("web-01")], is: [state("web-01", sha256: "bb")])
    let plan = try makeHealPlan(
      found, servers: fleet(1), config: .automatic(), production: true
    ).plan
    var world = World(deployment(plan, kind: .heal))
    try world.act(.start)
    let decision = try decide(
      deployment(plan, kind: .heal), .action(.start, by: "ann", reason: nil), world.situation)
    let runs = decision.effects.compactMap { if case .run(let work) = $0 { work.runs } else { nil } }
    #expect(runs.first?.first?.mayBeSkipped == false)
  }

  @Test func nothingForAReleaseToMendIsRefused() {
    let found = drift(should: [intent("web-01")], is: [ServerState(host: "web-01", unreachable: "gone")])
    #expect(throws: PlanRefusal.nothingToDo("nothing that drifted is for a release to mend")) {
      try makeHealPlan(found, servers: fleet(2), config: .automatic(), production: true)
    }
  }
}
