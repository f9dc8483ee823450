/// The "did you mean" of an error: the word of a list that a slip of the keyboard would have made.
public enum NearestWord {
  /// The closest of `words` by edit distance, ignoring case; nil where none is near enough to be meant.
  public static func to(_ word: String, among words: some Collection<String>) -> String? {
    let wanted = Array(word.lowercased().unicodeScalars)
    guard wanted.count <= 64 else { return nil }
    let nearest = words.map { ($0, distance(wanted, Array($0.lowercased().unicodeScalars))) }
      .min { $0.1 < $1.1 }
    guard let nearest, nearest.1 <= max(1, wanted.count / 3) else { return nil }
    return nearest.0
  }

  /// Edits (insert, delete, replace, swap of neighbours) that lead from one to the other.
  private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    var rows = [Array(0...b.count)]
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
