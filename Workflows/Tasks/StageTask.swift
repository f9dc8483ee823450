public import Delivery
import Fleet
import Logging
import Rollout
public import TaskQueue

/// A stage of a release as a task of the queue: what each of the five has in common.
public protocol StageTask: QueueTask where Input == StageInput, Output == StageResult {
  var stages: Stages { get }
  /// The stage itself.
  func stage(_ input: StageInput, generation: Int) async throws -> StageResult
}

extension StageTask {
  /// Asks first whether there is anything to do, where this is the chain's first link and it may be skipped.
  /// Then runs the stage, and says failures in the queue's words: the log's last lines follow the sentence.
  public func run(_ input: StageInput, _ context: TaskContext) async throws -> StageResult {
    do {
      if context.link == 0, input.mayBeSkipped { try await skip(input) }
      let result = try await stage(input, generation: context.generation)
      if let note = result.note { context.logger.info("\(Self.name) \(input.server.host): \(note)") }
      return result
    } catch let failure as DeliveryFailure {
      throw TaskFailure(
        code: failure.code.rawValue, message: failure.text, retry: failure.mayPass ? .byPolicy : .never)
    }
  }

  /// Ends the chain of a server that needs nothing, or shortens it to Markup alone.
  private func skip(_ input: StageInput) async throws {
    switch try await stages.standing(input) {
    case .toDo: return
    case .done: throw ChainControl.finish(note: TargetChain.skipped)
    case .doneUnasked: throw ChainControl.finish(note: TargetChain.skippedUnasked)
    case .onlyOut:
      guard let markup = input.markupLink, markup > 0 else { return }
      throw ChainControl.jump(to: markup, note: "already at \(input.package.version), only out of service")
    }
  }
}
