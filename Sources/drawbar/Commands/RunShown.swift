import Console
import Fleet
import Programs
import Rollout
import TaskQueue
import WorkflowFiles

/// A workflow as `run --dry-run --json` prints it.
struct ShownRun: Encodable {
  let workflow: String
  let id: String
  let queue: String
  let brake: Int?
  let expiresAfter: Int64?
  let unique: String?
  let steps: [ShownStep]
  let onFailure: [ShownStep]?

  init(_ workflow: Workflow, id: ChainID) {
    self.workflow = workflow.name
    self.id = id.rawValue
    queue = workflow.queue ?? Workflow.queue
    brake = workflow.brake
    expiresAfter = workflow.expiresAfter
    unique = workflow.unique?.key
    steps = workflow.steps.map(ShownStep.init)
    onFailure = workflow.onFailure.isEmpty ? nil : workflow.onFailure.map(ShownStep.init)
  }
}

struct ShownStep: Encodable {
  let name: String
  var run: [String]?
  var directory: String?
  var task: String?
  var pause: Int64?
  var branches: [ShownBranch]?
  var attempts: Int?
  var timeLimit: Int64?
  var queue: String?

  struct ShownBranch: Encodable {
    let name: String
    let steps: [ShownStep]
  }

  init(_ step: Workflow.Step) {
    name = step.name
    attempts = step.rules.attempts > 1 ? step.rules.attempts : nil
    timeLimit = step.rules.timeLimit
    queue = step.rules.queue
    switch step.work {
    case .program(let input): (run, directory) = (input.arguments, input.directory)
    case .task(let name, _): task = name
    case .pause: pause = step.rules.delay
    case .group(let branches, _):
      self.branches = branches.map { ShownBranch(name: $0.name, steps: $0.steps.map(ShownStep.init)) }
    }
  }
}

extension Workflow {
  /// What would run, for a person.
  var lines: [Line] {
    var head = Line(name, .bold) + Line("  queue ", .faint) + Line(queue ?? Self.queue)
    if let brake { head += Line("  brake ", .faint) + Line("\(brake) failed") }
    if let expiresAfter { head += Line("  expires after ", .faint) + Line(DurationText.text(expiresAfter)) }
    if let unique { head += Line("  unique ", .faint) + Line(unique.key) }
    var lines = [head, Line()] + steps.flatMap { $0.lines("  ") }
    if !onFailure.isEmpty { lines += [Line("  on failure", .faint)] + onFailure.flatMap { $0.lines("    ") } }
    return lines
  }
}

extension Workflow.Step {
  fileprivate func lines(_ indent: String) -> [Line] {
    switch work {
    case .program(let input):
      return [
        Line(indent + name + "  ") + Line(input.arguments.map(Self.quoted).joined(separator: " "), .cyan)
          + extras
      ]
    case .task(let task, _): return [Line(indent + name + "  ") + Line("task \(task)", .cyan) + extras]
    case .pause: return [Line(indent + name, .faint)]
    case .group(let branches, let goesOn):
      let word = goesOn ? "  goes on when some fail" : ""
      let head = Line(indent + name + "  ") + Line("\(branches.count) side by side\(word)", .faint)
      return [head]
        + branches.flatMap { branch -> [Line] in
          [Line(indent + "  " + branch.name, .bold)] + branch.steps.flatMap { $0.lines(indent + "    ") }
        }
    }
  }

  private var extras: Line {
    var words: [String] = []
    if rules.attempts > 1 { words.append("\(rules.attempts) tries") }
    if let limit = rules.timeLimit { words.append("within \(DurationText.text(limit))") }
    if let limit = rules.concurrency { words.append("at most \(limit.atMost) of \(limit.key)") }
    if let rate = rules.rate {
      words.append("\(rate.count) in \(DurationText.text(rate.per)) of \(rate.key)")
    }
    if let queue = rules.queue { words.append("queue \(queue)") }
    return words.isEmpty ? Line() : Line("  " + words.joined(separator: ", "), .faint)
  }

  /// An argument as a person would have to type it, so that its ends are seen.
  private static func quoted(_ argument: String) -> String {
    let plain = argument.utf8.allSatisfy {
      (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
        || "._-/=:@%+,".utf8.contains($0)
    }
    return plain && !argument.isEmpty ? argument : "'" + argument.replacing("'", with: #"'\''"#) + "'"
  }
}
