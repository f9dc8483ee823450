import FoundationEssentials
import Subprocess
import Testing

/// The demo, told by its own report. That no request fails it promises itself, on a machine that it has to itself;
/// here it shares one with every other test.
@Suite struct DemoTests {
  struct Report: Decodable {
    struct Phase: Decodable {
      var name, version, state: String
      var requests, requestsFailed, targetsFailed, brakeLimit: Int
      var seconds: Double
    }
    struct StageTimes: Decodable { var count, p50ms, p95ms: Int }

    var phases: [Phase]
    var targetsByVersion: [String: Int]
    var stages: [String: StageTimes]
  }

  @Test(.timeLimit(.minutes(5))) func theStoryComesOutAsItIsTold() async throws {
    try await Program.with { drawbar in
      let file = "\(drawbar.state)/report.json"
      let told = try await drawbar.demo(["FLEET": "9", "REPORT": file])
      let report = try JSONDecoder().decode(Report.self, from: Data(contentsOf: URL(filePath: file)))
      #expect(
        report.phases.map { [$0.name, $0.version, $0.state] } == [
          ["release 2", "2", "SUCCESS"], ["release 3", "3", "SMOKE_FAILURE"],
          ["rollback of 3", "2", "SUCCESS"], ["release 4", "4", "BRAKED"],
          ["rollback of 4", "2", "SUCCESS"],
        ], "\(told.out.suffix(3_000))")
      #expect(report.phases.map(\.targetsFailed) == [0, 1, 0, 2, 0])
      #expect(report.phases.map(\.brakeLimit) == [2, 2, 1, 2, 3])
      #expect(report.phases.allSatisfy { $0.requests > 0 && $0.seconds > 0 })
      #expect(report.targetsByVersion == ["2": 9])
      #expect(report.stages.keys.sorted() == ["DOWNLOAD", "INSTALL", "MARKDOWN", "MARKUP", "VERIFY"])
      // Nothing stays behind: neither its directory nor a process that lives in it.
      let directory = try #require(told.out.firstMatch(of: /in (\/tmp\/drawbar-demo-\w+)/)?.1)
      #expect(!FileManager.default.fileExists(atPath: String(directory)))
    }
  }

  @Test func aFleetTooSmallIsRefused() async throws {
    try await Program.with { drawbar in
      let told = try await drawbar.demo(["FLEET": "3"])
      #expect(told.code != 0)
      #expect(told.err.contains("use 4 to 150"))
    }
  }
}
