public import Rollout

/// Something that became different between two looks at a deployment: a line of `watch` where it does not
/// redraw, and an object of `watch --json`.
public struct Change: Sendable, Equatable, Encodable {
  /// Milliseconds since 1970 by the server's clock, at the later look.
  public var at: Milliseconds
  public var deployment: String
  /// The new state: of the host where one is named, else of the batch where one is numbered, else of the
  /// deployment.
  public var state: String
  /// `bastion` or the number of a rolling batch, from 1.
  public var batch: String?
  public var host: String?
  /// The failure's code, where the state is a failure.
  public var code: String?
  /// Why.
  public var message: String?

  /// What changed since the earlier look; all that is not pending where there was none.
  public static func between(_ earlier: Board?, _ later: Board) -> [Change] {
    let id = later.deployment.id
    var changes: [Change] = []
    if earlier?.deployment.state != later.deployment.state || earlier?.reason != later.reason {
      changes.append(
        Change(
          at: later.now, deployment: id, state: later.deployment.state.rawValue, message: later.reason?.text))
    }
    let before = earlier?.deployment.batches ?? []
    for (index, batch) in later.deployment.batches.enumerated() {
      let old = before.indices.contains(index) ? before[index] : nil
      let name = later.batchName(index)
      if batch.state != (old?.state ?? .pending) {
        changes.append(Change(at: later.now, deployment: id, state: batch.state.rawValue, batch: name))
      }
      let states = Dictionary(
        (old?.targets ?? []).map { ($0.host, $0.state) }, uniquingKeysWith: { first, _ in first })
      for target in batch.targets where target.state != (states[target.host] ?? .pending) {
        changes.append(
          Change(
            at: later.now, deployment: id, state: target.state.rawValue, batch: name, host: target.host,
            code: target.failure?.code.rawValue, message: target.failure?.message))
      }
    }
    return changes
  }

  init(
    at: Milliseconds, deployment: String, state: String, batch: String? = nil, host: String? = nil,
    code: String? = nil, message: String? = nil
  ) {
    self.at = at
    self.deployment = deployment
    self.state = state
    self.batch = batch
    self.host = host
    self.code = code
    self.message = message
  }

  /// `10:03:22Z shop-web-3 batch 2 web-7 VERIFY_FAILURE timeout: …`
  public var line: Line {
    let isFailure = state.hasSuffix("FAILURE") || state == "BRAKED"
    var line = Line(Clock.time(at) + "Z ", .faint) + Line(deployment)
    if let batch { line += Line(batch == "bastion" ? " bastion" : " batch \(batch)") }
    if let host { line += Line(" " + host) }
    line += Line(" " + state, isFailure ? .red : (state.hasSuffix("SUCCESS") ? .green : .plain))
    let words = [code, message].compactMap(\.self).joined(separator: ": ")
    return words.isEmpty ? line : line + Line(" " + words)
  }
}
