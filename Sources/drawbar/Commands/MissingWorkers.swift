import TaskQueue
import WorkflowFiles

/// Whether there is somebody to do what a workflow waits for.
struct MissingWorkers {
  /// A queue in which something waits for workers that aren't there.
  struct Lack: Equatable {
    let queue: QueueName
    /// Workers that serve it and were told to be quiet.
    let quiet: [String]
  }

  /// What the last look found.
  private(set) var lacks: [Lack] = []
  /// Whether somebody was told of it.
  var isTold = false

  mutating func look(_ view: WorkflowView, _ queue: Queue) async throws {
    try await look(view.hasEnded ? [] : Set(view.rows.compactMap(\.queue)), queue)
  }

  mutating func look(_ queues: Set<QueueName>, _ queue: Queue) async throws {
    var lacks: [Lack] = []
    if !queues.isEmpty {
      let sessions = try await queue.sessions(most: 0).sessions
      for name in queues.sorted(by: { $0.rawValue < $1.rawValue }) {
        let serving = sessions.filter { $0.serves(name) }
        guard serving.allSatisfy(\.isQuiet) else { continue }
        lacks.append(Lack(queue: name, quiet: serving.map(\.session)))
      }
    }
    if lacks != self.lacks { isTold = false }
    self.lacks = lacks
  }
}

extension MissingWorkers.Lack {
  /// What is wrong and what to do, with the place as it was named. A URL may hold a password: it is not repeated.
  func sentence(_ place: PlaceOptions) -> String {
    if let session = quiet.first {
      return "nothing serves the queue \(queue) now, as its workers are quiet: "
        + "drawbar worker resume \(session)\(place.options)"
    }
    let isUsual = queue.rawValue == Workflow.queue
    let up = "drawbar up\(isUsual ? "" : " --queue \(queue)")\(place.options)"
    let redis = place.url == nil ? "" : place.redis == nil ? "" : " --redis URL"
    let worker = "drawbar-worker --programs\(isUsual ? "" : " --queue \(queue)")\(redis)"
    return "nothing serves the queue \(queue): start \(up)\(place.url == nil ? "" : ", or \(worker)"); "
      + "it goes on as soon as one is there"
  }
}
