import Fleet
import Programs
import Rollout
import TaskQueue
import Yams

extension FileReader {
  private static let kinds = ["run", "task", "group", "foreach"]
  private static let keysOf: [String: [String]] = [
    "run": ["stdin", "exit", "keepOutput", "maxLines", "maxBytes"],
    "task": ["input", "inputFrom"],
    "group": ["whenSomeFail"],
    "foreach": ["as", "batch", "brake", "pause", "whenSomeFail", "steps"],
  ]

  /// A list of steps under a key.
  func steps(_ fields: YAMLFields, _ key: String) -> [WorkflowFile.Step] {
    guard let node = fields.node(key) else { return [] }
    return steps(node, fields.field(key))
  }

  func steps(_ node: Node, _ field: String) -> [WorkflowFile.Step] {
    guard let list = node.sequence else {
      problems.add(field, at: node.mark, "expected a list of steps: - run: [program, argument, …]")
      return []
    }
    if list.isEmpty { problems.add(field, at: node.mark, "is empty; there is at least one step") }
    let steps = list.enumerated().compactMap { index, node in
      step(node, "\(field)[\(index)]", isFirst: index == 0)
    }
    checkNames(steps.map(\.name))
    return steps
  }

  /// Names are what people and reports know steps by.
  private func checkNames(_ names: [Template?]) {
    var seen: [[Template.Piece]: Place] = [:]
    for name in names.compactMap(\.self) {
      if let other = seen.updateValue(name.place, forKey: name.pieces) {
        problems.add(
          name.place.field, line: name.place.line, column: name.place.column,
          "is the name of line \(other.line) already; each needs one of its own")
      }
    }
  }

  private func step(_ node: Node, _ field: String, isFirst: Bool) -> WorkflowFile.Step? {
    let given = node.mapping?.map { $0.key.scalar?.string ?? "" } ?? []
    let kinds = given.filter(Self.kinds.contains)
    let own = kinds.count == 1 ? Self.keysOf[kinds[0]] ?? [] : Self.kinds.flatMap { Self.keysOf[$0] ?? [] }
    let fields = YAMLFields(
      node, path: field, known: ["name"] + (kinds.count == 1 ? kinds : Self.kinds) + own + Self.settingKeys,
      problems: problems)
    guard node.mapping != nil else { return nil }
    guard kinds.count == 1 else {
      // A misspelt kind is told already.
      if kinds.isEmpty, given.allSatisfy({ (["name"] + own + Self.settingKeys).contains($0) }) {
        problems.add(field, at: node.mark, "says nothing to do; give it one of run, task, group and foreach")
      } else if kinds.count > 1 {
        problems.add(field, at: node.mark, "has \(kinds.joined(separator: " and ")); a step has one of them")
      }
      return nil
    }
    let settings = settings(fields)
    let kind: WorkflowFile.Kind? =
      switch kinds[0] {
      case "run": run(fields, isFirst: isFirst).map { .run($0) }
      case "task": task(fields, isFirst: isFirst).map { .task($0) }
      case "group": group(fields)
      default: each(fields).map { .each($0) }
      }
    let name = template(fields, "name")
    return kind.map {
      WorkflowFile.Step(name: name, settings: settings, kind: $0, place: place(node, field))
    }
  }

  // MARK: Kinds

  private func run(_ fields: YAMLFields, isFirst: Bool) -> WorkflowFile.RunStep? {
    guard let node = fields.node("run"), let list = node.sequence, !list.isEmpty else {
      fields.wrong("run", "expected a program and its arguments as a list: [pg_dump, --file=shop.dump, shop]")
      return nil
    }
    let arguments = list.enumerated().compactMap {
      template($0.element, "\(fields.field("run"))[\($0.offset)]")
    }
    guard arguments.count == list.count else { return nil }
    if let index = ShellLine.firstWithName(arguments) {
      problems.add(
        "\(fields.field("run"))[\(index)]", at: list[index].mark,
        "a value never becomes part of code; hand it on as an argument: [sh, -c, 'echo \"$1\"', sh, \"${name}\"]"
      )
    }
    var step = WorkflowFile.RunStep(arguments: arguments)
    if let word = fields.choice("stdin", of: ["none", "results", "output"]) {
      step.input = WorkflowFile.RunStep.Input(rawValue: word) ?? .none
      if step.input != .none, isFirst { fields.wrong("stdin", "there is no step before this one") }
    }
    if let node = fields.node("exit") {
      let exit = YAMLFields(
        node, path: fields.field("exit"), known: ["done", "again"], problems: problems)
      step.done = codes(exit, "done")
      step.again = codes(exit, "again")
    }
    step.keepsOutput = fields.integer("keepOutput", in: 0...1_048_576, what: "a count of bytes")
    step.lines = fields.integer("maxLines", in: 0...1_000_000, what: "a count of lines")
    step.bytes = fields.integer("maxBytes", in: 0...100_000_000, what: "a count of bytes")
    return step
  }

  private func codes(_ fields: YAMLFields, _ key: String) -> [Int]? {
    guard let node = fields.node(key) else { return nil }
    let texts = node.sequence.map { $0.map { $0.scalar?.string ?? "" } } ?? [node.scalar?.string ?? ""]
    let codes = texts.compactMap { Int($0) }.filter { (0...255).contains($0) }
    guard codes.count == texts.count else {
      fields.wrong(key, "expected exit codes from 0 to 255: [0, 24]")
      return nil
    }
    return codes
  }

  private func task(_ fields: YAMLFields, isFirst: Bool) -> WorkflowFile.TaskStep? {
    guard let task = fields.text("task") else { return nil }
    guard !task.isEmpty, task.utf8.count <= 200, task.utf8.allSatisfy({ (33...126).contains($0) }) else {
      fields.wrong("task", "'\(task)' can't be a task's name; it is the name a worker knows it by")
      return nil
    }
    let input = fields.node("input")
    if let from = fields.choice("inputFrom", of: ["previous"]) {
      if input != nil { fields.wrong("inputFrom", "give one of input and inputFrom") }
      if isFirst { fields.wrong("inputFrom", "there is no step before this one") }
      return from == "previous" ? WorkflowFile.TaskStep(task: task, input: nil) : nil
    }
    return WorkflowFile.TaskStep(
      task: task, input: input.flatMap { json($0, fields.field("input")) } ?? .object([]))
  }

  private func group(_ fields: YAMLFields) -> WorkflowFile.Kind? {
    guard let list = fields.node("group")?.sequence, !list.isEmpty else {
      fields.wrong(
        "group", "expected a list of branches that run side by side; each is a step or a list of steps")
      return nil
    }
    let branches = list.enumerated().compactMap { index, node in
      branch(node, "\(fields.field("group"))[\(index)]")
    }
    checkNames(branches.map(\.name))
    return .group(branches, goesOn: goesOn(fields))
  }

  /// A list of steps; one step; or steps with a name.
  private func branch(_ node: Node, _ field: String) -> WorkflowFile.Branch? {
    if node.sequence != nil { return WorkflowFile.Branch(name: nil, steps: steps(node, field)) }
    let keys = node.mapping?.map { $0.key.scalar?.string ?? "" } ?? []
    if keys.contains("steps"), !keys.contains("foreach") {
      let fields = YAMLFields(node, path: field, known: ["name", "steps"], problems: problems)
      return WorkflowFile.Branch(name: template(fields, "name"), steps: steps(fields, "steps"))
    }
    return step(node, field, isFirst: true).map { WorkflowFile.Branch(name: $0.name, steps: [$0]) }
  }

  func goesOn(_ fields: YAMLFields) -> Bool {
    fields.choice("whenSomeFail", of: ["fail", "goOn"]) == "goOn"
  }

  /// Any YAML as JSON.
  private func json(_ node: Node, _ field: String) -> JSONTemplate? {
    if let mapping = node.mapping {
      return .object(
        mapping.compactMap { key, value in
          let name = key.scalar?.string ?? ""
          return json(value, "\(field).\(name)").map { (key: name, value: $0) }
        })
    }
    if let list = node.sequence {
      return .list(list.enumerated().compactMap { json($0.element, "\(field)[\($0.offset)]") })
    }
    if let scalar = node.scalar, scalar.style == .plain {
      switch scalar.string {
      case "", "~", "null": return .null
      case "true": return .flag(true)
      case "false": return .flag(false)
      case let text where Int(text) != nil && !text.hasPrefix("+"): return .number("\(Int(text) ?? 0)")
      case let text where text.contains(".") && Double(text)?.isFinite == true:
        return .number("\(Double(text) ?? 0)")
      default: break
      }
    }
    return template(node, field).map { .text($0) }
  }
}
