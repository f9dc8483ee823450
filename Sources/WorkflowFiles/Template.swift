/// Text of a workflow file with `${names}` in it.
///
/// Names are found after YAML was read, and their values are put in as they are: no value is read as YAML, as a
/// second argument or as a name again. `$${` stands for `${`.
public struct Template: Sendable, Equatable {
  enum Piece: Sendable, Hashable {
    case text(String)
    case name(String)
  }

  let pieces: [Piece]
  let place: Place

  /// - Throws: what is wrong with it, in a sentence.
  init(_ text: String, at place: Place) throws(Wrong) {
    var pieces: [Piece] = []
    var rest = text[...]
    var plain = ""
    while let dollar = rest.firstIndex(of: "$") {
      plain += rest[..<dollar]
      rest = rest[dollar...]
      if rest.hasPrefix("$${") {
        plain += "${"
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("${") {
        guard let end = rest.firstIndex(of: "}") else {
          throw Wrong("'\(rest.prefix(20))' has no closing }; write $${ for the two characters ${")
        }
        let name = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
        guard Self.isName(name) else {
          throw Wrong("'${\(name)}' is no name; letters, digits, '_', '-' and one '.' are allowed, no blanks")
        }
        if !plain.isEmpty { pieces.append(.text(plain)) }
        plain = ""
        pieces.append(.name(name))
        rest = rest[rest.index(after: end)...]
      } else {
        plain += "$"
        rest = rest.dropFirst()
      }
    }
    plain += rest
    if !plain.isEmpty || pieces.isEmpty { pieces.append(.text(plain)) }
    self.pieces = pieces
    self.place = place
  }

  /// Text without names.
  init(literal: String, at place: Place) {
    pieces = [.text(literal)]
    self.place = place
  }

  struct Wrong: Error {
    let message: String
    init(_ message: String) { self.message = message }
  }

  var names: [String] {
    pieces.compactMap { if case .name(let name) = $0 { name } else { nil } }
  }

  /// The one name that the whole text is.
  var wholeName: String? {
    guard pieces.count == 1, case .name(let name) = pieces[0] else { return nil }
    return name
  }

  /// The text with values in the place of names.
  func filled(_ scope: Scope) -> String {
    pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .name(let name): scope.values[name]?.text ?? ""
      }
    }.joined()
  }

  private static func isName(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return (1...2).contains(parts.count)
      && parts.allSatisfy { part in
        guard let first = part.utf8.first, !(48...57).contains(first), first != UInt8(ascii: "-") else {
          return false
        }
        return part.utf8.allSatisfy {
          (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
            || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
      }
  }
}

/// Where something stands in the file.
public struct Place: Sendable, Equatable {
  var line: Int
  var column: Int
  /// The path to the value: `steps[2].run[1]`.
  var field: String
}

/// What names stand for, in one place of the file.
struct Scope: Sendable {
  struct Value: Sendable, Equatable {
    var text: String
    /// Where it is a whole value of a task's input, it is a number or a truth value there.
    var kind = Parameter.Kind.text
  }

  var values: [String: Value] = [:]
}
