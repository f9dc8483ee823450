import Fleet
import Programs
import Rollout

extension WorkflowFile {
  /// The workflow with every value in its place.
  ///
  /// - Throws: ``InvalidParameters``; ``InvalidFile`` with every problem that the values bring; what the
  ///   surroundings throw.
  public func filled(_ surroundings: Surroundings) async throws -> Workflow {
    let values = try values(surroundings.parameters)
    var scope = Scope()
    scope.values["workflow.id"] = .init(text: surroundings.id)
    scope.values["workflow.directory"] = .init(text: surroundings.directory)
    for parameter in parameters {
      scope.values[parameter.name] = .init(text: values[parameter.name] ?? "", kind: parameter.kind)
    }
    let filler = Filler(surroundings: surroundings, problems: ProblemList(file: file, subject: "a workflow"))
    var workflow = Workflow(
      name: name, queue: options.queue, priority: options.priority, expiresAfter: options.expiresAfter,
      keptFor: options.keptFor, steps: [], onFailure: [])
    workflow.unique = options.unique.map { unique in
      let until: Workflow.Unique.Until =
        switch unique.until {
        case .queued: .queued
        case .ended: .ended
        case .time(let time): .time(time)
        }
      return Workflow.Unique(key: filler.key(unique.key, scope), until: until)
    }
    workflow.steps = try await filler.steps(steps, scope, .init(), &workflow.brake)
    var noBrake: Int?
    workflow.onFailure = try await filler.steps(onFailure, scope, .init(), &noBrake)
    for index in workflow.steps.indices { workflow.steps[index].settleOutput() }
    for index in workflow.onFailure.indices { workflow.onFailure[index].settleOutput() }
    filler.checkSize(workflow.steps, at: steps.last?.place)
    guard filler.problems.inOrder.isEmpty else { throw InvalidFile(problems: filler.problems.inOrder) }
    return workflow
  }
}

/// Puts values into the steps of a file, and makes branches of loops.
struct Filler {
  let surroundings: Surroundings
  let problems: ProblemList

  func wrong(_ place: Place, _ message: String) {
    problems.add(place.field, line: place.line, column: place.column, message)
  }

  /// - Parameters:
  ///   - outer: what the step around these says.
  ///   - brake: set where a loop has one.
  func steps(
    _ steps: [WorkflowFile.Step], _ scope: Scope, _ outer: WorkflowFile.Settings, _ brake: inout Int?
  ) async throws -> [Workflow.Step] {
    var out: [Workflow.Step] = []
    var before = 0..<0
    for step in steps {
      var settings = step.settings
      settings.inherit(outer)
      var rules = rules(settings, scope)
      if let delay = settings.delay, delay > 0 {
        // A chain's first link and a group can't come late by themselves.
        if out.isEmpty || !step.kind.isTask { out.append(.pause(delay)) } else { rules.delay = delay }
      }
      let begin = out.count
      switch step.kind {
      case .run(let run):
        var input = program(run, settings, scope, name: step.name)
        if run.input != .none {
          keepOutput(&out, before)
          let sources = before.filter { out[$0].work != .pause }.map { Self.source($0, out[$0]) }
          input.standardInput = run.input == .results ? .results(of: sources) : .output(of: sources)
        }
        if let index = input.arguments.firstIndex(where: { $0.utf8.contains(0) }) {
          wrong(
            run.arguments[index].place,
            "contains a zero byte, where a program's argument would end; leave it out")
        } else if let problem = input.problem {
          wrong(step.place, problem)
        }
        out.append(Workflow.Step(name: input.title, work: .program(input), rules: rules))
      case .task(let task):
        let json = task.input?.filled(scope)
        out.append(
          Workflow.Step(
            name: name(step, scope) ?? task.task, work: .task(task.task, input: json), rules: rules))
      case .group(let branches, let goesOn):
        var filled: [Workflow.Branch] = []
        for branch in branches {
          let inner = try await self.steps(branch.steps, scope, settings.withinGroup, &brake)
          let title = branch.name?.filled(scope) ?? inner.first?.name ?? "branch"
          filled.append(Workflow.Branch(name: title, steps: inner))
        }
        out.append(
          Workflow.Step(
            name: name(step, scope) ?? "group", work: .group(filled, goesOn: goesOn)))
      case .each(let each):
        out += try await self.each(each, step, settings, scope, &brake)
      }
      before = begin..<out.count
    }
    return out
  }

  /// A loop: a group for each batch.
  private func each(
    _ each: WorkflowFile.Each, _ step: WorkflowFile.Step, _ settings: WorkflowFile.Settings, _ scope: Scope,
    _ brake: inout Int?
  ) async throws -> [Workflow.Step] {
    let items = try await items(each, scope)
    var branches: [Workflow.Branch] = []
    for item in items {
      let inner = try await steps(
        each.steps, scope.with(item, as: each.variable), settings.withinGroup, &brake)
      branches.append(Workflow.Branch(name: item.text, steps: inner))
    }
    if let bound = each.brake { brake = bound.of(items.count) }
    let name = name(step, scope) ?? "each \(each.variable)"
    let sizes = each.batches.map { Self.sizes($0, of: items.count) } ?? [items.count]
    var begin = 0
    return sizes.enumerated().flatMap { index, size -> [Workflow.Step] in
      defer { begin += size }
      var group = Workflow.Step(
        name: sizes.count == 1 ? name : "\(name) \(index + 1)/\(sizes.count)",
        work: .group(Array(branches[begin..<min(branches.count, begin + size)]), goesOn: each.goesOn))
      group.failuresCount = each.brake != nil
      if index > 0, let pause = each.pause, pause > 0 { return [.pause(pause), group] }
      return [group]
    }
  }

  /// Sizes of batches that hold n items; the last of the list repeats.
  static func sizes(_ list: [Quantity], of n: Int) -> [Int] {
    var sizes: [Int] = []
    var rest = n
    while rest > 0, !list.isEmpty {
      let size = min(rest, list[min(sizes.count, list.count - 1)].of(n))
      sizes.append(size)
      rest -= size
    }
    return sizes
  }

  private func name(_ step: WorkflowFile.Step, _ scope: Scope) -> String? {
    step.name.map { $0.filled(scope) }
  }

  private static func source(_ link: Int, _ step: Workflow.Step) -> ProgramInput.ResultSource {
    guard case .group(let branches, _) = step.work else { return .init(link: link, name: step.name) }
    return .init(link: link, name: step.name, members: branches.map(\.name))
  }

  /// A step that hands results on keeps what it wrote, unless the file says how much: together no more than 4 MiB.
  private func keepOutput(_ steps: inout [Workflow.Step], _ range: Range<Int>) {
    let members = range.reduce(0) { count, index in
      if case .group(let branches, _) = steps[index].work { return count + branches.count }
      return count + 1
    }
    for index in range { steps[index].keepOutput(min(65_536, max(1_024, 4_194_304 / max(1, members)))) }
  }

  /// What a chain may have; see `Chain.maximumLinks`.
  static let mostSteps = 1_000

  func checkSize(_ steps: [Workflow.Step], at place: Place?) {
    guard let place, steps.count > Self.mostSteps else { return }
    wrong(
      place,
      "the workflow has \(steps.count) steps with its batches; \(Self.mostSteps) are allowed: make the batches larger"
    )
  }
}

extension Workflow.Step {
  fileprivate mutating func keepOutput(_ bytes: Int) {
    switch work {
    case .program(var input):
      // -1: the file says nothing.
      if input.keepsOutput < 0 { input.keepsOutput = bytes }
      work = .program(input)
    case .task, .pause: break
    case .group(var branches, let goesOn):
      for index in branches.indices where !branches[index].steps.isEmpty {
        branches[index].steps[branches[index].steps.count - 1].keepOutput(bytes)
      }
      work = .group(branches, goesOn: goesOn)
    }
  }
}

extension Workflow.Step {
  /// What nobody asked for is not kept.
  fileprivate mutating func settleOutput() {
    switch work {
    case .program(var input):
      input.keepsOutput = max(0, input.keepsOutput)
      work = .program(input)
    case .task, .pause: break
    case .group(var branches, let goesOn):
      for branch in branches.indices {
        for index in branches[branch].steps.indices { branches[branch].steps[index].settleOutput() }
      }
      work = .group(branches, goesOn: goesOn)
    }
  }
}

extension WorkflowFile.Kind {
  fileprivate var isTask: Bool {
    switch self {
    case .run, .task: true
    case .group, .each: false
    }
  }
}

extension Workflow.Step {
  fileprivate static func pause(_ time: Milliseconds) -> Workflow.Step {
    var step = Workflow.Step(name: "pause \(DurationText.text(time))", work: .pause)
    step.rules.delay = time
    return step
  }
}

extension WorkflowFile.Settings {
  fileprivate var withinGroup: WorkflowFile.Settings {
    var inner = self
    inner.delay = nil
    return inner
  }
}

extension Quantity {
  /// So many of n, at least one.
  fileprivate func of(_ n: Int) -> Int {
    switch self {
    case .count(let count): max(1, count)
    case .percent(let percent): max(1, n * percent / 100)
    }
  }
}
