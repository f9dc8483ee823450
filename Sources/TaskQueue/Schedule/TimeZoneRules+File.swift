extension TimeZoneRules {
  /// Reads a zone file, RFC 9636 (before it RFC 8536): the older block of 32-bit times, then in every newer
  /// file the same with 64 bits, and a line with the rule for all later years.
  ///
  /// nil for what is no such file, is damaged, or counts leap seconds, which no clock of ours does.
  init?(name: String, file: [UInt8]) {
    guard file.count <= 1 << 20, var block = Block(file, at: 0, wide: false) else { return nil }
    var rule: YearlyRule?
    if block.version >= 2 {
      guard let wide = Block(file, at: block.end, wide: true) else { return nil }
      block = wide
      let rest = file[block.end...]
      guard rest.first == UInt8(ascii: "\n"), let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "\n"))
      else {
        return nil
      }
      let line = rest[(block.end + 1)..<end]
      if !line.isEmpty {
        rule = YearlyRule(line)
        if rule == nil { return nil }
      }
    }
    self.init(name: name, first: block.first, changes: block.changes, rule: rule)
  }

  private struct Block {
    let version: Int
    let changes: [Change]
    let first: Int
    let end: Int

    init?(_ file: [UInt8], at start: Int, wide: Bool) {
      guard file.count >= start + 44, file[start..<(start + 4)].elementsEqual("TZif".utf8) else { return nil }
      version = file[start + 4] == 0 ? 1 : Int(file[start + 4]) - 48
      func number(_ at: Int, _ bytes: Int) -> Int {
        let bits = file[at..<(at + bytes)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return bytes == 4 ? Int(Int32(truncatingIfNeeded: bits)) : Int(Int64(bitPattern: bits))
      }
      // UT marks, standard-time marks, leap seconds, changes, types, characters of names.
      let counts = (0..<6).map { number(start + 20 + 4 * $0, 4) }
      guard counts.allSatisfy({ (0...65_536).contains($0) }), counts[2] == 0, (1...256).contains(counts[4])
      else {
        return nil
      }
      let width = wide ? 8 : 4
      let (times, indexes) = (start + 44, start + 44 + counts[3] * width)
      let types = indexes + counts[3]
      end = types + counts[4] * 6 + counts[5] + counts[1] + counts[0]
      guard end <= file.count else { return nil }
      let offsets = (0..<counts[4]).map { number(types + 6 * $0, 4) }
      guard offsets.allSatisfy({ $0.magnitude < 26 * 3_600 }) else { return nil }
      var changes: [Change] = []
      changes.reserveCapacity(counts[3])
      for index in 0..<counts[3] {
        let (at, type) = (number(times + width * index, width), Int(file[indexes + index]))
        guard type < offsets.count, changes.last.map({ $0.at < at }) ?? true,
          at.magnitude < TimeZoneRules.ever.magnitude
        else {
          return nil
        }
        changes.append(Change(at: at, offset: offsets[type]))
      }
      self.changes = changes
      first = offsets[0]
    }
  }
}
