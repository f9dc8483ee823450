public import Rollout
import TaskQueue

/// What one commit changed of a deployment, in the order in which it is best told.
public struct EventEntry: Codable, Sendable, Equatable {
  /// The deployment's revision after it: 1 is its creation, and none is left out.
  public var revision: Int
  /// Redis' clock, in milliseconds since 1970.
  public var at: Milliseconds
  public var events: [DeploymentEvent]
}

/// How a deployment's events are kept: in the very commit that stores what they tell, so there is none without its
/// change, and no change without its events. A record holds a slice of them, so that a long one is never read whole.
enum EventLog {
  /// Commits a record.
  static let slice = 256

  static func change(
    of id: String, revision: Int, at: Milliseconds, _ events: [DeploymentEvent]
  ) throws -> Commit.Change {
    let index = revision - 1
    return Commit.Change(
      try Names.events(id, slice: index / slice), expecting: index % slice,
      set: ["\(revision)": try JSON.encode(EventEntry(revision: revision, at: at, events: events))])
  }
}

extension Releases {
  /// A deployment's events, the oldest first.
  ///
  /// - Parameter revision: only those after it.
  /// - Throws: ``ReleaseError/unknownDeployment(_:)``; `RedisError`.
  public func events(of id: String, after revision: Int = 0) async throws -> [EventEntry] {
    var entries: [EventEntry] = []
    var slice = max(0, revision) / EventLog.slice
    while true {
      guard let name = try? Names.events(id, slice: slice) else { throw ReleaseError.unknownDeployment(id) }
      let record = try await queue.record(name)
      for (field, bytes) in record.fields where (Int(field) ?? 0) > revision {
        entries.append(try JSON.decode(bytes, "event \(field) of \(id)"))
      }
      guard record.revision == EventLog.slice else { break }
      slice += 1
    }
    if entries.isEmpty, revision == 0 { _ = try await load(id) }
    return entries.sorted { $0.revision < $1.revision }
  }

  /// A deployment made of its events again, as it was at a moment. Given an instant, its servers are at the stages at
  /// which they were then, also where a coordinator learned of it later.
  ///
  /// - Parameters:
  ///   - at: the instant, by Redis' clock; nil takes all events.
  ///   - revision: the last revision that counts; nil takes all.
  /// - Returns: nil where it had not been created by then.
  /// - Throws: ``ReleaseError/unknownDeployment(_:)``; `RedisError`.
  public func replay(_ id: String, at: Milliseconds? = nil, revision: Int? = nil) async throws -> Deployment?
  {
    let entries = try await events(of: id).filter { $0.revision <= revision ?? .max }
    let tellings = entries.map { Telling(at: $0.at, events: $0.events) }
    return Rollout.replay(tellings, at: at ?? .max)
  }
}
