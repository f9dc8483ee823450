import Logging
import RedisClient

/// Renews the lease, hears of cancels, and stops the worker's tasks when it can't be renewed in time.
///
/// It runs on the connection's thread, so that tasks that keep every other one busy can't end the lease.
struct Heartbeat: Sendable {
  let broker: Broker
  let desk: Desk
  let configuration: WorkerConfiguration
  let logger: Logger

  /// Until cancelled.
  func run() async throws {
    let clock = ContinuousClock()
    let interval = configuration.lease / 3
    // The tasks must have heard of it before others are given their chains.
    let patience = configuration.lease - interval / 2
    var session = ""
    var answered = clock.now
    var failed = false
    var keepsHouse = false
    var saidQuiet = false
    while true {
      let next = clock.now + (keepsHouse ? .milliseconds(5) : failed ? interval / 8 : interval)
      keepsHouse = false
      try await Task.sleep(until: session.isEmpty ? next : min(next, answered + patience), clock: clock)
      let (current, since) = desk.read { ($0.session, $0.since) }
      if current != session { (session, answered, failed) = (current, since, false) }
      guard !session.isEmpty else { continue }
      let sent = clock.now
      let edge = answered + patience
      guard sent < edge else {
        lose(session, because: "Redis could not be reached for its lease")
        continue
      }
      do {
        switch try await beat(session, within: min(interval, edge - sent)) {
        case .alive(let left):
          (answered, failed, keepsHouse) = (sent, false, left)
          try await sayQuiet(session, within: interval / 8, &saidQuiet)
        case .lost: lose(session, because: "its lease ran out, or someone ended it")
        }
      } catch {
        if Task.isCancelled { throw error }
        if !failed { logger.warning("no answer to a beat: \(error)") }
        failed = true
      }
    }
  }

  private func lose(_ session: String, because reason: String) {
    logger.error("session \(session) is over: \(reason); its tasks are stopped")
    desk.stop { $0.session == session ? $0.lose(now: .now) : [] }
  }

  /// Lets others see that it takes nothing new, by a key that is gone with the lease. A beat renews it.
  private func sayQuiet(_ session: String, within limit: Duration, _ said: inout Bool) async throws {
    let isQuiet = desk.read(\.quiet)
    guard isQuiet || said else { return }
    said = true
    let key = RedisArgument.string(broker.key(quiet: session))
    let command =
      isQuiet
      ? RedisCommand("SET", key, 1, "PX", .integer(configuration.lease.milliseconds))
      : RedisCommand("DEL", key)
    do {
      let answer = try await within(limit) { try await broker.redis.send(command) }
      if let error = answer.error { throw RedisError.reply(error) }
      said = isQuiet
    } catch {
      if Task.isCancelled { throw error }
      logger.debug("that it is quiet could not be told: \(error)")
    }
  }

  private enum Status {
    /// Whether what a beat does beside has to go on.
    case alive(keepsHouse: Bool)
    case lost
  }

  private func beat(_ session: String, within limit: Duration) async throws -> Status {
    let held = desk.read(\.heldCount)
    let arguments: [RedisArgument] = [
      .string(session), .integer(configuration.lease.milliseconds),
      .string(broker.redis.serverInfo?.runID ?? ""), .integer(configuration.crashCap), .integer(held),
      .integer(configuration.listedFor.milliseconds), .integer(configuration.listedAtMost),
    ]
    let answer = try await within(limit) { try await broker.call(Scripts.beat, arguments) }
    guard let items = answer.array, items.count >= 6, let status = items[0].string,
      let request = items[2].int, let left = items[3].int, let count = items[4].int, items.count >= 6 + count,
      let words = items[5 + count].int, items.count >= 6 + count + words
    else { throw Broker.malformed("beat") }
    guard status == "ok" else { return .lost }
    for word in items[(6 + count)..<(6 + count + words)] { obey(word.string ?? "") }
    let cancels = Set(items[5..<(5 + count)].compactMap(\.string))
    if !cancels.isEmpty {
      desk.stop { $0.cancel(cancels, now: .now) }
    }
    let rest = 6 + count + words
    if items.count > rest {
      let pairs = stride(from: rest, to: items.count - 1, by: 2).compactMap { at in
        items[at].string.flatMap { id in items[at + 1].int.map { (ChainID(trusted: id), $0) } }
      }
      desk.change { $0.giveBackUnknown(pairs, asOf: request) }
    }
    return .alive(keepsHouse: left == 1)
  }

  /// What someone told this worker from afar.
  private func obey(_ word: String) {
    guard let command = WorkerCommand(word) else {
      return logger.warning("told \"\(word)\", which this worker doesn't know")
    }
    logger.notice("told from afar: \(word)")
    desk.change { $0.obey(command) }
  }
}
