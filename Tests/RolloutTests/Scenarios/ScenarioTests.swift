import Rollout
import Testing

/// The stories of releases, each told and checked line by line.
@Suite struct ScenarioTests {
  static let all: [Scenario] = [
    planning, bastions, brakes, insideBatches, secondGates, waits, deadlines, retries, ends, aborts,
    rollbacks,
    coordinators, degradations, scaleOuts, dayTwos, states, resumptions, failures, counts, gatesOfKinds,
    times,
    limits, skips, revisions, endings, takingsBack, policies,
  ].flatMap(Scenario.read)

  @Test(arguments: all) func scenario(_ scenario: Scenario) {
    if let report = scenario.differences() { Issue.record(Comment(rawValue: report)) }
  }

  @Test func thereAreEnoughOfThem() {
    #expect(Self.all.count >= 80)
    #expect(Set(Self.all.map(\.name)).count == Self.all.count, "two stories have the same name")
  }

  /// The format shows what differs, line by line, and where.
  @Test func aDifferenceIsShown() throws {
    let scenario = try #require(
      Scenario.read(
        """
        wrong
        fleet:3
        > start run
        = SUCCESS F=1/1 | b:S S v
        """
      ).first)
    let report = try #require(scenario.differences())
    #expect(
      report == """
        wrong
          fleet:3
          > start run
        expected  = SUCCESS F=1/1 | b:S S v
        seen      = SUCCESS F=0/1 | b:S S S
                              ^           ^
        """)
  }
}

extension Scenario {
  /// The story with what was seen beside what was expected; nil where they agree.
  func differences() -> String? {
    var (report, agrees) = ([name, "  " + fleet], true)
    do {
      var play: Play?
      do {
        play = try Play(try Setting(fleet))
      } catch let refusal as PlanRefusal {
        let seen = "= refused \(refusal)"
        let expected = lines.map(\.text).joined(separator: " ")
        let part = expected.dropFirst("= refused ".count)
        if expected.hasPrefix("= refused "), seen.contains(part) { return nil }
        return (report + ["expected  " + expected, "seen      " + seen]).joined(separator: "\n")
      }
      for line in lines {
        switch line.kind {
        case .done:
          report.append("  " + line.text)
          for word in line.words { try play?.perform(word) }
        case .expected:
          let seen = play?.seen(asked: line.words) ?? ""
          if seen == line.text {
            report.append("  " + line.text)
          } else {
            agrees = false
            report += ["expected  " + line.text, "seen      " + seen, "          " + marks(line.text, seen)]
          }
        }
      }
    } catch {
      agrees = false
      report.append("thrown    \(error)")
    }
    return agrees ? nil : report.joined(separator: "\n")
  }

  /// A mark under every place where two lines differ.
  private func marks(_ a: String, _ b: String) -> String {
    let (a, b) = (Array(a), Array(b))
    let marks = (0..<max(a.count, b.count)).map { index in
      index < a.count && index < b.count && a[index] == b[index] ? " " : "^"
    }
    return String(marks.joined().reversed().drop { $0 == " " }.reversed())
  }
}
