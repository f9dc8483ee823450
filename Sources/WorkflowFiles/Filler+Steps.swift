import Fleet
import Programs
import Rollout

extension Filler {
  func program(
    _ run: WorkflowFile.RunStep, _ settings: WorkflowFile.Settings, _ scope: Scope, name: Template?
  ) -> ProgramInput {
    var input = ProgramInput(run.arguments.map { $0.filled(scope) })
    input.name = name?.filled(scope)
    input.environment = settings.environment.mapValues { $0.filled(scope) }
    input.inherits = settings.inherits
    let directory = settings.directory?.filled(scope) ?? surroundings.directory
    input.directory = directory.hasPrefix("/") ? directory : surroundings.directory + "/" + directory
    if run.done != nil || run.again != nil {
      input.exitCodes = .init(done: run.done ?? [0], again: run.again)
    }
    input.timeLimit = settings.timeLimit.map { Int($0) }
    if let grace = settings.grace { input.grace = Int(grace) }
    // -1: the file says nothing; the step after it decides.
    input.keepsOutput = run.keepsOutput ?? -1
    if run.lines != nil || run.bytes != nil {
      input.outputBounds = .init(lines: run.lines ?? 10_000, bytes: run.bytes ?? 1_048_576)
    }
    return input
  }

  func rules(_ settings: WorkflowFile.Settings, _ scope: Scope) -> Workflow.Rules {
    var rules = Workflow.Rules()
    if let retry = settings.retry {
      rules.attempts = retry.attempts
      rules.backoff = retry.backoff
      rules.mostBackoff = retry.most
    }
    rules.timeLimit = settings.timeLimit
    rules.hardLimit = settings.hardLimit
    rules.queue = settings.queue
    rules.concurrency = settings.concurrency.map { .init(key: key($0.key, scope), atMost: $0.atMost) }
    rules.rate = settings.rate.map {
      .init(key: key($0.key, scope), count: $0.count, per: $0.per, burst: $0.burst)
    }
    return rules
  }

  func key(_ template: Template, _ scope: Scope) -> String {
    let key = template.filled(scope)
    if !FileReader.isKey(key) { wrong(template.place, "'\(key)' can't be a key: \(FileReader.keyRule)") }
    return key
  }

  // MARK: Items

  /// An item of a loop: its text, and its fields.
  struct Item: Sendable, Equatable {
    var text: String
    var fields: [String: String] = [:]
  }

  /// More would keep Redis busy for too long; a loop of loops reaches as far as needed.
  static let mostItems = 10_000

  func items(_ each: WorkflowFile.Each, _ scope: Scope) async throws -> [Item] {
    let items: [Item]
    switch each.items {
    case .list(let list): items = list.map { item($0, scope) }
    case .parameter(let name):
      items = Parameter.items(of: scope.values[name]?.text ?? "").map { Item(text: $0) }
    case .inventory(let group): items = try await servers(of: group, scope)
    case .file(let file): items = lines(of: file, each, scope)
    }
    if items.count > Self.mostItems {
      wrong(each.place, "has \(items.count) items; \(Self.mostItems) are allowed")
    }
    var seen: Set<String> = []
    if let twice = items.first(where: { !seen.insert($0.text).inserted }) {
      wrong(each.place, "'\(twice.text)' is there twice; each item is one of its own")
    }
    if items.isEmpty, problems.inOrder.isEmpty { wrong(each.place, "there are no items") }
    return items
  }

  private func item(_ item: WorkflowFile.Each.Item, _ scope: Scope) -> Item {
    switch item {
    case .text(let template): return Item(text: template.filled(scope))
    case .fields(let templates, let place):
      let fields = templates.mapValues { $0.filled(scope) }
      guard let title = fields["name"] ?? fields["host"] ?? (fields.count == 1 ? fields.values.first : nil)
      else {
        wrong(place, "an item with several values has a name or a host, by which it is called")
        return Item(text: "?", fields: fields)
      }
      return Item(text: title, fields: fields)
    }
  }

  private func servers(of template: Template, _ scope: Scope) async throws -> [Item] {
    let group = template.filled(scope)
    if group.hasSuffix(".yaml") || group.hasSuffix(".yml") { return servers(ofFile: group, template.place) }
    guard let servers = try await surroundings.inventory(group) else {
      let known = try await surroundings.inventories()
      let meant = NearestWord.to(group, among: known).map { "did you mean \($0)? " } ?? ""
      let words =
        known.isEmpty ? "none is known: drawbar group apply FILE.yaml" : known.joined(separator: ", ")
      wrong(template.place, "there is no group \(group); \(meant)groups: \(words)")
      return []
    }
    return servers.map { Item(text: $0.host, fields: $0.fields) }
  }

  /// The servers of a group's file, for a group that was not applied.
  private func servers(ofFile name: String, _ place: Place) -> [Item] {
    let path = name.hasPrefix("/") ? name : surroundings.directory + "/" + name
    do {
      let group = try GroupFile.parse(try surroundings.read(path), file: path) { _ in "" }
      guard group.cmdb == nil else {
        wrong(
          place,
          "the servers of \(group.name) come from a CMDB and are not in \(name): apply that file, and write inventory: \(group.name)"
        )
        return []
      }
      return InventoryServer.all(of: group).map { Item(text: $0.host, fields: $0.fields) }
    } catch let error as InvalidFile {
      for problem in error.problems { problems.add(problem) }
    } catch {
      wrong(place, "\(error)")
    }
    return []
  }

  /// The lines of a file; empty ones and those that begin with `#` don't count. What ends in `.yaml` is a list.
  private func lines(of template: Template, _ each: WorkflowFile.Each, _ scope: Scope) -> [Item] {
    let name = template.filled(scope)
    let path = name.hasPrefix("/") ? name : surroundings.directory + "/" + name
    let text: String
    do {
      text = try surroundings.read(path)
    } catch {
      wrong(template.place, "\(error)")
      return []
    }
    if path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
      let list = ItemList.parse(text, file: path, problems)
      if let used = each.fieldsUsed.first(where: { field in list.contains { $0.fields[field] == nil } }) {
        wrong(
          template.place, "\(path): not every item has \(used), which ${\(each.variable).\(used)} asks for")
      }
      return list
    }
    let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmed }.filter {
      !$0.isEmpty && $0.first != "#"
    }
    if let field = each.fieldsUsed.first {
      wrong(
        template.place,
        "${\(each.variable).\(field)}: the lines of \(path) have no fields; use ${\(each.variable)}")
    }
    if let option = lines.first(where: { $0.hasPrefix("-") }) {
      wrong(template.place, "\(path): '\(option)' begins with - and could be taken for an option")
    }
    return lines.map { Item(text: $0) }
  }
}

extension Scope {
  func with(_ item: Filler.Item, as name: String) -> Scope {
    var scope = self
    scope.values[name] = .init(text: item.text)
    for (field, value) in item.fields { scope.values["\(name).\(field)"] = .init(text: value) }
    return scope
  }
}

extension String.SubSequence {
  fileprivate var trimmed: String {
    let body = drop { $0.isWhitespace }
    return String(body.reversed().drop { $0.isWhitespace }.reversed())
  }
}
