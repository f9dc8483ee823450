/// What a worker can be told from afar; it hears it with its next beat.
public enum WorkerCommand: Sendable, Equatable, CustomStringConvertible {
  /// Take nothing new; what runs runs on.
  case quiet
  /// Take work again.
  case work
  /// So many links at once from now on.
  case resize(Int)
  /// Shut down gracefully.
  case stop

  public var description: String {
    switch self {
    case .quiet: "quiet"
    case .work: "work"
    case .resize(let count): "resize \(count)"
    case .stop: "stop"
    }
  }

  init?(_ text: String) {
    let words = text.split(separator: " ")
    switch (words.first, words.count) {
    case ("quiet", 1): self = .quiet
    case ("work", 1): self = .work
    case ("stop", 1): self = .stop
    case ("resize", 2):
      guard let count = Int(words[1]), (1...10_000).contains(count) else { return nil }
      self = .resize(count)
    default: return nil
    }
  }
}
