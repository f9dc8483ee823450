import RedisClient

/// The one place that spells keys and calls scripts: a typed call for each.
struct Broker: Sendable {
  let redis: RedisClient
  /// KEYS[1] of every script; its hash tag keeps a partition's keys in one slot.
  let root: String

  init(redis: RedisClient, namespace: Identifier<Queues>) {
    self.redis = redis
    self.root = "\(namespace):{p0}"
  }

  func key(chain: ChainID) -> String { "\(root):c:\(chain)" }
  func key(record: RecordID) -> String { "\(root):rec:\(record)" }
  func key(group: GroupID) -> String { "\(root):g:\(group)" }
  func key(results group: GroupID) -> String { "\(root):gr:\(group)" }
  func key(limit: LimitID) -> String { "\(root):L:\(limit)" }
  func key(wake queue: QueueName) -> String { "\(root):w:\(queue)" }
  func key(session: String) -> String { "\(root):h:\(session)" }
  func key(_ plain: String) -> String { "\(root):\(plain)" }

  func call(_ script: RedisScript, _ arguments: [RedisArgument]) async throws(RedisError) -> RedisValue {
    try await redis.run(script, keys: [root], arguments: arguments)
  }

  /// An answer that doesn't have the shape its script promises: another version of the scripts, or a
  /// key that someone else wrote.
  static func malformed(_ script: String) -> RedisError {
    RedisError(
      .protocolError,
      "script \(script) answered in a form that this version doesn't know; "
        + "do all workers and clients of this namespace run the same version?", mayHaveRun: true)
  }
}
