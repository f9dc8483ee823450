import Console
import Testing

@Suite struct LineTests {
  @Test func colourIsAddedOnlyWhereItIsWanted() {
    let line = Line("state ") + Line("BRAKED", .red)
    #expect(line.render(colour: false) == "state BRAKED")
    #expect(line.render(colour: true) == "state \u{1b}[31mBRAKED\u{1b}[0m")
    #expect(line.width == 12)
  }

  @Test func aLineIsCutAtTheEdgeWithoutCountingEscapes() {
    let line = Line("abc", .red) + Line("def", .green)
    #expect(line.render(columns: 5, colour: false) == "abcd…")
    #expect(line.render(columns: 6, colour: false) == "abcdef")
    #expect(line.render(columns: 3, colour: true) == "\u{1b}[31mab\u{1b}[0m…")
  }

  @Test func textFromElsewhereCannotMoveTheCursor() {
    #expect(Line("a\u{1b}[2Jb\r\nc").render(colour: true) == "a·[2Jb··c")
  }

  @Test func columnsAreAsWideAsTheirWidestCell() {
    var table = Table([("host", .left), ("failed", .right), ("note", .left)])
    table.add(["web-1", "3", "a"])
    table.add(["a-long-name", "12"])
    #expect(
      table.lines.map(\.text) == [
        "host         failed  note",
        "web-1             3  a",
        "a-long-name      12  ",
      ])
  }
}
