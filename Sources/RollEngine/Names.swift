import Fleet
import TaskQueue
import Workflows

/// Every name that the engine gives in the queue, spelt in one place.
///
/// A host name holds no `/` and no `@`, so no target's chain can be taken for one of the engine's own.
enum Names {
  /// The queue that coordinators serve.
  static func coordinators() throws -> QueueName { try QueueName("coordinator") }

  static func deployment(_ id: String) throws -> RecordID { try RecordID("deployment/" + id) }
  static func events(_ id: String, slice: Int) throws -> RecordID { try RecordID("events/\(id)/\(slice)") }
  static func journal(_ group: String?) throws -> RecordID { try RecordID("journal/" + (group ?? "@all")) }
  static func checks(_ id: String) throws -> RecordID { try RecordID("checks/" + id) }
  /// The versions of an app that were marked bad.
  static func bad(_ app: String) throws -> RecordID { try RecordID("bad/" + app) }
  static func campaign(_ id: String) throws -> RecordID { try RecordID("campaign/" + id) }
  /// The names of the latest campaigns.
  static func campaigns() throws -> RecordID { try RecordID("campaigns") }
  static func drift(_ group: String) throws -> RecordID { try RecordID("drift/" + group) }
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
  static func watch(_ deployment: String, _ at: Int64) throws -> ChainID {
    try ChainID("\(deployment)/@watch/\(at)")
  }
  static func rollback(_ deployment: String, _ revision: Int) throws -> ChainID {
    try ChainID("\(deployment)/@rollback/\(revision)")
  }
  /// One webhook's being told of one notice, by the revision that brought it.
  static func notice(_ deployment: String, _ revision: Int, _ index: Int) throws -> ChainID {
    try ChainID("\(deployment)/@notify/\(revision)/\(index)")
  }
  static func campaignNotice(_ id: String, _ revision: Int, _ index: Int) throws -> ChainID {
    try ChainID("@campaign/\(id)/@notify/\(revision)/\(index)")
  }
  static func campaignLook(_ id: String, _ moment: String) throws -> ChainID {
    try ChainID("@campaign/\(id)/\(moment)")
  }
  static func inspection(_ group: String, _ ticket: String) throws -> ChainID {
    try ChainID("\(group)/@inspect/\(ticket)")
  }
  static func driftSweep(_ round: Int64) throws -> ChainID { try ChainID("@drift/\(round)") }
  static func pull(_ group: String, _ host: String, _ ticket: String) throws -> ChainID {
    try ChainID("\(group)/@pull/\(ticket)/\(short(host))")
  }
  /// The putting back of a server that was left out; asked for again, it is another one.
  static func putBack(_ group: String, _ since: Int64, _ host: String) throws -> ChainID {
    try ChainID("\(group)/@putback/\(since)/\(short(host))")
  }
  static func sweep(_ round: Int64) throws -> ChainID { try ChainID("@sweep/\(round)") }

  /// A host name, or the beginning of a very long one with a digest of the whole.
  private static func short(_ host: String) -> String {
    host.utf8.count > 80 ? String(host.prefix(60)) + "=" + ShortDigest.of(host) : host
  }

  /// A name for work that no other decision, of this or another process, will ever give.
  static func ticket(revision: Int) -> String {
    "\(revision)-" + String(UInt32.random(in: .min ... .max), radix: 36)
  }
}
