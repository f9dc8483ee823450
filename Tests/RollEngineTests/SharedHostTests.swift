import Fleet
import RollEngine
import Rollout
import TestSupport
import Testing

/// Groups whose servers share machines.
@Suite(.timeLimit(.minutes(2))) struct SharedHostTests {
  @Test func groupsThatShareAHostNeverInstallThereAtOnce() async throws {
    var config = DeploymentConfig.automatic
    config.bastion = false
    try await Stand.run(servers: 2, config: config) { stand in
      // `api` and `web` share web-01; `solo` has web-02 for itself.
      for (name, server) in [("api", 0), ("solo", 1)] {
        var other = stand.group
        (other.name, other.servers) = (name, [stand.group.servers[server]])
        try await stand.store.apply(other)
      }
      var web = stand.group
      web.servers.removeLast()
      try await stand.store.apply(web)
      stand.fleet.change { $0.gates = [.install] }
      // Both are planned before either takes its server out of the balancer that they share here.
      for (group, version) in [("web", "2"), ("api", "3")] {
        try await stand.releases.create(group: group, version: version, by: "ann")
      }
      for id in ["web-1", "api-1"] { try await stand.releases.act(id, .start, by: "ann") }
      try await eventually("both have downloaded") {
        stand.fleet.host("web-01").done[.download] == 2
      }
      // What is submitted later and shares nothing gets its turn: so the other would have had it, too.
      try await stand.releases.create(
        group: "solo", version: "2", options: ReleaseOptions(start: true), by: "ann")
      try await eventually("the other host installs") {
        stand.fleet.host("web-02").begun[.install] == 1
      }
      #expect(stand.fleet.host("web-01").begun[.install] == 1)
      stand.fleet.change { $0.gates = [] }
      for id in ["web-1", "api-1", "solo-1"] { try await stand.follow(id, to: .success) }
      #expect(stand.fleet.host("web-01").begun[.install] == 2)
    }
  }

  @Test(
    arguments: [
      ("10.0.0.1", nil, "10.0.0.1"), ("127.0.0.1", nil, "web-1"), ("::1", nil, "web-1"),
      ("10.0.0.1", "rack-7", "rack-7"),
    ] as [(String, String?, String)])
  func whatTellsMachinesApart(_ address: String, _ machine: String?, _ place: String) {
    let server = Server(host: "web-1", address: address, port: 1, directory: "/srv", machine: machine)
    #expect(server.place == place)
  }
}
