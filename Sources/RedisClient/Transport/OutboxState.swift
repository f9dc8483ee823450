internal import NIOCore

/// A caller whose commands are encoded.
struct OutboxEntry {
  let caller: Outbox.Caller
  let sequence: Int
  let count: Int
  let bytes: Int
  let deadline: NIODeadline
}

/// What goes out in one write.
struct OutboxBatch {
  var bytes = ByteBuffer()
  var entries: [OutboxEntry] = []
}

/// A caller whose commands wait for room.
struct ParkedCaller {
  let caller: Outbox.Caller
  let commands: [RedisCommand]
  let deadline: NIODeadline
}

/// What the outbox holds; its rules, without the lock.
struct OutboxState: ~Copyable {
  var batch = OutboxBatch()
  var parked = CircularBuffer<ParkedCaller>()
  var formatter = CommandFormatter()
  var nextSequence = 0
  /// Entries from here on are not sent yet.
  var firstUnsent = 0
  /// Unsent entries whose callers left; they never go out.
  var withdrawn: Set<Int> = []
  var unanswered = 0
  var collectorCalled = false
  var closed = false
}

extension OutboxState {
  mutating func admit(
    _ caller: Outbox.Caller, _ continuation: UnsafeContinuation<Outbox.Caller.Outcome, Never>
  ) -> RedisError? {
    if closed { return RedisError(.closed, "The Redis client is closed.") }
    return caller.wait(continuation) ? nil : .cancelled(mayHaveRun: false)
  }

  func hasRoom(for count: Int, _ limits: RedisConfiguration.Limits) -> Bool {
    parked.isEmpty && fits(count, limits)
  }

  /// One that exceeds the limits by itself fits when it is alone.
  private func fits(_ count: Int, _ limits: RedisConfiguration.Limits) -> Bool {
    (unanswered == 0 || unanswered + count <= limits.pendingCommands)
      && batch.bytes.readableBytes < limits.pendingBytes
  }

  mutating func encode(
    _ commands: some Collection<RedisCommand>, _ caller: Outbox.Caller, _ deadline: NIODeadline
  ) {
    let before = batch.bytes.readableBytes
    for command in commands { formatter.append(command, to: &batch.bytes) }
    caller.sequence = nextSequence
    batch.entries.append(
      OutboxEntry(
        caller: caller, sequence: nextSequence, count: commands.count,
        bytes: batch.bytes.readableBytes - before, deadline: deadline))
    nextSequence += 1
    unanswered += commands.count
  }

  mutating func admitParked(_ limits: RedisConfiguration.Limits) {
    while let next = parked.first, fits(next.commands.count, limits) {
      parked.removeFirst()
      encode(next.commands, next.caller, next.deadline)
    }
  }

  mutating func callCollector() -> Outbox.Accepted {
    if collectorCalled { return .quietly }
    collectorCalled = true
    return .callCollector
  }

  /// Marks an unsent entry so that it never goes out.
  mutating func drop(_ caller: Outbox.Caller) {
    guard caller.sequence >= firstUnsent, withdrawn.insert(caller.sequence).inserted else { return }
    if let entry = batch.entries.first(where: { $0.sequence == caller.sequence }) {
      unanswered -= entry.count
    }
  }
}

extension OutboxBatch {
  /// The same without some entries.
  func without(_ withdrawn: Set<Int>) -> OutboxBatch {
    var kept = OutboxBatch()
    var rest = bytes
    for entry in entries {
      guard let part = rest.readSlice(length: entry.bytes) else { break }
      guard !withdrawn.contains(entry.sequence) else { continue }
      kept.bytes.writeImmutableBuffer(part)
      kept.entries.append(entry)
    }
    return kept
  }
}
