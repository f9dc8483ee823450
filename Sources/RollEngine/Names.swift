import TaskQueue

/// Every name that the engine gives in the queue, spelt in one place.
///
/// A host name holds no `/` and no `@`, so no target's chain can be taken for one of the engine's own.
enum Names {
  /// The queue that coordinators serve.
  static func coordinators() throws -> QueueName { try QueueName("coordinator") }

  static func deployment(_ id: String) throws -> RecordID { try RecordID("deployment/" + id) }
  static func ledger(_ group: String) throws -> RecordID { try RecordID("ledger/" + group) }
  static func brakeAll() throws -> RecordID { try RecordID("brake-all") }

  /// The limit that all batches of a deployment share.
  static func limit(_ deployment: String) throws -> LimitID { try LimitID(deployment) }
  static func group(_ deployment: String, _ ticket: String) throws -> GroupID {
    try GroupID("\(deployment)/\(ticket)")
  }
  static func target(_ deployment: String, _ ticket: String, _ host: String) throws -> ChainID {
    try ChainID("\(deployment)/\(ticket)/\(short(host))")
  }

  /// Woken when the last run of a group has ended.
  static func settled(_ deployment: String, _ ticket: String) throws -> ChainID {
    try ChainID("\(deployment)/\(ticket)/@settled")
  }
  /// Woken when the limit trips; the queue adds the number of the trip.
  static func tripped(_ deployment: String) throws -> ChainID { try ChainID("\(deployment)/@tripped") }
  /// Woken at an instant; asked for twice, it exists once.
  static func wake(_ deployment: String, at: String) throws -> ChainID {
    try ChainID("\(deployment)/@wake/\(at)")
  }
  static func flag(_ deployment: String, _ revision: Int, _ host: String) throws -> ChainID {
    try ChainID("\(deployment)/@flag/\(revision)/\(short(host))")
  }
  static func sweep(_ round: Int64) throws -> ChainID { try ChainID("@sweep/\(round)") }

  /// A host name, or the beginning of a very long one with a digest of the whole (FNV-1a).
  private static func short(_ host: String) -> String {
    guard host.utf8.count > 80 else { return host }
    let digest = host.utf8.reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    return String(host.prefix(60)) + "=" + String(digest, radix: 16)
  }

  /// A name for work that no other decision, of this or another process, will ever give.
  static func ticket(revision: Int) -> String {
    "\(revision)-" + String(UInt32.random(in: .min ... .max), radix: 36)
  }
}
