import Processes
import Testing

@Suite struct OutputRecordTests {
  /// Feeds pieces, and returns what was told.
  private func told(
    _ pieces: [(GroupRun.Source, String)], _ change: (inout OutputRecord.Bounds) -> Void = { _ in }
  ) -> (lines: [String], record: OutputRecord) {
    var bounds = OutputRecord.Bounds()
    change(&bounds)
    var record = OutputRecord(bounds)
    var lines: [String] = []
    for (source, piece) in pieces {
      Array(piece.utf8).withUnsafeBytes { record.take(source, $0) { lines.append($0) } }
    }
    record.finish { lines.append($0) }
    return (lines, record)
  }

  @Test func linesAreWholeHoweverTheyCome() {
    let (lines, record) = told([
      (.output, "on"), (.error, "a wor"), (.output, "e\ntwo\n\n"), (.error, "d\r\n"), (.output, "end"),
    ])
    #expect(lines == ["one", "two", "", "a word", "end"])
    #expect(record.lastLines == ["one", "two", "a word", "end"])
    #expect(record.lines == 5)
    #expect(record.note == nil)
  }

  @Test func aLongLineIsCutAndSaysSo() {
    let (lines, record) = told([(.output, String(repeating: "x", count: 150) + "\nshort\n")]) {
      $0.lineBytes = 100
    }
    #expect(lines.prefix(2) == [String(repeating: "x", count: 100) + " … (50 bytes more)", "short"])
    #expect(record.droppedBytes == 50)
    #expect(record.droppedLines == 0)
  }

  @Test func tooManyLinesAreCounted() {
    let text = (1...1_000).map { "line \($0)\n" }.joined()
    let (lines, record) = told([(.output, text)]) { $0.lines = 10 }
    #expect(lines.count == 11)
    #expect(lines[9] == "line 10")
    #expect(lines[10].hasPrefix("… 990 lines and "))
    #expect(record.lines == 1_000)
    #expect(record.droppedLines == 990)
    #expect(record.lastLines == (981...1_000).map { "line \($0)" })
  }

  /// A flood in large pieces is skipped over, and still every line and byte is counted.
  @Test func aFloodIsCountedToTheLine() {
    let piece = String(repeating: "0123456789abcde\n", count: 4_096)
    let (lines, record) = told(Array(repeating: (.output, piece), count: 50) + [(.output, "the end\n")]) {
      $0.bytes = 1_600
    }
    #expect(lines.count == 101)
    #expect(record.lines == 50 * 4_096 + 1)
    #expect(record.droppedLines == 50 * 4_096 + 1 - 100)
    #expect(record.bytes == 50 * 65_536 + 8)
    #expect(record.lastLines.last == "the end")
  }

  @Test func standardOutputIsKeptToItsBound() {
    let (_, record) = told([(.output, "abc"), (.error, "no"), (.output, "defgh")]) { $0.kept = 6 }
    #expect(record.kept == Array("abcdef".utf8))
    #expect(record.keptIsCut)
    #expect(told([(.output, "abc")]) { $0.kept = 3 }.record.keptIsCut == false)
  }

  /// Whichever pipe was read first.
  @Test func whatWentWrongIsAmongTheLastLines() {
    let flood = (1...100).map { "\($0)\n" }.joined()
    let (_, record) = told([(.error, "no room\n"), (.output, flood)])
    #expect(record.lastLines == ["no room"] + (82...100).map { "\($0)" })
    let (_, other) = told([(.output, flood), (.error, flood + "no room\n"), (.output, "bye\n")])
    #expect(other.lastLines == (83...100).map { "\($0)" } + ["no room", "bye"])
  }

  @Test func lastLinesAreFewAndSmall() {
    let (_, record) = told([
      (.output, String(repeating: String(repeating: "y", count: 400) + "\n", count: 30))
    ])
    #expect(record.lastLines.count == 7)
  }
}
