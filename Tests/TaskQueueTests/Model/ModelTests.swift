import Foundation
import RedisClient
import RedisServer
import Synchronization
import Testing

@testable import TaskQueue

/// Random operations against the scripts on a real server and against ``ReferenceQueue``, side by side.
///
/// `DRAWBAR_MODEL_OPERATIONS` says how many (20,000), `DRAWBAR_MODEL_SEED` where to begin: the seed that a
/// failure prints repeats it at once.
@Suite struct ModelTests {
  @Test func theScriptsDoWhatTheReferenceDoes() async throws {
    let environment = ProcessInfo.processInfo.environment
    let operations = environment["DRAWBAR_MODEL_OPERATIONS"].flatMap { Int($0) } ?? 20_000
    let seed = environment["DRAWBAR_MODEL_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...9_999_999)
    let failure = try await ModelRun(operations: operations, seed: seed).run()
    if let failure { Issue.record("\(failure)") }
  }
}
