import Delivery
import Fleet
import RedisClient
import RedisServer
import RollEngine
import Rollout
import TaskQueue
import WorkflowFiles

/// How a command ends: the process's exit code, which scripts rely on.
enum Ending: Int32, CaseIterable {
  /// What was asked is done; a release that was followed ended in SUCCESS, a workflow has finished.
  case succeeded = 0
  /// A release that was followed stands at SMOKE_FAILURE, BAKE_FAILURE or FAILURE; a workflow failed; or an error
  /// nobody foresaw.
  case failed = 1
  /// Bad input, or something that the state doesn't allow. Nothing was changed.
  case refused = 2
  /// A release or a workflow that was followed is braked.
  case braked = 3
  /// A release that was followed was aborted; a workflow was cancelled.
  case revoked = 4
  /// Redis, a file or a program that is needed is not there.
  case unavailable = 5
  /// A release that was followed waits for a person, and nobody sits at this terminal; a workflow has not ended.
  case waiting = 6
  /// Whoever read its output has gone, as `head` does, before it came to its end: the status that shells give to a
  /// broken pipe.
  case unread = 141

  var meaning: String {
    switch self {
    case .succeeded: "done; the release that was followed ended in SUCCESS, the workflow finished"
    case .failed: "it stands at SMOKE_FAILURE, BAKE_FAILURE or FAILURE; the workflow failed"
    case .refused: "bad input, or not allowed now; nothing was changed"
    case .braked: "it is BRAKED; so many branches of the workflow failed that it was braked"
    case .revoked: "it was aborted: REVOKED; the workflow was cancelled"
    case .unavailable: "Redis, a file or a program that is needed is missing"
    case .unread: "whoever read its output has gone before it came to its end"
    case .waiting: "it waits for a person, and output is no terminal; the workflow goes on without you"
    }
  }

  /// Where a followed release came to rest.
  init(_ state: DeploymentState) {
    self =
      switch state {
      case .success: .succeeded
      case .smokeFailure, .bakeFailure, .failure: .failed
      case .braked: .braked
      case .revoked: .revoked
      default: .waiting
      }
  }

  /// What an error means for the exit code.
  init(_ error: any Error) {
    self =
      switch error {
      case let stop as Stop: stop.ending
      case is InvalidFile, is PlanRefusal, is Refusal: .refused
      case is UnknownSchedule, is InvalidSchedule, is InvalidCron, is UnknownTimeZone: .refused
      case is InvalidIdentifier, is InvalidParameters, is InvalidChain, is PayloadTooLarge, is QueueFull:
        .refused
      case let error as ReleaseError: Ending(error)
      case PackageError.store: .unavailable
      case is PackageError: .refused
      case let error as RedisError: error.code == .invalid ? .refused : .unavailable
      case is RedisServerError, is FleetStoreError, is UnfitRedis: .unavailable
      default: .failed
      }
  }

  private init(_ error: ReleaseError) {
    self =
      switch error {
      case .contended, .unreadable, .balancer: .unavailable
      case .notRefreshed(_, let why, _):
        why.code == .unreachable || why.code == .contended ? .unavailable : .refused
      default: .refused
      }
  }
}

/// Ends a command with an exit code and, where there is something to say, a sentence.
struct Stop: Error, CustomStringConvertible {
  let ending: Ending
  let description: String

  init(_ ending: Ending, _ description: String = "") {
    self.ending = ending
    self.description = description
  }
}
