public import Logging
import RedisClient

/// What a running link knows of itself, and what it may say.
public struct TaskContext: Sendable {
  public let chain: ChainID
  /// The link's index in its chain, from 0.
  public let link: Int
  /// 1 for the first try of this link. A crash of a worker doesn't raise it; a failure does.
  public let attempt: Int
  /// How often this link's worker died while it ran alone.
  public let crashes: Int
  /// The fencing token: higher for every grant of the chain. Whoever is written to by a task keeps the
  /// highest it has seen and refuses a lower one; so a worker that was paused can't undo newer work.
  public let generation: Int
  public let session: String
  public let logger: Logger
  let spec: Spec?
  let notes: LinkNotes
  let broker: Broker?

  /// For tests of tasks. What they say goes nowhere.
  public init(
    chain: ChainID, link: Int, attempt: Int, crashes: Int, generation: Int, session: String, logger: Logger
  ) {
    self.init(
      held: Held(
        chain: chain, session: session, generation: generation, cursor: link, failedAttempts: attempt - 1,
        crashes: crashes, spec: Spec(shared: [], steps: [])), logger: logger, notes: LinkNotes(), broker: nil)
  }

  init(held: Held, logger: Logger, notes: LinkNotes, broker: Broker?) {
    chain = held.chain
    link = held.cursor
    attempt = held.failedAttempts + 1
    crashes = held.crashes
    generation = held.generation
    session = held.session
    spec = held.spec
    self.logger = logger
    self.notes = notes
    self.broker = broker
  }

  /// What was given to the chain with ``Chain/headers``.
  public var headers: [String: String] { spec.map { Spec.headers($0.headers) } ?? [:] }

  /// Says how far the link is; shown to people. Cheap: only the last word of every quarter of a second is sent.
  ///
  /// - Parameters:
  ///   - fraction: 0…1.
  ///   - note: a few words; 200 characters at most are kept.
  public func progress(_ fraction: Double, _ note: String = "") {
    notes.set(progress: "\(min(max(fraction, 0), 1)) \(note.prefix(200))")
  }

  /// Writes a line for people, who find it with the chain's status. The last 1,000 lines of a chain are kept, each
  /// cut at 2,000 characters; a task that writes faster than they can be sent loses lines, and is told so in one.
  public func log(_ line: String) {
    notes.add(line: line)
  }

  /// Calls `body` when the link's hard limit is reached while the task still runs: the place to kill child
  /// processes. At once where that has happened already.
  public func whenAbandoned(_ body: @escaping @Sendable () -> Void) {
    notes.add(whenAbandoned: body)
  }

  /// The result of an earlier link of this chain; nil where it has none (it kept none, or was jumped over).
  ///
  /// - Throws: `RedisError`; the decoder's error.
  public func result<T: Decodable>(of link: Int, as type: T.Type) async throws -> T? {
    guard let bytes = try await broker?.result(of: chain, link: link) else { return nil }
    return try Payload.decode(type, from: bytes[...])
  }

  /// In an error callback: the chain that was given up, and why.
  public func cause() async throws -> ChainStatus? {
    guard let broker else { return nil }
    let parent = try await broker.redis.send(RedisCommand("HGET", .string(broker.key(chain: chain)), "O"))
    guard let name = parent.string else { return nil }
    let id = ChainID(trusted: name)
    let fields = try await broker.redis.send(RedisCommand("HGETALL", .string(broker.key(chain: id))))
    return ChainStatus(id: id, fields: fields.pairs ?? [:])
  }
}

extension Broker {
  /// The result of a link; for a group, the array of its members' results.
  func result(of chain: ChainID, link: Int) async throws(RedisError) -> [UInt8]? {
    let answer = try await redis.send(
      RedisCommand("HMGET", .string(key(chain: chain)), .string("R\(link)"), .string("p\(link)")))
    guard let fields = answer.array, fields.count == 2 else { return nil }
    if let bytes = fields[0].bytes { return bytes }
    guard let plan = fields[1].string, plan.hasPrefix("g|") else { return nil }
    return try await results(of: GroupID(trusted: String(plan.dropFirst(2))))
  }

  /// The results of a group's members in their order, as one JSON array; `null` for a member without.
  func results(of group: GroupID) async throws(RedisError) -> [UInt8] {
    let size = try await redis.send(RedisCommand("HGET", .string(key(group: group)), "size")).int ?? 0
    let answer = try await redis.send(RedisCommand("HGETALL", .string(key(results: group))))
    let items = answer.array ?? []
    var results = [[UInt8]?](repeating: nil, count: size)
    for at in stride(from: 0, to: items.count - 1, by: 2) {
      if let number = items[at].int, results.indices.contains(number) {
        results[number] = items[at + 1].bytes
      }
    }
    var json: [UInt8] = [UInt8(ascii: "[")]
    for (number, result) in results.enumerated() {
      if number > 0 { json.append(UInt8(ascii: ",")) }
      json += result ?? Array("null".utf8)
    }
    json.append(UInt8(ascii: "]"))
    return json
  }
}
