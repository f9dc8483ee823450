import Rollout
import Testing

/// One server pulled out, or in, beside any release.
@Suite struct ServerActionTests {
  private func server(
    flags: [PullOutFlag: String] = [:], live: Set<String> = ["a", "b"], release: Bool = false,
    version: String = "2", underWay: String? = nil
  ) -> ServerStanding {
    ServerStanding(
      host: "a", flags: flags, outByRelease: release, version: version, wanted: "2", underWay: underWay,
      balancer: .inService(live))
  }

  private func done(_ server: ServerStanding, _ action: ServerAction) throws -> [ServerEffect] {
    try decide(server, action, by: "bob", reason: "disk")
  }

  private func refused(_ server: ServerStanding, _ action: ServerAction, _ part: String) {
    let refusal = #expect(throws: ServerRefusal.self) { try done(server, action) }
    #expect(refusal?.reason.contains(part) == true, "\(refusal?.description ?? "")")
    #expect(refusal?.allowed == server.allowed)
    #expect(refusal?.description.contains("allowed now") == true)
  }

  @Test func aPullOutIsFlaggedToldAndTakenOut() throws {
    #expect(
      try done(server(), .pullOut()) == [
        .set(.operator, by: "bob", reason: "disk"), .tell(what: "pull-out", by: "bob", reason: "a: disk"),
        .run([.markdown]),
      ])
  }

  @Test func whatIsOutAlreadyOrWorkedOnIsOnlyFlagged() throws {
    for server in [server(live: ["b", "c"]), server(underWay: "web-7")] {
      let effects = try done(server, .pullOut(.fault))
      #expect(effects.first == .set(.fault, by: "bob", reason: "disk") && effects.count == 2)
    }
  }

  @Test func tooFewInService() throws {
    refused(server(live: ["a"]), .pullOut(), "1 are in service and 1 must stay")
    #expect(try done(server(live: ["a"]), .pullOut(anyway: true)).last == .run([.markdown]))
    var blind = server()
    blind.balancer = .unreachable("no answer")
    refused(blind, .pullOut(), "could not be asked")
    #expect(try done(blind, .pullOut(anyway: true)).count == 3)
    blind.balancer = .none
    #expect(try done(blind, .pullOut()).count == 3)
  }

  @Test func twiceIsRefusedByFlag() throws {
    let out = server(flags: [.operator: "ann: tests"], live: ["b", "c"])
    refused(out, .pullOut(), "ann: tests")
    #expect(try done(out, .pullOut(.fault)).count == 2)
    refused(server(flags: [.operator: "x", .fault: "y"]), .pullOut(.fault), "y")
    #expect(server(flags: [.operator: "x", .fault: "y"]).allowed == [.pullIn])
  }

  @Test func aPullInProvesItselfFirst() throws {
    let out = server(flags: [.operator: "ann: tests"], live: ["b"])
    #expect(
      try done(out, .pullIn()) == [
        .clear(.operator), .tell(what: "pull-in", by: "bob", reason: "a: disk"), .run([.verify, .markup]),
      ])
    refused(server(), .pullIn(), "not pulled out")
    refused(server(release: true), .pullIn(), "a release left it out")
    refused(out, .pullIn(.fault), "doesn't carry the flag fault, but operator")
  }

  @Test func itStaysOutWhereSomethingElseKeepsItOut() throws {
    let two = server(flags: [.operator: "x", .fault: "y"], live: ["b"], version: "1")
    #expect(try done(two, .pullIn()).count == 2)
    #expect(try done(server(flags: [.fault: "y"], live: [], release: true), .pullIn(.fault)).count == 2)
    #expect(try done(server(flags: [.fault: "y"], live: [], underWay: "web-7"), .pullIn(.fault)).count == 2)
  }

  @Test func yesterdaysVersionDoesNotComeBack() throws {
    let old = server(flags: [.operator: "ann: tests"], live: ["b"], version: "1")
    refused(old, .pullIn(), "it runs 1 and its group 2")
    #expect(try done(old, .pullIn(anyway: true)).last == .run([.verify, .markup]))
  }

  @Test func eachTakesAReason() {
    for reason in [nil, "", " "] {
      #expect(throws: ServerRefusal.self) { try decide(server(), .pullOut(), by: "bob", reason: reason) }
    }
  }

  /// What was done beside a deployment stands in its record, and what follows from it follows.
  @Test func aDeploymentIsTold() throws {
    var world = World(try deployment(12, .automatic()))
    world.fate = { host, stage, _ in
      ["web-02", "web-07"].contains(host) && stage == .verify ? .fails(.script) : .works
    }
    try world.act(.start)
    try world.run()
    world.hosts["web-02"]?.flag = "operator: bob"
    let decision = try decide(
      world.deployment, .told(what: "pull-out", by: "bob", reason: "web-02: disk"), world.situation)
    #expect(
      decision.deployment.log.contains { $0.what == "pull-out" && $0.by == "bob" && $0.why == "web-02: disk" }
    )
    #expect(decision.deployment.targets.first { $0.host == "web-02" }?.state == .excluded)
    #expect(decision.deployment.state == .braked)
  }
}
