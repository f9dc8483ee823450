import Console
import RollEngine
import Rollout

/// What one commit told, for people and for scripts.
struct ShownEvents: Encodable {
  let revision: Int
  let at: Milliseconds
  /// What servers did since the commit before, each at its own time.
  let steps: [TargetStep]
  let events: [DeploymentEvent]
  private let failures: [String: Failure]

  private enum CodingKeys: CodingKey { case revision, at, steps, events }

  /// - Parameter history: what the commits before have told; this one is added.
  init(_ entry: EventEntry, after history: inout Replaying) {
    revision = entry.revision
    at = entry.at
    events = entry.events
    var (steps, failures): ([TargetStep], [String: Failure]) = ([], [:])
    for event in entry.events {
      if case .target(let host, _, let target) = event {
        steps += target.steps(since: history.target(host))
        failures[host] = target.failure
      }
      history.apply(event)
    }
    self.steps = steps.sorted { $0.at < $1.at }
    self.failures = failures
  }

  /// Steps first: they came before the commit.
  var lines: [Line] {
    func head(_ at: Milliseconds) -> Line {
      Line(Clock.time(at) + "Z ", .faint) + Line("#\(revision) ", .faint)
    }
    var standing: [String: TargetState] = [:]
    var lines: [Line] = []
    for step in steps {
      standing[step.host] = step.to
      lines.append(
        head(step.at) + DeploymentEvent.line(step.host, from: step.from, to: step.to, failures[step.host]))
    }
    return lines + events.flatMap { $0.lines(after: head(at), standing) }
  }
}

extension DeploymentEvent {
  /// The event for people: `12:03:22Z  #14 web-5 INSTALL_RUNNING → INSTALL_FAILURE  script: …`. Fields that only the
  /// machine needs say nothing.
  ///
  /// - Parameter standing: how far the steps of servers that are told before it have led.
  fileprivate func lines(after head: Line, _ standing: [String: TargetState]) -> [Line] {
    switch self {
    case .created(let deployment):
      return [
        head
          + Line(
            "created: \(deployment.kind.words) of \(deployment.package.version) by \(deployment.createdBy)")
      ]
    case .moved(let from, let to):
      return [head + Line("\(from.rawValue) → ") + Line(to.rawValue, to.paint)]
    case .logged(let log):
      return [head + Line("\(log.what) by \(log.by)" + (log.why.map { ": \($0)" } ?? ""))]
    case .changed(let field): return field.words.map { [head + Line($0)] } ?? []
    case .arranged(let batches):
      return [
        head
          + Line("arranged anew: " + batches.map { $0.hosts.joined(separator: ",") }.joined(separator: " | "))
      ]
    case .batch(let index, let from, let fields):
      guard from != fields.state else { return [] }
      return [head + Line("batch \(index) \(from.rawValue) → \(fields.state.rawValue)")]
    case .target(let host, let from, let target):
      let from = standing[host] ?? from
      guard from != target.state else { return [] }
      return [head + Self.line(host, from: from, to: target.state, target.failure)]
    }
  }
}

extension DeploymentEvent {
  fileprivate static func line(
    _ host: String, from: TargetState?, to state: TargetState, _ failure: Failure?
  ) -> Line {
    let why = state.isFailure ? failure.map { "  \($0.code.rawValue): \($0.message)" } ?? "" : ""
    return Line("\(host) \(from?.rawValue ?? "new") → ")
      + Line(state.rawValue, state.isFailure ? .red : .plain) + Line(why)
  }
}

extension DeploymentField {
  fileprivate var words: String? {
    switch self {
    case .limit(let limit): "the brake's limit is \(limit)"
    case .attempt(let attempt): "attempt \(attempt)"
    case .successor(let successor): successor.map { "\($0) waits for its end" }
    case .down(let hosts): hosts.isEmpty ? "none is down any more" : "down: \(hosts.joined(separator: ", "))"
    default: nil
    }
  }
}
