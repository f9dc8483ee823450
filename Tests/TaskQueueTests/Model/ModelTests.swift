import Foundation
import RedisClient
import Testing

@testable import TaskQueue

/// Random operations against the scripts on a real server and against ``ReferenceQueue``, side by side.
///
/// `DRAWBAR_MODEL_OPERATIONS` says how many (100,000), `DRAWBAR_MODEL_SEED` where to begin: a number (1), of which
/// the one that a failure prints repeats it at once, or `chance`.
@Suite struct ModelTests {
  @Test func theScriptsDoWhatTheReferenceDoes() async throws {
    let environment = ProcessInfo.processInfo.environment
    let operations = environment["DRAWBAR_MODEL_OPERATIONS"].flatMap { Int($0) } ?? 100_000
    let seed = environment["DRAWBAR_MODEL_SEED"].map { UInt64($0) ?? .random(in: 0...99_999_999) } ?? 1
    let failure = try await ModelRun(operations: operations, seed: seed).run()
    if let failure { Issue.record("\(failure)") }
  }

  /// A script with one thing wrong.
  struct Defect: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var right: String
    var wrong = ""
  }

  /// The model is worth what it notices.
  @Test(arguments: [
    Defect(testDescription: "any token will do", right: "if x.g ~= generation then return -1 end"),
    Defect(
      testDescription: "a key that is freed lets nobody go",
      right: "if call('SREM', P .. 'K:' .. key, x.id) == 1 then letNext(key, x.id) end",
      wrong: "call('SREM', P .. 'K:' .. key, x.id)"),
    Defect(
      testDescription: "what was granted, and came to nothing, has not started",
      right: "local fresh = kind == 'unstarted' and link == 0 and not startedBefore",
      wrong: "local fresh = kind == 'unstarted' and link == 0"),
    Defect(
      testDescription: "a cancelled chain leaves its groups behind",
      right:
        "dropGroups(x, tonumber(x.i) + ((before == 'w') and 1 or 0), tonumber(x.n) - 1, now, state == 'x' and keep)",
      wrong:
        "if state ~= 'c' then dropGroups(x, tonumber(x.i), tonumber(x.n) - 1, now, state == 'x' and keep) end"
    ),
    Defect(
      testDescription: "a repeated request is carried out again", right: "if N <= last then",
      wrong: "if N < last then"),
  ])
  func aDefectIsFound(_ defect: Defect) async throws {
    var run = ModelRun(operations: 20_000, seed: 1)
    run.shortening = .seconds(5)
    run.changing = { $0.source.replacingOccurrences(of: defect.right, with: defect.wrong) }
    let script = [Scripts.complete, Scripts.beat].contains { $0.source.contains(defect.right) }
    #expect(script, "the defect is of a text that is no longer there")
    let failure = try #require(try await run.run())
    #expect(failure.operations.count < ModelRun.length)
  }
}
