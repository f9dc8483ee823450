internal import NIOCore

/// The answers to what one caller sent.
enum Replies: Sendable, Equatable {
  case one(RedisValue)
  case many([RedisValue])

  var first: RedisValue {
    switch self {
    case .one(let value): value
    case .many(let values): values[0]
    }
  }

  var all: [RedisValue] {
    switch self {
    case .one(let value): [value]
    case .many(let values): values
    }
  }

  var count: Int {
    switch self {
    case .one: 1
    case .many(let values): values.count
    }
  }
}

/// What one connection does next. It takes bytes and the time and says what to do; sockets, tasks and
/// clocks are elsewhere.
///
/// Redis answers in the order of the commands, so callers stand in a queue. A caller that has left keeps
/// its place there, as its answer still comes and must not go to the next one.
struct ConnectionStateMachine<Caller>: ~Copyable {
  enum Action {
    /// Nothing until more bytes come.
    case wait
    /// The server has greeted back; commands may be sent.
    case ready(RedisServerInfo)
    /// A caller has all its answers.
    case answer(Caller, Replies)
    /// The time of a caller is over; others go on.
    case expire(Caller)
    /// The connection is of no more use: close it, and fail whom ``abandon()`` returns.
    case end(RedisError)
  }

  private struct Slot {
    let caller: Caller
    let count: Int
    let deadline: NIODeadline
  }

  private var reader: ReplyReader
  private let greeting: Greeting
  private let silence: TimeAmount
  private var greeted = 0
  private var slots = CircularBuffer<Slot>()
  /// What came for the head of the queue so far, if it wants several answers.
  private var collected: [RedisValue] = []
  /// So many at the head of the queue were told that their time is over.
  private var expired = 0
  private var lastReceived: NIODeadline
  private var ended = false

  /// - Parameters:
  ///   - silence: a caller's time being over, a connection that brought nothing for so long is dead.
  init(greeting: Greeting, replyLimit: Int, silence: TimeAmount, now: NIODeadline) {
    self.greeting = greeting
    self.silence = silence
    reader = ReplyReader(replyLimit: replyLimit)
    lastReceived = now
  }

  var isReady: Bool { greeted == greeting.steps.count && !ended }
  var hasCallers: Bool { !slots.isEmpty }

  /// A caller's commands are on their way.
  mutating func sent(_ caller: Caller, count: Int, deadline: NIODeadline) {
    slots.append(Slot(caller: caller, count: count, deadline: deadline))
  }

  /// Bytes came. Call ``next()`` until it answers `wait` or `end`.
  mutating func received(_ bytes: UnsafeRawBufferPointer, now: NIODeadline) {
    lastReceived = now
    reader.feed(bytes)
  }

  mutating func next() -> Action {
    guard !ended else { return .wait }
    while true {
      let value: RedisValue
      do throws(RedisError) {
        guard let reply = try reader.next() else { return .wait }
        value = reply
      } catch {
        return end(error)
      }
      if greeted < greeting.steps.count {
        if let action = greet(value) { return action }
      } else if let action = answer(value) {
        return action
      }
    }
  }

  private mutating func greet(_ value: RedisValue) -> Action? {
    let step = greeting.steps[greeted]
    if let error = greeting.judge(step, value) { return end(error) }
    greeted += 1
    return step == .info ? .ready(RedisServerInfo(info: value.string ?? "")) : nil
  }

  private mutating func answer(_ value: RedisValue) -> Action? {
    guard let head = slots.first else {
      return end(RedisError(.protocolError, "Redis sent a reply that nobody asked for."))
    }
    if head.count == 1 { return .answer(leave(), .one(value)) }
    if collected.isEmpty { collected.reserveCapacity(head.count) }
    collected.append(value)
    guard collected.count == head.count else { return nil }
    defer { collected = [] }
    return .answer(leave(), .many(collected))
  }

  private mutating func leave() -> Caller {
    expired = max(0, expired - 1)
    return slots.removeFirst().caller
  }

  private mutating func end(_ error: RedisError) -> Action {
    ended = true
    return .end(error)
  }

  /// When ``timePassed(now:)`` has something to say; `nil` while nobody waits.
  var nextDeadline: NIODeadline? {
    guard !ended, !slots.isEmpty else { return nil }
    let silent: NIODeadline? = expired > 0 ? lastReceived + silence : nil
    guard expired < slots.count else { return silent }
    let due = slots[slots.index(slots.startIndex, offsetBy: expired)].deadline
    return silent.map { min($0, due) } ?? due
  }

  /// Whose time is over, one at a time: call it until it answers `wait` or `end`.
  mutating func timePassed(now: NIODeadline) -> Action {
    guard !ended, let head = slots.first else { return .wait }
    if head.deadline <= now, lastReceived + silence <= now {
      return end(RedisError(.timeout, "Redis did not answer in time, and the connection was given up."))
    }
    guard expired < slots.count else { return .wait }
    let slot = slots[slots.index(slots.startIndex, offsetBy: expired)]
    guard slot.deadline <= now else { return .wait }
    expired += 1
    return .expire(slot.caller)
  }

  /// The connection is over: all who wait for an answer, in order, with the number of their commands.
  mutating func abandon() -> [(caller: Caller, count: Int)] {
    ended = true
    defer { slots.removeAll() }
    return slots.map { ($0.caller, $0.count) }
  }
}
