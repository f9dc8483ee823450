import Fleet
import Yams

/// A file that is a list of items: texts, or names with values.
enum ItemList {
  static func parse(_ yaml: String, file: String, _ problems: ProblemList) -> [Filler.Item] {
    let own = ProblemList(file: file, subject: "a list of items")
    let root = own.root(of: yaml, least: "one item")
    defer { problems.take(own) }
    guard let root else { return [] }
    guard let list = root.sequence else {
      own.add("", at: root.mark, "expected a list: - web-1, or - { host: web-1, port: 80 }")
      return []
    }
    return list.enumerated().compactMap { index, node in item(node, "[\(index)]", own) }
  }

  private static func item(_ node: Node, _ field: String, _ problems: ProblemList) -> Filler.Item? {
    var fields: [String: String] = [:]
    func check(_ text: String, _ node: Node, _ field: String) -> String? {
      if text.hasPrefix("-") || text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
        problems.add(field, at: node.mark, "'\(text)' begins with - or has control characters")
        return nil
      }
      return text
    }
    if let scalar = node.scalar { return check(scalar.string, node, field).map { Filler.Item(text: $0) } }
    guard let mapping = node.mapping else {
      problems.add(field, at: node.mark, "expected a text, or names and values")
      return nil
    }
    for (key, value) in mapping {
      let name = key.scalar?.string ?? ""
      guard FileReader.isParameterName(name), let text = value.scalar?.string else {
        problems.add("\(field).\(name)", at: key.mark, "expected a name and one value")
        continue
      }
      fields[name] = check(text, value, "\(field).\(name)")
    }
    guard let title = fields["name"] ?? fields["host"] else {
      problems.add(
        field, at: node.mark, "an item with several values has a name or a host, by which it is called")
      return nil
    }
    return Filler.Item(text: title, fields: fields)
  }
}

extension WorkflowFile.Each {
  /// The fields of an item that the steps use.
  var fieldsUsed: [String] {
    let prefix = variable + "."
    return Set(steps.flatMap(\.names)).filter { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }.sorted()
  }
}

extension WorkflowFile.Step {
  /// Every name that is used in it.
  var names: [String] {
    let own =
      ([name, settings.directory, settings.concurrency?.key, settings.rate?.key].compactMap(\.self)
      + settings.environment.values).flatMap(\.names)
    switch kind {
    case .run(let run): return own + run.arguments.flatMap(\.names)
    case .task(let task): return own + (task.input?.templates.flatMap(\.names) ?? [])
    case .group(let branches, _):
      return own + branches.flatMap { ($0.name?.names ?? []) + $0.steps.flatMap(\.names) }
    case .each(let each):
      let items: [String] =
        switch each.items {
        case .list(let list): list.flatMap(\.names)
        case .parameter(let name): [name]
        case .inventory(let template), .file(let template): template.names
        }
      return own + items + each.steps.flatMap(\.names)
    }
  }
}

extension WorkflowFile.Each.Item {
  fileprivate var names: [String] {
    switch self {
    case .text(let template): template.names
    case .fields(let fields, _): fields.values.flatMap(\.names)
    }
  }
}
