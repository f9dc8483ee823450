/// Rows in columns as wide as their widest cell, with two spaces between.
public struct Table: Sendable {
  public enum Alignment: Sendable { case left, right }

  private let heads: [(title: String, alignment: Alignment)]
  private var rows: [[Line]] = []

  public init(_ heads: [(title: String, alignment: Alignment)]) {
    self.heads = heads
  }

  /// Columns aligned to the left.
  public init(_ titles: String...) {
    self.init(titles.map { ($0, .left) })
  }

  /// One cell for each column; what is missing stays empty.
  public mutating func add(_ cells: [Line]) {
    rows.append(cells + Array(repeating: Line(), count: max(0, heads.count - cells.count)))
  }

  public var lines: [Line] {
    let widths = heads.indices.map { column in
      max(heads[column].title.count, rows.map { $0[column].width }.max() ?? 0)
    }
    let head = heads.map { Line($0.title, .faint) }
    return ([head] + rows).map { row in
      var line = Line()
      for (column, cell) in row.prefix(heads.count).enumerated() {
        let space = Line(String(repeating: " ", count: widths[column] - cell.width))
        let last = column == heads.count - 1
        line += heads[column].alignment == .right ? space + cell : (last ? cell : cell + space)
        if !last { line += "  " }
      }
      return line
    }
  }
}
