public import Fleet
import Rollout
import Yams

extension FileReader {
  /// A loop: a list of items and the steps for each.
  func each(_ fields: YAMLFields) -> WorkflowFile.Each? {
    guard let node = fields.node("foreach") else {
      fields.wrong("foreach", "expected a list, { inventory: GROUP }, { file: FILE } or \"${list}\"")
      return nil
    }
    fields.required("steps", "the list of what is done for each item")
    var variable = "item"
    if let name = fields.text("as") {
      if !Self.isParameterName(name) || known.has(name) {
        fields.wrong("as", "'\(name)' is taken, or no name; use letters, digits, '_' and '-'")
      } else {
        variable = name
      }
    }
    var inner = self
    inner.known.words.insert(variable)
    guard let items = items(node, fields.field("foreach"), variable, &inner.known) else {
      _ = inner.steps(fields, "steps")
      return nil
    }
    let batches = fields.sizes("batch")
    for size in batches ?? [] where !size.isSize {
      fields.wrong("batch", "'\(size.text)' is no size; use 1 and more, or 1% to 100%")
    }
    let brake = fields.quantity("brake")
    if let brake, !brake.isSize {
      fields.wrong("brake", "'\(brake.text)' is no bound of failures; use 1 and more, or 1% to 100%")
    }
    if fields.node("pause") != nil, batches == nil {
      fields.wrong("pause", "is between batches; say how large they are: batch: 25%")
    }
    let goesOn = goesOn(fields)
    if brake != nil, fields.node("whenSomeFail") != nil {
      fields.wrong("whenSomeFail", "brake says already when failures end it; give one of them")
    }
    return WorkflowFile.Each(
      items: items, variable: variable, batches: batches, brake: brake, pause: fields.duration("pause"),
      goesOn: goesOn || brake != nil, steps: inner.steps(fields, "steps"),
      place: place(node, fields.field("foreach")))
  }

  private func items(
    _ node: Node, _ field: String, _ variable: String, _ known: inout Known
  ) -> WorkflowFile.Each.Items? {
    if node.scalar != nil {
      guard let name = template(node, field)?.wholeName, known.lists.contains(name) else {
        problems.add(field, at: node.mark, "expected \"${name}\" of a parameter with type: list, or a list")
        return nil
      }
      return .parameter(name)
    }
    if let list = node.sequence {
      if list.isEmpty { problems.add(field, at: node.mark, "is empty; there is at least one item") }
      let items = list.enumerated().compactMap { item($0.element, "\(field)[\($0.offset)]") }
      for item in items {
        if case .fields(let fields, _) = item {
          known.words.formUnion(fields.keys.map { "\(variable).\($0)" })
        }
      }
      return .list(items)
    }
    let fields = YAMLFields(node, path: field, known: ["inventory", "file"], problems: problems)
    switch (fields.node("inventory") != nil, fields.node("file") != nil) {
    case (true, false):
      known.words.formUnion(InventoryServer.fieldNames.map { "\(variable).\($0)" })
      return template(fields, "inventory").map { .inventory($0) }
    case (false, true):
      known.open.insert(variable)
      return template(fields, "file").map { .file($0) }
    default:
      // A misspelt key is told already.
      if node.mapping?.allSatisfy({ ["inventory", "file"].contains($0.key.scalar?.string ?? "") }) == true {
        problems.add(field, at: node.mark, "give one of inventory (a group, or a group's file) and file")
      }
      return nil
    }
  }

  private func item(_ node: Node, _ field: String) -> WorkflowFile.Each.Item? {
    guard let mapping = node.mapping else { return template(node, field).map { .text($0) } }
    var fields: [String: Template] = [:]
    for (key, value) in mapping {
      let name = key.scalar?.string ?? ""
      guard Self.isParameterName(name) else {
        problems.add(
          "\(field).\(name)", at: key.mark, "'\(name)' is no name; use letters, digits, '_' and '-'")
        continue
      }
      fields[name] = template(value, "\(field).\(name)")
    }
    return .fields(fields, place(node, field))
  }
}

extension Quantity {
  /// Whether it is more than none.
  fileprivate var isSize: Bool {
    switch self {
    case .count(let count): count >= 1
    case .percent(let percent): (1...100).contains(percent)
    }
  }
}

/// A server as a loop over an inventory sees it.
public struct InventoryServer: Sendable, Equatable {
  public var host: String
  public var address: String
  public var port: Int
  public var site: String?
  public var directory: String

  static let fieldNames = ["host", "address", "port", "site", "directory"]

  public init(host: String, address: String, port: Int, site: String?, directory: String) {
    self.host = host
    self.address = address
    self.port = port
    self.site = site
    self.directory = directory
  }

  /// The servers of a group, each at its own site or the group's.
  public static func all(of group: Group) -> [InventoryServer] {
    group.servers.map {
      InventoryServer(
        host: $0.host, address: $0.address, port: $0.port, site: $0.site ?? group.site,
        directory: $0.directory)
    }
  }

  var fields: [String: String] {
    ["host": host, "address": address, "port": "\(port)", "site": site ?? "", "directory": directory]
  }
}
