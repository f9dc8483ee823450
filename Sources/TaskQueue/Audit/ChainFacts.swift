/// What an audit remembers of a chain: little, since there may be very many.
struct ChainFacts: Sendable, Equatable {
  let state: ChainStatus.State
  let generation: Int
  let cursor: Int
  /// Some of its links have a plan of their own.
  let isPlanned: Bool
  let started: Bool
  /// When it ended, if it has.
  let endedAt: Int64?
  let holder: String?
  let queue: String
  let group: String?
  let createdAt: Int64
  /// Whether it is to vanish at some time.
  let expires: Bool
  /// The concurrency key that it holds.
  let key: String?

  var hasEnded: Bool { state == .finished || state == .dead || state == .cancelled }
}

extension ChainFacts {
  /// Reads the fields `v`, `d` and `K` of a chain; nil where they can't be read.
  ///
  /// - Parameter ttl: as PTTL answers.
  init?(v: String?, d: String?, key: String?, ttl: Int) {
    let words = v?.split(separator: " ") ?? []
    let placed = d?.split(separator: " ") ?? []
    guard words.count == 7, placed.count == 8, let state = ChainStatus.State(rawValue: String(words[0])),
      let generation = Int(words[1]), let cursor = Int(words[2]), words[4].count == 2,
      let createdAt = Int64(placed[7])
    else { return nil }
    self.state = state
    self.generation = generation
    self.cursor = cursor
    isPlanned = words[4] >= "2"
    started = words[4].hasSuffix("1")
    let ended = state == .finished || state == .dead || state == .cancelled
    endedAt = ended ? Int64(words[5]) : nil
    holder = state == .granted ? String(words[6]) : nil
    queue = String(placed[0])
    group = placed[4] == "~" ? nil : String(placed[4])
    self.createdAt = createdAt
    expires = ttl >= 0
    self.key = key
  }
}

/// What an audit reads of a group.
struct GroupFacts: Sendable, Equatable {
  let isSealed: Bool
  let hasFired: Bool
  let left: Int?
  let members: Int
}

/// Something that may be broken, or may only have moved while everything was read.
struct Suspicion: Sendable, Hashable {
  let check: AuditCheck
  let subject: String
  var detail = ""
  /// The chain and its generation, where the suspicion is about one: it is void once the chain has moved on.
  var chain: String?
  var generation: Int?
}
