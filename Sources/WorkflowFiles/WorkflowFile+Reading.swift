public import Fleet
import Rollout
import TaskQueue
import Yams

extension WorkflowFile {
  /// Reads a file that was read already.
  ///
  /// - Parameter file: the name that errors begin with; `file:` and `directory:` are relative to its directory.
  /// - Throws: every problem of the file at once.
  public static func parse(_ yaml: String, file: String) throws(InvalidFile) -> WorkflowFile {
    let problems = ProblemList(file: file, subject: "a workflow")
    let workflow = problems.root(of: yaml, least: "workflow and steps").flatMap { root in
      FileReader(problems: problems).workflow(root)
    }
    guard let workflow, problems.inOrder.isEmpty else { throw InvalidFile(problems: problems.inOrder) }
    return workflow
  }
}

/// Reads a workflow's file into its value, and notes what is wrong on the way.
struct FileReader {
  static let settingKeys = [
    "retry", "timeLimit", "hardLimit", "queue", "delay", "concurrency", "rate", "directory", "env", "inherit",
    "grace",
  ]
  static let keys = [
    "workflow", "about", "params", "queue", "priority", "expiresAfter", "keptFor", "unique", "defaults",
    "steps",
    "onFailure",
  ]

  let problems: ProblemList
  /// Names that may be used here.
  var known = Known()

  func workflow(_ root: Node) -> WorkflowFile? {
    let fields = YAMLFields(root, path: "", known: Self.keys, problems: problems)
    guard root.mapping != nil else { return nil }
    fields.required("workflow", "the workflow's name")
    fields.required("steps", "the list of what is done, one after another")
    var reader = self
    let parameters = reader.parameters(fields)
    var options = WorkflowFile.Options()
    options.queue = reader.queue(fields)
    options.priority = fields.choice("priority", of: ["high", "normal", "low"])
    options.expiresAfter = reader.positive("expiresAfter", fields)
    options.keptFor = reader.positive("keptFor", fields)
    options.unique = reader.unique(fields)
    var defaults = WorkflowFile.Settings()
    if let node = fields.node("defaults") {
      let inner = YAMLFields(node, path: "defaults", known: Self.settingKeys, problems: problems)
      defaults = reader.settings(inner)
    }
    var steps = reader.steps(fields, "steps")
    var onFailure = fields.node("onFailure") == nil ? [] : reader.steps(fields, "onFailure")
    if options.queue == nil { options.queue = defaults.queue }
    for index in steps.indices { steps[index].settings.inherit(defaults) }
    for index in onFailure.indices { onFailure[index].settings.inherit(defaults) }
    checkBrakes(steps)
    return WorkflowFile(
      name: fields.name("workflow", .name) ?? "", about: fields.text("about"), parameters: parameters,
      options: options, steps: steps, onFailure: onFailure, file: problems.file)
  }

  private func unique(_ fields: YAMLFields) -> WorkflowFile.Unique? {
    guard let node = fields.node("unique") else { return nil }
    if node.scalar != nil {
      return template(fields, "unique").map { WorkflowFile.Unique(key: $0, until: .ended) }
    }
    let inner = YAMLFields(node, path: "unique", known: ["key", "until", "for"], problems: problems)
    inner.required("key", "a text; one workflow of it runs at a time")
    let key = template(inner, "key")
    var until = WorkflowFile.Unique.Until.ended
    switch inner.choice("until", of: ["queued", "ended"]) {
    case "queued": until = .queued
    default: break
    }
    if let time = positive("for", inner) {
      if inner.node("until") != nil { inner.wrong("for", "give one of until and for") }
      until = .time(time)
    }
    return key.map { WorkflowFile.Unique(key: $0, until: until) }
  }

  /// A limit counts the failures of a whole workflow, so that one loop may have one.
  private func checkBrakes(_ steps: [WorkflowFile.Step]) {
    var first: Place?
    func look(_ steps: [WorkflowFile.Step], depth: Int) {
      for step in steps {
        switch step.kind {
        case .run, .task: break
        case .group(let branches, _): for branch in branches { look(branch.steps, depth: depth + 1) }
        case .each(let each):
          if each.brake != nil {
            let place = step.place
            if depth > 0 {
              wrong(
                place, "brake", "a brake is for a loop of the workflow itself, not for one within a group")
            } else if let first {
              wrong(place, "brake", "\(first.field) has a brake already; a workflow has one")
            }
            first = first ?? place
          }
          look(each.steps, depth: depth + 1)
        }
      }
    }
    look(steps, depth: 0)
  }

  // MARK: Small things

  func wrong(_ place: Place, _ key: String, _ message: String) {
    problems.add("\(place.field).\(key)", line: place.line, column: place.column, message)
  }

  func place(_ node: Node, _ field: String) -> Place {
    Place(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, field: field)
  }

  func positive(_ key: String, _ fields: YAMLFields) -> Milliseconds? {
    guard let time = fields.duration(key) else { return nil }
    guard time > 0 else {
      fields.wrong(key, "0 is no time; write \(DurationText.allowed)")
      return nil
    }
    return time
  }

  func queue(_ fields: YAMLFields) -> String? {
    guard let text = fields.text("queue") else { return nil }
    do {
      _ = try QueueName(text)
      return text
    } catch {
      fields.wrong("queue", "\(error)")
      return nil
    }
  }

  func template(_ fields: YAMLFields, _ key: String) -> Template? {
    fields.node(key).flatMap { template($0, fields.field(key)) }
  }

  /// A text with names, each of which has to be known here.
  func template(_ node: Node, _ field: String) -> Template? {
    guard let scalar = node.scalar else {
      problems.add(field, at: node.mark, "expected one value, not a list or a mapping")
      return nil
    }
    do {
      let template = try Template(scalar.string, at: place(node, field))
      for name in template.names where !known.has(name) {
        let meant = NearestWord.to(name, among: known.words).map { "did you mean ${\($0)}? " } ?? ""
        let words = known.words.sorted().map { "${\($0)}" }.joined(separator: ", ")
        problems.add(field, at: node.mark, "nothing is called ${\(name)} here; \(meant)there is \(words)")
      }
      if let list = template.names.first(where: { known.lists.contains($0) }), template.wholeName == nil {
        problems.add(field, at: node.mark, "${\(list)} is a list; it can only be what foreach goes over")
      }
      return template
    } catch {
      problems.add(field, at: node.mark, error.message)
      return nil
    }
  }
}

/// The names that a place of the file may use.
struct Known {
  var words: Set<String> = ["workflow.id", "workflow.directory"]
  /// Items whose fields are known when their file is read.
  var open: Set<String> = []
  var lists: Set<String> = []

  func has(_ name: String) -> Bool {
    words.contains(name) || name.split(separator: ".").first.map { open.contains(String($0)) } == true
  }
}

extension WorkflowFile.Settings {
  /// Takes what it doesn't say itself from the step around it.
  mutating func inherit(_ outer: WorkflowFile.Settings) {
    retry = retry ?? outer.retry
    timeLimit = timeLimit ?? outer.timeLimit
    hardLimit = hardLimit ?? outer.hardLimit
    queue = queue ?? outer.queue
    concurrency = concurrency ?? outer.concurrency
    rate = rate ?? outer.rate
    directory = directory ?? outer.directory
    environment.merge(outer.environment) { mine, _ in mine }
    inherits = outer.inherits.filter { !inherits.contains($0) } + inherits
    grace = grace ?? outer.grace
  }
}
