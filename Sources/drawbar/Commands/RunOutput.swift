import ArgumentParser
import Console
import TaskQueue
import WorkflowFiles

/// Whose output is shown while a workflow is followed.
enum OutputMode: String, ExpressibleByArgument, CaseIterable {
  case failed, all, none
}

/// A line that a step wrote, as `--json` prints it.
struct ShownOutput: Encodable {
  let workflow: String
  let chain: String
  let link: Int
  let path: [String]
  let line: String
}

extension WorkflowOutput.Part {
  func lines(of view: WorkflowView) -> [Line] {
    let name = view.hasOneStep ? Line("    | ", .faint) : Line(path.joined(separator: " › ") + " | ", .faint)
    return lines.map { name + Line($0) }
  }

  func objects(of view: WorkflowView) -> [ShownOutput] {
    lines.map {
      ShownOutput(workflow: view.id.rawValue, chain: chain.rawValue, link: link, path: path, line: $0)
    }
  }
}

extension WorkflowView {
  /// Whether all output is of the same step.
  var hasOneStep: Bool { rows.count { $0.kind == .step } == 1 }
}
