package import Yams

/// Notes what is wrong with a file, so that one reading reports it all.
package final class ProblemList {
  package let file: String
  /// What the file describes: `a group`.
  package let subject: String
  private var problems: [FileProblem] = []
  /// What is allowed, and may be regretted; in the order in which it was found.
  package private(set) var warnings: [FileProblem] = []

  package init(file: String, subject: String) {
    self.file = file
    self.subject = subject
  }

  package func add(_ field: String, at mark: Mark?, _ message: String) {
    add(field, line: mark?.line ?? 1, column: mark?.column ?? 1, message)
  }

  package func add(_ field: String, line: Int, column: Int, _ message: String) {
    problems.append(
      FileProblem(file: file, line: line, column: column, field: field, message: message))
  }

  package func warn(_ field: String, at mark: Mark?, _ message: String) {
    warnings.append(
      FileProblem(
        file: file, line: mark?.line ?? 1, column: mark?.column ?? 1, field: field, message: message))
  }

  package func add(_ problem: FileProblem) { problems.append(problem) }

  /// Takes over what is wrong with another file.
  package func take(_ other: ProblemList) { problems += other.problems }

  package var inOrder: [FileProblem] {
    problems.sorted { ($0.file, $0.line, $0.column) < ($1.file, $1.line, $1.column) }
  }

  /// The file as YAML; what is wrong with that is noted, and reads as nil.
  /// - Parameter least: what an empty file is told to have.
  package func root(of yaml: String, least: String) -> Node? {
    do {
      guard let root = try compose(yaml: yaml) else {
        add("", at: nil, "the file is empty; \(subject) needs at least \(least)")
        return nil
      }
      return root
    } catch let error as YamlError {
      let (mark, message) = Self.explain(error)
      if let line = Self.tab(in: yaml, near: mark?.line) {
        add("", line: line, column: 1, "not YAML: the line is indented with a tab; use spaces")
      } else {
        add("", at: mark, message)
      }
    } catch {
      add("", at: nil, "not YAML: \(error)")
    }
    return nil
  }

  /// The line at a place, or next to it, that is indented with a tab: YAML's own words for that help nobody.
  private static func tab(in yaml: String, near line: Int?) -> Int? {
    guard let line else { return nil }
    let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
    return [line, line - 1, line + 1].first { number in
      lines.indices.contains(number - 1)
        && lines[number - 1].prefix { $0 == " " || $0 == "\t" }.contains("\t")
    }
  }

  private static func explain(_ error: YamlError) -> (Mark?, String) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      (mark, "not YAML: \(problem)")
    case .reader(let problem, _, _, _):
      (nil, "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      (context.mark, "the key \(duplicates.joined(separator: ", ")) is given twice; keep one")
    default:
      (nil, "not YAML: \(error)")
    }
  }
}
