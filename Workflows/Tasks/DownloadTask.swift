public import Delivery
import TaskQueue

/// Puts the package on the server's disk, its checksum verified. The running version goes on.
public struct DownloadTask: StageTask {
  public static let name = "release.download"
  public let stages: Stages

  public init(_ drivers: Drivers) { stages = Stages(drivers) }

  public func stage(_ input: StageInput, generation: Int) async throws -> StageResult {
    StageResult(note: try await stages.download(input, generation: generation))
  }
}
