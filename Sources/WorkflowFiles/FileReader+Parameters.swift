import Fleet
import Yams

extension FileReader {
  /// The parameters; their names are known from here on.
  mutating func parameters(_ workflow: YAMLFields) -> [Parameter] {
    guard let node = workflow.node("params") else { return [] }
    guard let mapping = node.mapping else {
      workflow.wrong("params", "expected names and values: { service: shop, hosts: { type: list } }")
      return []
    }
    var all: [Parameter] = []
    for (key, value) in mapping {
      let name = key.scalar?.string ?? ""
      let field = "params.\(name)"
      guard Self.isParameterName(name) else {
        problems.add(
          field, at: key.mark,
          "'\(name)' is not allowed; use letters, digits, '_' and '-', the first a letter")
        continue
      }
      if let parameter = parameter(name, value, field) { all.append(parameter) }
      known.words.insert(name)
      if all.last?.kind == .list { known.lists.insert(name) }
    }
    return all
  }

  private func parameter(_ name: String, _ node: Node, _ field: String) -> Parameter? {
    if let scalar = node.scalar {
      let isNull = scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
      return Parameter(name: name, kind: .text, standard: isNull ? nil : scalar.string)
    }
    let fields = YAMLFields(
      node, path: field, known: ["about", "type", "default", "oneOf"], problems: problems)
    guard node.mapping != nil else { return nil }
    let kind = fields.choice("type", of: Parameter.Kind.allCases.map(\.rawValue))
    var parameter = Parameter(
      name: name, about: fields.text("about"), kind: kind.flatMap(Parameter.Kind.init(rawValue:)) ?? .text)
    if let list = fields.node("oneOf") {
      parameter.oneOf = list.sequence?.compactMap { $0.scalar?.string }
      if parameter.oneOf?.count != list.sequence?.count || parameter.oneOf?.isEmpty != false {
        fields.wrong("oneOf", "expected a list of the values that are allowed")
      }
    }
    if let list = fields.node("default")?.sequence, parameter.kind == .list {
      parameter.standard = list.compactMap { $0.scalar?.string }.joined(separator: ",")
    } else {
      parameter.standard = fields.text("default")
    }
    if let standard = parameter.standard, let problem = parameter.problem(of: standard, trusted: true) {
      fields.wrong("default", problem)
    }
    return parameter
  }

  static func isParameterName(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 64 else { return false }
    func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
    return isLetter(first) && text != "workflow"
      && text.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || $0 == 95 || $0 == 45 }
  }
}

extension Parameter {
  /// What is wrong with a value; nil where it is allowed.
  ///
  /// A value that begins with `-` could be read as an option by the program that gets it: a caller may give one
  /// only where the file lists it.
  /// - Parameter trusted: it stands in the file itself.
  func problem(of value: String, trusted: Bool = false) -> String? {
    if let oneOf {
      let parts = kind == .list ? Self.items(of: value) : [value]
      if let other = parts.first(where: { !oneOf.contains($0) }) {
        let meant = NearestWord.to(other, among: oneOf).map { "did you mean \($0)? " } ?? ""
        return "'\(other)' is not allowed; \(meant)use \(oneOf.joined(separator: " or "))"
      }
    }
    if value.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
      return "a value has no line breaks and no control characters"
    }
    switch kind {
    case .text: break
    case .number:
      guard let number = Int(value) else { return "'\(value)' is not a whole number" }
      guard "\(number)" == value else { return "'\(value)' is not a plain number; write \(number)" }
      return nil
    case .flag:
      return ["true", "false"].contains(value) ? nil : "'\(value)' is neither true nor false"
    case .name:
      return NameRule.host.accepts(value) ? nil : "'\(value)' is no name; use \(NameRule.host.allowed)"
    case .duration:
      let isOne = DurationText.milliseconds(value) != nil
      return isOne ? nil : "'\(value)' is not a duration; write \(DurationText.allowed)"
    case .list:
      if Self.items(of: value).contains("") { return "a list has a comma too many; write a,b,c" }
    }
    if !trusted, oneOf == nil, let option = Self.items(of: value).first(where: { $0.hasPrefix("-") }) {
      return "'\(option)' begins with - and could be taken for an option; the file has to list it under oneOf"
    }
    return nil
  }

  static func items(of list: String) -> [String] {
    list.isEmpty ? [] : list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }
}
