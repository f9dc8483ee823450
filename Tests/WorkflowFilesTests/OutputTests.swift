import Testing

@testable import TaskQueue
@testable import WorkflowFiles

/// Lines that are not kept are counted where they are missing.
@Suite struct OutputTests {
  private func line(_ generation: Int, _ number: Int) -> LogLine {
    LogLine(link: 0, generation: generation, number: number, text: "text")
  }

  @Test func missingLinesAreCounted() {
    #expect(WorkflowOutput.gap(before: line(1, 0), after: nil).isEmpty)
    #expect(WorkflowOutput.gap(before: line(1, 5), after: line(1, 4)).isEmpty)
    #expect(
      WorkflowOutput.gap(before: line(1, 7), after: line(1, 4)) == ["… 2 lines before this one are not kept"])
    #expect(WorkflowOutput.gap(before: line(3, 0), after: line(1, 4)).isEmpty)
    #expect(WorkflowOutput.gap(before: line(3, 1), after: nil) == ["… 1 lines before this one are not kept"])
  }

  @Test func aLineIsReadAsItWasKept() {
    for text in ["", "two words", " 1.2.3 numbers"] {
      let line = LogLine(link: 2, generation: 7, number: 15, text: text)
      #expect(LogLine(stored: line.stored) == line)
    }
    #expect(LogLine(stored: "by an older version").text == "by an older version")
  }
}
