import FoundationEssentials

/// A grey picture in a format that needs no library, PGM: `P5`, width and height, `255`, a byte for each point.
struct Picture {
  struct Missing: Error { var path: String }
  struct Unreadable: Error { var path: String }

  let width: Int
  let height: Int
  let points: [UInt8]

  init(contentsOf path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { throw Missing(path: path) }
    let lines = try Data(contentsOf: URL(filePath: path))
      .split(separator: UInt8(ascii: "\n"), maxSplits: 3, omittingEmptySubsequences: false)
    let words = lines.prefix(3).map { String(decoding: $0, as: UTF8.self) }
    let size = words.dropFirst().first?.split(separator: " ").compactMap { Int($0) } ?? []
    guard lines.count == 4, words[0] == "P5", words[2] == "255", size.count == 2,
      size.allSatisfy((1...32_768).contains),
      lines[3].count == size[0] * size[1]
    else { throw Unreadable(path: path) }
    (width, height, points) = (size[0], size[1], [UInt8](lines[3]))
  }

  init(width: Int, height: Int, points: [UInt8]) {
    (self.width, self.height, self.points) = (width, height, points)
  }

  /// Each point is the mean of those that it stands for. A picture is never made larger.
  func shrunk(to wanted: Int) -> Picture {
    let columns = min(max(1, wanted), width)
    let rows = max(1, height * columns / width)
    let points = (0..<rows).flatMap { row in
      (0..<columns).map { column in
        mean(
          rows: row * height / rows..<(row + 1) * height / rows,
          columns: column * width / columns..<(column + 1) * width / columns)
      }
    }
    return Picture(width: columns, height: rows, points: points)
  }

  private func mean(rows: Range<Int>, columns: Range<Int>) -> UInt8 {
    let sums = rows.map { row in columns.reduce(0) { $0 + Int(points[row * width + $1]) } }
    return UInt8(sums.reduce(0, +) / (rows.count * columns.count))
  }

  /// In one step: whoever looks sees a whole picture or none.
  func write(to path: String) throws {
    let head = Data("P5\n\(width) \(height)\n255\n".utf8)
    try (head + points).write(to: URL(filePath: path), options: .atomic)
  }
}
