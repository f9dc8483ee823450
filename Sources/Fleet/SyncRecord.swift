/// How far the syncs of one group have come, as Redis had it at one moment. Says what a caller does next.
///
/// Syncs are numbered: each is a generation, led by one caller and shared by all others that may use what it brings. A
/// caller settles on a generation when it looks first, and then looks until that one, or a later one, has ended.
struct SyncRecord: Sendable, Equatable {
  /// The latest that was begun; 0 before the first.
  var generation = 0
  /// When the one under way began, and when its life is over; nil where none is.
  var holds: Range<Int64>?
  /// The latest that has ended, well or not.
  var ended = 0
  /// When that was, in milliseconds since 1970.
  var endedAt: Int64 = 0
  /// The server's time of the reading, in milliseconds.
  var now: Int64 = 0

  enum Step: Sendable, Equatable {
    /// Ask the source, as the generation after this one.
    case lead(after: Int)
    /// The same, in the place of one whose life is over.
    case takeOver(after: Int)
    /// Look again soon; at the latest after so many milliseconds.
    case wait(of: Int, atMost: Int64)
    /// What is stored is what was waited for.
    case take
  }

  /// The first generation whose result a caller may use that arrives now.
  ///
  /// - Parameter fresh: whether the source must be asked after the arrival. Then the one under way won't do: all who come
  ///   meanwhile share the next.
  func wanted(fresh: Bool) -> Int {
    isUnderWay && !fresh ? generation : generation + 1
  }

  /// What a caller does who waits for a generation.
  func next(for wanted: Int) -> Step {
    if ended >= wanted { return .take }
    guard let holds else { return .lead(after: generation) }
    return isUnderWay
      ? .wait(of: generation, atMost: holds.upperBound - now) : .takeOver(after: generation)
  }

  /// A clock that was set back to before it began says nothing of its life: then nobody waits for it.
  private var isUnderWay: Bool { holds?.contains(now) ?? false }
}
