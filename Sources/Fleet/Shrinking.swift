/// Whether a list of servers may replace the one that is known. A source that errs must not empty a fleet.
enum Shrinking {
  /// - Returns: why it may not; nil where it may.
  static func refusal(known: [Server], answered: [Server]) -> SyncFailure? {
    if answered.isEmpty {
      return SyncFailure(.empty, "the list that came is empty, which is not believed")
    }
    let there = Set(answered.map(\.host))
    let gone = known.map(\.host).filter { !there.contains($0) }.sorted()
    guard gone.count * 2 > known.count else { return nil }
    let named = gone.prefix(3).joined(separator: ", ") + (gone.count > 3 ? ", …" : "")
    return SyncFailure(
      .shrunk,
      "the list that came lacks \(gone.count) of the \(known.count) servers known (\(named)): more than half is not"
        + " believed")
  }
}
