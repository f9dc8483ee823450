import Programs

/// What the parts of a workflow are called, for those who look at it later: the queue knows numbers only.
public struct Outline: Codable, Sendable, Equatable {
  public var name: String
  public var steps: [Step]
  public var onFailure: [Step]?

  public struct Step: Codable, Sendable, Equatable {
    public var name: String
    /// nil: the step is no group.
    public var branches: [Branch]?
    /// A branch that failed makes the workflow a failed one in the end, though it goes on: the rule of a brake.
    public var failuresCount: Bool?
  }

  public struct Branch: Codable, Sendable, Equatable {
    public var name: String
    public var steps: [Step]
  }
}

extension Workflow {
  public var outline: Outline {
    Outline(
      name: name, steps: steps.map(\.outline),
      onFailure: onFailure.isEmpty ? nil : onFailure.map(\.outline))
  }
}

extension Workflow.Step {
  fileprivate var outline: Outline.Step {
    guard case .group(let branches, _) = work else { return Outline.Step(name: name) }
    return Outline.Step(
      name: name, branches: branches.map { Outline.Branch(name: $0.name, steps: $0.steps.map(\.outline)) },
      failuresCount: failuresCount ? true : nil)
  }
}
