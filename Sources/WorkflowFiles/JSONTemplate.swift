/// The input of a Swift task: any YAML, with `${names}` in its texts.
enum JSONTemplate: Sendable, Equatable {
  case null
  case flag(Bool)
  /// As it is written.
  case number(String)
  case text(Template)
  case list([JSONTemplate])
  case object([(key: String, value: JSONTemplate)])

  static func == (a: JSONTemplate, b: JSONTemplate) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.flag(let a), .flag(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.text(let a), .text(let b)): a == b
    case (.list(let a), .list(let b)): a == b
    case (.object(let a), .object(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.key == $1.key && $0.value == $1.value }
    default: false
    }
  }

  var templates: [Template] {
    switch self {
    case .null, .flag, .number: []
    case .text(let template): [template]
    case .list(let items): items.flatMap(\.templates)
    case .object(let fields): fields.flatMap(\.value.templates)
    }
  }

  /// The JSON, in the order of the file. A text that is one name takes the kind of its value.
  func filled(_ scope: Scope) -> String {
    switch self {
    case .null: "null"
    case .flag(let flag): flag ? "true" : "false"
    case .number(let number): number
    case .text(let template):
      switch template.wholeName.flatMap({ scope.values[$0] }) {
      case let value? where value.kind == .number || value.kind == .flag: value.text
      default: Self.quoted(template.filled(scope))
      }
    case .list(let items): "[" + items.map { $0.filled(scope) }.joined(separator: ",") + "]"
    case .object(let fields):
      "{" + fields.map { Self.quoted($0.key) + ":" + $0.value.filled(scope) }.joined(separator: ",") + "}"
    }
  }

  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case "\r": out += "\\r"
      case _ where scalar.value < 32:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
