internal import NIOCore

/// A caller whose commands are in the batch.
struct OutboxEntry {
  let caller: Outbox.Caller
  let sequence: Int
  /// How many commands.
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
  let bytes: ByteBuffer
  let count: Int
  let deadline: NIODeadline
}

/// What the outbox holds, and its rules; the lock and the waiting are elsewhere.
struct OutboxState: ~Copyable {
  private let limits: RedisConfiguration.Limits
  private var batch = OutboxBatch()
  private var parked = CircularBuffer<ParkedCaller>()
  private var nextSequence = 0
  /// Entries from here on are not sent yet.
  private var firstUnsent = 0
  /// Unsent entries whose callers left; they never go out.
  private var withdrawn: Set<Int> = []
  private var unanswered = 0
  private var collectorCalled = false
  private(set) var closed = false

  init(limits: RedisConfiguration.Limits) {
    self.limits = limits
  }

  /// Takes a caller's commands, or parks them.
  ///
  /// - Returns: whether the collector must be called.
  mutating func leave(
    _ bytes: UnsafeRawBufferPointer, count: Int, _ caller: Outbox.Caller, deadline: NIODeadline
  ) -> Bool {
    if parked.isEmpty, hasRoom(for: count) {
      add(bytes, count: count, caller, deadline)
    } else {
      let bytes = ByteBuffer(bytes: bytes)
      parked.append(ParkedCaller(caller: caller, bytes: bytes, count: count, deadline: deadline))
    }
    defer { collectorCalled = true }
    return !collectorCalled
  }

  /// See ``Outbox/collectorRests()``.
  mutating func collectorRests() -> Bool {
    collectorCalled = batch.entries.count > withdrawn.count || !parked.isEmpty
    return !collectorCalled
  }

  /// See ``Outbox/collect(reusing:)``.
  mutating func collect(reusing spare: consuming OutboxBatch) -> OutboxBatch {
    collectorCalled = false
    guard !batch.entries.isEmpty else { return spare }
    swap(&spare, &batch)
    firstUnsent = nextSequence
    if !withdrawn.isEmpty {
      spare = spare.without(withdrawn)
      withdrawn.removeAll()
    }
    admitParked()
    return spare
  }

  /// See ``Outbox/answered(_:)``.
  mutating func answered(_ count: Int) -> Bool {
    unanswered -= count
    guard !parked.isEmpty else { return false }
    admitParked()
    return !batch.entries.isEmpty
  }

  /// Takes a caller's commands back, if they are still here.
  ///
  /// - Returns: whether they were sent before.
  mutating func withdraw(_ caller: Outbox.Caller) -> Bool {
    if caller.sequence < 0 {
      parked.removeAll { $0.caller === caller }
      return false
    }
    guard caller.sequence >= firstUnsent else { return true }
    drop(caller.sequence)
    return false
  }

  /// Removes and returns those whose time is over before their commands were sent.
  mutating func expired(now: NIODeadline) -> [Outbox.Caller] {
    let unsent = batch.entries.filter { $0.deadline <= now && !withdrawn.contains($0.sequence) }
    for entry in unsent { drop(entry.sequence) }
    let waiting = parked.filter { $0.deadline <= now }
    parked.removeAll { $0.deadline <= now }
    // The room of those who left may be another's.
    admitParked()
    return unsent.map(\.caller) + waiting.map(\.caller)
  }

  var nextDeadline: NIODeadline? {
    let unsent = batch.entries.first { !withdrawn.contains($0.sequence) }?.deadline
    return [unsent, parked.first?.deadline].compactMap { $0 }.min()
  }

  /// Removes and returns all who wait to be sent.
  mutating func clear(closing: Bool) -> [Outbox.Caller] {
    closed = closed || closing
    let unsent = batch.entries.filter { !withdrawn.contains($0.sequence) }
    let callers = unsent.map(\.caller) + parked.map(\.caller)
    unanswered -= unsent.reduce(0) { $0 + $1.count }
    batch = OutboxBatch()
    parked.removeAll()
    withdrawn.removeAll()
    firstUnsent = nextSequence
    return callers
  }

  /// One that exceeds the limits by itself fits when it is alone.
  private func hasRoom(for count: Int) -> Bool {
    (unanswered == 0 || unanswered + count <= limits.pendingCommands)
      && batch.bytes.readableBytes < limits.pendingBytes
  }

  private mutating func add(
    _ bytes: UnsafeRawBufferPointer, count: Int, _ caller: Outbox.Caller, _ deadline: NIODeadline
  ) {
    batch.bytes.writeBytes(bytes)
    caller.sequence = nextSequence
    batch.entries.append(
      OutboxEntry(
        caller: caller, sequence: nextSequence, count: count, bytes: bytes.count, deadline: deadline))
    nextSequence += 1
    unanswered += count
  }

  private mutating func admitParked() {
    while let next = parked.first, hasRoom(for: next.count) {
      parked.removeFirst()
      next.bytes.withUnsafeReadableBytes { add($0, count: next.count, next.caller, next.deadline) }
    }
  }

  /// Marks an unsent entry so that it never goes out.
  private mutating func drop(_ sequence: Int) {
    guard withdrawn.insert(sequence).inserted else { return }
    // Sequences in the batch rise one by one.
    unanswered -= batch.entries[sequence - firstUnsent].count
  }
}

extension OutboxBatch {
  /// The same without some entries.
  fileprivate func without(_ withdrawn: Set<Int>) -> OutboxBatch {
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
