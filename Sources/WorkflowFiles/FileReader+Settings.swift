import Fleet
import Programs
import Rollout
import TaskQueue
import Yams

extension FileReader {
  func settings(_ fields: YAMLFields) -> WorkflowFile.Settings {
    var settings = WorkflowFile.Settings()
    settings.retry = retry(fields)
    settings.timeLimit = positive("timeLimit", fields)
    settings.hardLimit = positive("hardLimit", fields)
    if let soft = settings.timeLimit, let hard = settings.hardLimit, hard < soft {
      fields.wrong("hardLimit", "is shorter than timeLimit; it is what holds when that did not")
    }
    settings.queue = queue(fields)
    settings.delay = fields.duration("delay")
    settings.concurrency = concurrency(fields)
    settings.rate = rate(fields)
    settings.directory = template(fields, "directory")
    settings.environment = environment(fields)
    settings.inherits = inherits(fields)
    settings.grace = fields.duration("grace")
    if let grace = settings.grace, grace > 600_000 {
      fields.wrong("grace", "'\(DurationText.text(grace))' is too long; use up to 10m")
    }
    return settings
  }

  private func retry(_ step: YAMLFields) -> WorkflowFile.Retry? {
    guard let node = step.node("retry") else { return nil }
    if node.scalar != nil {
      let attempts = step.integer("retry", in: 1...1_000, what: "a count of tries")
      return attempts.map { WorkflowFile.Retry(attempts: $0, backoff: 1_000, most: 300_000) }
    }
    let fields = YAMLFields(
      node, path: step.field("retry"), known: ["attempts", "backoff", "max"], problems: problems)
    fields.required("attempts", "how often it is tried in all")
    let attempts = fields.integer("attempts", in: 1...1_000, what: "a count of tries")
    let backoff = fields.duration("backoff")
    let most = fields.duration("max")
    if let backoff, let most, most < backoff { fields.wrong("max", "is shorter than backoff") }
    return attempts.map {
      WorkflowFile.Retry(attempts: $0, backoff: backoff ?? 1_000, most: most ?? max(300_000, backoff ?? 0))
    }
  }

  private func concurrency(_ step: YAMLFields) -> WorkflowFile.Concurrency? {
    guard let node = step.node("concurrency") else { return nil }
    let fields = YAMLFields(
      node, path: step.field("concurrency"), known: ["key", "atMost"], problems: problems)
    guard node.mapping != nil else { return nil }
    fields.required("key", "a text; steps of the same key count together, in all workflows")
    fields.required("atMost", "how many of them run at once")
    guard let key = key(fields), let count = fields.integer("atMost", in: 1...100_000, what: "a count") else {
      return nil
    }
    return WorkflowFile.Concurrency(key: key, atMost: count)
  }

  private func rate(_ step: YAMLFields) -> WorkflowFile.Rate? {
    guard let node = step.node("rate") else { return nil }
    let fields = YAMLFields(
      node, path: step.field("rate"), known: ["key", "count", "per", "burst"], problems: problems)
    guard node.mapping != nil else { return nil }
    fields.required("key", "a text; steps of the same key count together, in all workflows")
    fields.required("count", "how many begin in that time")
    let per = positive("per", fields) ?? 1_000
    let burst = fields.integer("burst", in: 1...1_000_000, what: "a count")
    guard let key = key(fields), let count = fields.integer("count", in: 1...1_000_000, what: "a count")
    else {
      return nil
    }
    return WorkflowFile.Rate(key: key, count: count, per: per, burst: burst)
  }

  /// The key of a limit, which becomes a part of a key in Redis.
  private func key(_ fields: YAMLFields) -> Template? {
    guard let template = template(fields, "key") else { return nil }
    for case .text(let text) in template.pieces where !Self.isKey(text) {
      fields.wrong("key", "'\(text)' can't be a key: \(Self.keyRule)")
      return nil
    }
    return template
  }

  static let keyRule = "letters, digits and . _ - / @ + = are allowed, 200 at most"

  static func isKey(_ text: String) -> Bool { (try? QueueName(text)) != nil }

  private func environment(_ step: YAMLFields) -> [String: Template] {
    guard let node = step.node("env") else { return [:] }
    guard let mapping = node.mapping else {
      step.wrong("env", "expected names and values: { LEVEL: debug }")
      return [:]
    }
    var all: [String: Template] = [:]
    for (key, value) in mapping {
      let name = key.scalar?.string ?? ""
      let field = "\(step.field("env")).\(name)"
      if let problem = variableProblem(name) { problems.add(field, at: key.mark, problem) }
      all[name] = template(value, field)
    }
    return all
  }

  private func inherits(_ step: YAMLFields) -> [String] {
    guard let node = step.node("inherit") else { return [] }
    guard let list = node.sequence else {
      step.wrong("inherit", "expected a list of names of the worker's variables: [PGPASSWORD]")
      return []
    }
    return list.enumerated().compactMap { index, node in
      let name = node.scalar?.string ?? ""
      guard let problem = variableProblem(name) else { return name }
      problems.add("\(step.field("inherit"))[\(index)]", at: node.mark, problem)
      return nil
    }
  }

  private func variableProblem(_ name: String) -> String? {
    guard ProgramInput.isVariable(name) else {
      return "'\(name)' can't be a variable; use letters, digits and '_', the first no digit"
    }
    return name.hasPrefix("DRAWBAR_") ? "\(name) is one of Drawbar's own variables; use another name" : nil
  }
}
