import Rollout
import Testing

@Suite struct DegradationTests {
  private func thrown(_ systems: [Degradation.System] = Degradation.System.allCases) throws -> Degradation {
    var degradation = Degradation()
    try degradation.degrade(systems, by: "ann", reason: "the rack burns", now: 1_000, for: 500)
    return degradation
  }

  @Test func aSwitchHoldsUntilItsExpiry() throws {
    let degradation = try thrown([.loadBalancer])
    #expect(degradation.inForce(.loadBalancer, at: 999) == nil)
    #expect(degradation.inForce(.loadBalancer, at: 1_000)?.by == "ann")
    #expect(degradation.inForce(.loadBalancer, at: 1_499) != nil)
    #expect(degradation.inForce(.loadBalancer, at: 1_500) == nil)
    #expect(degradation.inForce(.cmdb, at: 1_200) == nil)
    #expect(degradation.nextExpiry(after: 1_200) == 1_500)
    #expect(degradation.nextExpiry(after: 1_500) == nil)
  }

  @Test func everybodySeesWhoThrewWhatAndWhy() throws {
    let degradation = try thrown()
    #expect(degradation.banners(at: 1_100).count == 4)
    #expect(degradation.banners(at: 1_100)[0] == "DEGRADED: loadBalancer is left out, by ann: the rack burns")
    #expect(degradation.banners(at: 1_500).isEmpty)
  }

  @Test func throwingAgainReplacesAndRestoringEnds() throws {
    var degradation = try thrown()
    try degradation.degrade([.cmdb], by: "bob", reason: "slow", now: 1_100, for: 1_000)
    #expect(degradation.switches.map(\.system) == Degradation.System.allCases)
    #expect(degradation.inForce(.cmdb, at: 1_900)?.by == "bob")
    degradation.restore([.cmdb])
    #expect(degradation.inForce(.cmdb, at: 1_200) == nil)
    #expect(degradation.inForce(.origin, at: 1_200) != nil)
  }

  @Test func aSwitchTakesAReasonAndAnExpiry() {
    var degradation = Degradation()
    for reason in ["", "  "] {
      #expect(throws: Degradation.Refusal.noReason) {
        try degradation.degrade(by: "ann", reason: reason, now: 0, for: 1)
      }
    }
    for duration: Milliseconds in [0, -1, Degradation.longest + 1] {
      #expect(throws: Degradation.Refusal.expiry(duration)) {
        try degradation.degrade(by: "ann", reason: "because", now: 0, for: duration)
      }
    }
    #expect(degradation == Degradation())
  }

  /// A batch that goes out without the second gate says so in the record.
  @Test func theRecordSaysThatABatchWentOutUngated() throws {
    var world = World(try deployment(8, .automatic(bastion: false)))
    try world.degrade()
    try world.act(.start)
    #expect(world.deployment.log.contains { $0.what == "degraded" && $0.why?.contains("bob") == true })
  }
}
