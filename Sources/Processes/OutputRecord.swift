#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What a program writes, cut into lines and kept within bounds, whatever it writes.
///
/// A value: pieces go in, lines to be told come out. What is beyond a bound is counted and not kept.
package struct OutputRecord: Sendable {
  package struct Bounds: Sendable, Equatable {
    /// Bytes of a line; the rest of it is cut off.
    package var lineBytes = 4_096
    /// Lines that are told.
    package var lines = 10_000
    /// Bytes that are told.
    package var bytes = 1_048_576
    /// Bytes of standard output that are kept as they are.
    package var kept = 0
    /// Last lines that are kept, and bytes of them.
    package var lastLines = 20
    package var lastBytes = 3_000

    package init() {}
  }

  package let bounds: Bounds
  /// The first bytes of standard output.
  package private(set) var kept: [UInt8] = []
  /// Lines and bytes that were written.
  package private(set) var lines = 0
  package private(set) var bytes = 0
  /// Lines and bytes that were not told; a line that was cut counts with the bytes it lost.
  package private(set) var droppedLines = 0
  package private(set) var droppedBytes = 0
  package private(set) var keptIsCut = false

  private var pending: [GroupRun.Source: [UInt8]] = [:]
  /// Bytes of the pending line beyond its bound.
  private var excess: [GroupRun.Source: Int] = [:]
  private var told = (lines: 0, bytes: 0)
  private var last: [GroupRun.Source: [LastLine]] = [:]

  private struct LastLine {
    /// How many lines came before it.
    let number: Int
    let text: String
  }

  package init(_ bounds: Bounds = Bounds()) { self.bounds = bounds }

  private var isFull: Bool { told.lines >= bounds.lines || told.bytes >= bounds.bytes }

  /// Takes a piece in; the lines that it completed are told, unless the bounds are reached.
  package mutating func take(
    _ source: GroupRun.Source, _ piece: UnsafeRawBufferPointer, tell: (String) -> Void
  ) {
    bytes += piece.count
    if source == .output {
      let room = min(bounds.kept - kept.count, piece.count)
      kept += piece.prefix(room)
      if room < piece.count, bounds.kept > 0 { keptIsCut = true }
    }
    var rest = piece[...]
    // Once nothing more is told, only the end of a piece is worth looking at line by line.
    let worth = 2 * bounds.lastBytes
    if isFull, rest.count > worth {
      let skipped = rest.dropLast(worth)
      let ends = Self.ends(in: UnsafeRawBufferPointer(rebasing: skipped))
      lines += ends
      droppedLines += ends
      droppedBytes += skipped.count + (pending[source]?.count ?? 0)
      pending[source] = nil
      excess[source] = nil
      rest = rest.dropFirst(skipped.count)
    }
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      add(source, rest[..<end])
      close(source, tell)
      rest = rest[rest.index(after: end)...]
    }
    add(source, rest)
  }

  /// The program has ended: what it wrote without a line's end is a line.
  package mutating func finish(tell: (String) -> Void) {
    for source in [GroupRun.Source.output, .error] where pending[source]?.isEmpty == false {
      close(source, tell)
    }
    if let note { tell(note) }
  }

  /// What was left out, in a sentence; nil where all was told.
  package var note: String? {
    guard droppedLines > 0 || droppedBytes > 0 else { return nil }
    return "… \(droppedLines) lines and \(droppedBytes) bytes were left out:"
      + " \(bounds.lines) lines, \(bounds.bytes) bytes and \(bounds.lineBytes) bytes a line are kept"
  }

  /// The last lines, of both outputs as they came. Half of the room is for standard error where that was written
  /// to: two pipes are read in no certain order, and what went wrong must not be lost behind what went well.
  package var lastLines: [String] {
    let errors = (last[.error] ?? []).suffix(bounds.lastLines / 2)
    let taken = Set(errors.map(\.number))
    let others = last.values.joined().filter { !taken.contains($0.number) }.sorted { $0.number > $1.number }
    var room = bounds.lastBytes
    let fitting = (errors.reversed() + others).prefix(bounds.lastLines).prefix { line in
      room -= line.text.utf8.count + 1
      return room >= 0
    }
    return fitting.sorted { $0.number < $1.number }.map(\.text)
  }

  /// How many lines end in it. A flood has to be read faster than it is written.
  private static func ends(in piece: UnsafeRawBufferPointer) -> Int {
    guard var place = piece.baseAddress else { return 0 }
    let end = place + piece.count
    var count = 0
    while let found = memchr(place, Int32(UInt8(ascii: "\n")), end - place) {
      count += 1
      place = UnsafeRawPointer(found) + 1
    }
    return count
  }

  private mutating func add(_ source: GroupRun.Source, _ part: Slice<UnsafeRawBufferPointer>) {
    let have = pending[source]?.count ?? 0
    let fitting = part.prefix(max(0, bounds.lineBytes - have))
    pending[source, default: []] += fitting
    excess[source, default: 0] += part.count - fitting.count
  }

  private mutating func close(_ source: GroupRun.Source, _ tell: (String) -> Void) {
    var line = pending[source] ?? []
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    let cut = excess[source] ?? 0
    pending[source] = []
    excess[source] = 0
    lines += 1
    let text = String(decoding: line, as: UTF8.self) + (cut > 0 ? " … (\(cut) bytes more)" : "")
    remember(source, text)
    droppedBytes += cut
    if isFull {
      droppedLines += 1
      droppedBytes += line.count
    } else {
      told.lines += 1
      told.bytes += line.count + 1
      tell(text)
    }
  }

  private mutating func remember(_ source: GroupRun.Source, _ line: String) {
    guard !line.isEmpty else { return }
    let text = line.utf8.count <= 500 ? line : String(line.prefix(200)) + " …"
    var mine = last[source] ?? []
    last[source] = nil
    mine.append(LastLine(number: lines, text: text))
    if mine.count >= 2 * bounds.lastLines { mine.removeFirst(mine.count - bounds.lastLines) }
    last[source] = mine
  }
}
