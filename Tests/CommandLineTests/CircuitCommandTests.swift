import Circuits
import Fleet
import Logging
import RedisClient
import Rollout
import Subprocess
import Testing

/// A circuit that some process has open is told by every command.
@Suite struct CircuitCommandTests {
  @Test(.timeLimit(.minutes(2))) func everyCommandSaysWhatIsNotAsked() async throws {
    try await Program.with { drawbar in
      let ended = try await drawbar.whileUp {
        #expect(try await drawbar("degrade", "ls").out == "Nothing is left out.\n")
        let redis = RedisClient(
          RedisConfiguration(.unix(path: "\(drawbar.state)/redis/redis.sock")), logger: Logger(label: "test"))
        let fleet = FleetStore(redis: redis)
        let open = OpenCircuit(
          system: .loadBalancer, endpoint: "/run/haproxy.sock", openFor: .seconds(90), triedAgainIn: .zero,
          why: "5 failures in a row")
        for (id, name) in [("1", "drawbar-worker"), ("2", "drawbar-coordinator")] {
          try await fleet.report(
            [open], of: .init(name: name, host: "rack-7", pid: 4_711), id: id, for: .seconds(60))
        }
        await redis.close()
        let listed = try await drawbar("degrade", "ls")
        #expect(
          listed.err
            == "OPEN CIRCUIT: loadBalancer at /run/haproxy.sock is not asked, says drawbar-worker 4711 on rack-7 and 1 more:"
            + " 5 failures in a row\n", "\(listed.err)")
        let line = listed.out.split(separator: "\n").last.map(String.init) ?? ""
        for word in ["loadBalancer", "/run/haproxy.sock", "1m3", "drawbar-worker 4711 on rack-7 and 1 more"] {
          #expect(line.contains(word), "\(listed.out)")
        }
        #expect(try await drawbar("deployments").err.contains("OPEN CIRCUIT: loadBalancer"))
        let json = try await drawbar("degrade", "ls", "--json").out.split(separator: "\n")
        #expect(json.count == 2)
        #expect(json[0].hasPrefix(#"{"circuit":{"#) && json[0].contains(#""endpoint":"/run/haproxy.sock""#))
      }
      #expect(ended.isSuccess)
    }
  }
}
