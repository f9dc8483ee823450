import FaultRun
import Foundation
import Testing

@Suite("A fault run", .serialized)
struct FaultTests {
  /// Each kind of fault once, and some more.
  @Test("Whatever breaks, every promise is kept", .timeLimit(.minutes(3)))
  func short() async throws {
    let seed = UInt64(environment("SEED") ?? "") ?? 1
    let report = try await FaultCourse(seed: seed, faults: 23, killers: 150).run()
    if !report.findings.violations.isEmpty { print(report.text) }
    #expect(report.findings.violations == [])
    #expect(report.chains > 200 && report.deaths > 2 && report.audits > 5)
  }

  /// `make soak`.
  @Test("Whatever breaks, for long", .enabled(if: environment("FAULTS") != nil))
  func long() async throws {
    let seed = UInt64(environment("SEED") ?? "") ?? UInt64.random(in: 1...999_999)
    let faults = Int(environment("FAULTS") ?? "") ?? 200
    let report = try await FaultCourse(seed: seed, faults: faults, killers: 400).run()
    print(report.text)
    #expect(report.findings.violations == [])
  }
}

private func environment(_ name: String) -> String? {
  ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
}
