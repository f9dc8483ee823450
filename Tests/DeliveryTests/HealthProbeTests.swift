import DemoFleet
import Fleet
import Testing

@testable import Delivery

@Suite struct HealthProbeTests {
  private static let reports: [(VersionReport, String, String?)] = [
    (.json(key: "version"), #"{"version":"1.2","other":[1]}"#, "1.2"),
    (.json(key: "build"), #"{"version":"1","build":7}"#, "7"),
    (.json(key: "version"), #"{"version":null}"#, nil),
    (.json(key: "version"), "1.2", nil), (.json(key: "version"), "", nil), (.text, " 1.2\n", "1.2"),
    (.text, "two words", nil), (.header(name: "X-Version"), "ignored", "9"),
    (.header(name: "Absent"), "", nil),
  ]

  @Test(arguments: reports)
  func theVersionIsReadWhereTheGroupSays(report: VersionReport, body: String, version: String?) {
    #expect(report.version(inBody: Array(body.utf8)) { $0 == "X-Version" ? "9" : nil } == version)
  }

  @Test func onlyTwoHundredsWithTheWantedVersionPass() {
    #expect(HealthAnswer(status: 200, version: "1").passes("1"))
    #expect(HealthAnswer(status: 204, version: "1").passes("1"))
    #expect(!HealthAnswer(status: 200, version: "1.0").passes("1"))
    #expect(!HealthAnswer(status: 200, version: nil).passes("1"))
    #expect(!HealthAnswer(status: 503, version: "1").passes("1"))
    #expect(!HealthAnswer(status: 301, version: "1").passes("1"))
    #expect(!HealthAnswer(status: nil, version: "1").passes("1"))
  }

  @Test func anAbsentServerIsToldAsSuch() async throws {
    let server = Server(host: "a", address: "127.0.0.1", port: 1, directory: "/nowhere")
    let health = HealthCheck(successes: 2, interval: 10, timeout: 500)
    let last = try await HealthProbe().ignition(server, health, version: "1", within: .milliseconds(50))
    #expect(last?.status == nil)
    #expect(last?.told.contains("no answer at 127.0.0.1:1") == true)
  }
}
