import Rollout
import Testing

/// A story of one release, as text that an operator reads:
///
///     two failures, in batches 1 and 3, brake there
///     fleet:12 r:25 fails:2,7@VERIFY
///     > start run
///     = BRAKED F=2/2 | b:S vS SS vS -- -- -
///
/// The first line is its name, the second the fleet, its config and what goes wrong. A line with `>` is what
/// people, time and the fleet do, one word after another; a line with `=` is how things stand then. Servers
/// are numbers: 7 is web-07.
///
/// Batches stand after the bar, `b:` before the bastion's, a letter a server, in the plan's order:
/// `-` PENDING, `>` under way, `S` SUCCESS, `K` SKIPPED, `X` EXCLUDED, `R` REVOKED; failed at a stage:
/// `m` Markdown, `d` Download, `i` Install, `v` Verify, `u` Markup; done with it and at rest: `V` Verify.
struct Scenario: Sendable, CustomTestStringConvertible {
  var name: String
  var fleet: String
  /// What is done and what is expected, line by line.
  var lines: [Line]

  struct Line: Sendable {
    enum Kind: Sendable { case done, expected }
    var kind: Kind
    var words: [String]
    var text: String
  }

  var testDescription: String { name }

  /// Reads stories that are separated by blank lines.
  static func read(_ text: String) -> [Scenario] {
    var stories: [[String]] = [[]]
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let line = line.trimmingSpaces()
      if line.isEmpty {
        stories.append([])
      } else {
        stories[stories.count - 1].append(line)
      }
    }
    return stories.filter { !$0.isEmpty }.map { story in
      precondition(story.count >= 3, "a story has a name, a fleet and what happens: \(story)")
      return Scenario(name: story[0], fleet: story[1], lines: story.dropFirst(2).map(Line.init))
    }
  }
}

extension Scenario.Line {
  init(_ text: String) {
    precondition(text.hasPrefix("> ") || text.hasPrefix("= "), "neither done (>) nor expected (=): \(text)")
    self.init(
      kind: text.hasPrefix(">") ? .done : .expected,
      words: text.dropFirst(2).split(separator: " ").map(String.init), text: text)
  }
}

extension StringProtocol {
  func trimmingSpaces() -> String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  /// `a:b` as its two parts; the second is empty where there is no colon.
  func parts(at separator: Character = ":") -> (String, String) {
    guard let index = firstIndex(of: separator) else { return (String(self), "") }
    return (String(self[..<index]), String(self[self.index(after: index)...]))
  }
}

/// 7 → `web-07`; a name that is no number stands as it is.
func hostname(_ number: some StringProtocol) -> String {
  number.count == 1 ? "web-0\(number)" : "web-\(number)"
}

/// `3,5,9…12` as hostnames.
func hostnames(_ list: String) -> [String] {
  list.split(separator: ",").flatMap { part -> [String] in
    let ends = part.split(separator: "…")
    guard ends.count == 2, let first = Int(ends[0]), let last = Int(ends[1]) else { return [hostname(part)] }
    return (first...last).map { hostname("\($0)") }
  }
}
