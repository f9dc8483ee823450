import DemoFleet
import Rollout
import TestSupport
import Testing

@testable import Delivery

/// The checks that watch a group after its release.
@Suite struct CheckProbeTests {
  private func made(_ probe: Check.Probe, timeout: Int64 = 5_000) async throws -> String? {
    try await CheckProbe().make(Check(name: "c", probe: probe, timeout: timeout))
  }

  @Test func commandsPassByTheirStatus() async throws {
    #expect(try await made(.command(["true"])) == nil)
    #expect(try await made(.command(["test", "a b", "=", "a b"])) == nil)
    let failed = try #require(try await made(.command(["sh", "-c", "echo one >&2; echo two >&2; exit 4"])))
    #expect(failed.contains("4") && failed.hasSuffix(": two"))
    #expect(try await made(.command(["/no/such/program"])) != nil)
    #expect(try await made(.command(["sleep", "30"]), timeout: 100) == "no answer within 100 ms")
  }

  @Test func urlsPassByTheirStatus() async throws {
    try await withDirectory { directory in
      try await DemoFleet.run(in: directory, size: 1) { fleet in
        try await eventually("it is up") { try await fleet.get("health") == 200 }
        #expect(try await made(.health(url: fleet.url + "health")) == nil)
        #expect(try await made(.health(url: fleet.url + "nothing")) == "status 404")
        #expect(try await made(.health(url: fleet.url + "slow/20000"), timeout: 200) != nil)
        let answer = try await made(.prometheus(url: fleet.url, query: "up", atLeast: 1))
        #expect(answer == "Prometheus answered with status 404")
      }
    }
    #expect(try await made(.health(url: "http://127.0.0.1:1/")) != nil)
  }

  private static func vector(_ values: [String]) -> String {
    let samples = values.map { #"{"metric":{"a":"b"},"value":[1795255402.1,"\#($0)"]}"# }
    return
      #"{"status":"success","data":{"resultType":"vector","result":[\#(samples.joined(separator: ","))]}}"#
  }

  @Test(
    arguments: [
      (vector(["0.4"]), nil), (vector(["0.4", "0.6"]), "0.6 is more than 0.5"),
      (vector(["0.05"]), "0.05 is less than 0.1"), (vector([]), "the query found no value"),
      (vector(["NaN"]), "the query's value is NaN"), (vector(["+Inf"]), "+Inf is more than 0.5"),
      (#"{"status":"success","data":{"resultType":"scalar","result":[1,"0.2"]}}"#, nil),
    ] as [(String, String?)])
  func everyValueMustLieWithinTheBounds(body: String, verdict: String?) throws {
    #expect(try CheckProbe.verdict(Array(body.utf8), atLeast: 0.1, atMost: 0.5) == verdict)
  }

  @Test(arguments: ["", "{}", #"{"status":"error","error":"parse error"}"#])
  func whatIsNoAnswerIsAnError(body: String) {
    #expect(throws: (any Error).self) {
      try CheckProbe.verdict(Array(body.utf8), atLeast: nil, atMost: 1)
    }
  }
}
