package import Yams

/// One mapping of a YAML file, read field by field. A field that is missing or wrong is noted in the list and
/// reads as nil, so that reading goes on to the next.
package struct YAMLFields {
  package let path: String
  package let mark: Mark?
  package let problems: ProblemList
  private let values: [String: Node]

  /// Notes a node that is no mapping, and every key that is not `known`.
  package init(_ node: Node, path: String, known: [String], problems: ProblemList) {
    self.path = path
    self.mark = node.mark
    self.problems = problems
    var values: [String: Node] = [:]
    if let mapping = node.mapping {
      for (key, value) in mapping {
        let name = key.scalar?.string ?? ""
        if known.contains(name) {
          values[name] = value
        } else {
          let meant = NearestWord.to(name, among: known).map { "did you mean \($0)? " } ?? ""
          problems.add(
            Self.join(path, name), at: key.mark,
            "unknown key; \(meant)\(path.isEmpty ? problems.subject : path) has: \(known.joined(separator: ", "))"
          )
        }
      }
    } else {
      problems.add(path, at: node.mark, "expected keys and values (\(known.joined(separator: ", ")))")
    }
    self.values = values
  }

  package func field(_ key: String) -> String { Self.join(path, key) }

  /// Where the key's value stands, or else the mapping.
  package func mark(_ key: String) -> Mark? { values[key]?.mark ?? mark }

  /// The key's value where it is given and not null.
  package func node(_ key: String) -> Node? {
    guard let node = values[key] else { return nil }
    if let scalar = node.scalar, scalar.style == .plain, ["", "~", "null"].contains(scalar.string) {
      return nil
    }
    return node
  }

  package func wrong(_ key: String, _ message: String) {
    problems.add(field(key), at: mark(key), message)
  }

  package func required(_ key: String, _ what: String) {
    if node(key) == nil { wrong(key, "is missing; it is \(what)") }
  }

  package func text(_ key: String) -> String? {
    guard let node = node(key) else { return nil }
    guard let scalar = node.scalar else {
      wrong(key, "expected one value, not a list or a mapping")
      return nil
    }
    return scalar.string
  }

  package func name(_ key: String, _ rule: NameRule) -> String? {
    guard let text = text(key) else { return nil }
    guard rule.accepts(text) else {
      wrong(key, "'\(text)' is not allowed; use \(rule.allowed)")
      return nil
    }
    return text
  }

  package func integer(_ key: String, in range: ClosedRange<Int>, what: String) -> Int? {
    guard let text = text(key) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      wrong(key, "\(text) is not \(what); use \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return number
  }

  package func flag(_ key: String) -> Bool? {
    guard let text = text(key) else { return nil }
    switch text {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    default:
      wrong(key, "'\(text)' is neither true nor false")
      return nil
    }
  }

  package func duration(_ key: String) -> Int64? {
    guard let text = text(key) else { return nil }
    guard let milliseconds = DurationText.milliseconds(text) else {
      wrong(key, "'\(text)' is not a duration; write \(DurationText.allowed)")
      return nil
    }
    return milliseconds
  }

  package func choice(_ key: String, of choices: [String]) -> String? {
    guard let text = text(key) else { return nil }
    guard choices.contains(text) else {
      wrong(key, "'\(text)' is not a choice; use \(choices.joined(separator: " or "))")
      return nil
    }
    return text
  }

  /// An absolute path without `..` in it.
  package func path(_ key: String) -> String? {
    guard let text = text(key) else { return nil }
    let parts = text.split(separator: "/")
    guard text.hasPrefix("/"), !parts.contains(".."), !parts.contains("."), !parts.isEmpty,
      !text.unicodeScalars.contains(where: { $0.value < 32 })
    else {
      wrong(key, "'\(text)' is not allowed; use an absolute path without '..'")
      return nil
    }
    return text
  }

  private static func join(_ path: String, _ key: String) -> String {
    path.isEmpty ? key : "\(path).\(key)"
  }
}
