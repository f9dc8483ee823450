import RedisClient

extension Queue {
  /// Reads a record; revision 0 and no fields where there is none.
  public func record(_ id: RecordID) async throws -> Record {
    try await records([id])[0]
  }

  /// Reads records together with the server's clock. Each is whole; between two of them another's commit
  /// may have come, which their revisions then refuse.
  public func records(_ ids: [RecordID]) async throws -> [Record] {
    let commands =
      [RedisCommand("TIME")] + ids.map { RedisCommand("HGETALL", .string(broker.key(record: $0))) }
    let answers = try await ask(commands)
    guard let time = answers[0].array, time.count == 2, let seconds = time[0].int, let micros = time[1].int
    else { throw Broker.malformed("TIME") }
    let now = Int64(seconds * 1_000 + micros / 1_000)
    return answers.dropFirst().map { answer in
      var fields = (answer.pairs ?? [:]).compactMapValues(\.bytes)
      let revision = fields.removeValue(forKey: "#rev").flatMap { Int(String(decoding: $0, as: UTF8.self)) }
      return Record(revision: revision ?? 0, fields: fields, now: now)
    }
  }

  /// Applies a commit: all of it, or nothing and the reason.
  ///
  /// - Throws: ``InvalidChain``, ``PayloadTooLarge``; `RedisError`: when it says `mayHaveRun`, read the records again: their revision tells.
  public func commit(_ commit: Commit) async throws -> CommitResult {
    var commit = commit
    commit.submit = commit.submit.map(traced)
    for index in commit.limits.indices {
      commit.limits[index].onTripped = commit.limits[index].onTripped.map(traced)
    }
    let answer = try await broker.call(Scripts.commit, try commit.arguments(retention))
    guard let words = answer.array?.compactMap(\.string), let first = words.first else {
      throw Broker.malformed("commit")
    }
    return switch (first, words.last) {
    case ("committed", _): .committed
    case ("stale", let id?): .stale(RecordID(trusted: id))
    case ("tripped", let id?): .tripped(LimitID(trusted: id))
    case ("held", let holder?) where words.count == 3:
      .held(ChainID(trusted: words[1]), by: ChainID(trusted: holder))
    case ("unstaged", let id?): .unstaged(GroupID(trusted: id))
    default: throw Broker.malformed("commit")
    }
  }
}

extension Commit {
  /// As `commit.lua` reads them: the seven counts, then the items.
  func arguments(_ retention: Retention) throws -> [RedisArgument] {
    var arguments: [RedisArgument] = [
      changes.count, requireUntripped.count, limits.count, removeLimits.count, seal.count, submit.count,
      cancel.count,
    ].map { .integer($0) }
    for change in changes {
      arguments += [.string(change.record.rawValue), .integer(change.expecting), .integer(change.set.count)]
      for (field, value) in change.set { arguments += [.string(field), .bytes(value)] }
      arguments.append(.integer(change.remove.count))
      arguments += change.remove.map { .string($0) }
    }
    arguments += requireUntripped.map { .string($0.rawValue) }
    for limit in limits {
      arguments += [
        .string(limit.id.rawValue), .integer(limit.bound), limit.failures.map { .integer($0) } ?? "",
        .integer(limit.onTripped == nil ? 0 : 1),
      ]
      if let callback = limit.onTripped { arguments += try callback.templateArguments(retention) }
    }
    arguments += removeLimits.map { .string($0.rawValue) }
    arguments += seal.map { .string($0.rawValue) }
    for chain in submit {
      guard !chain.isWorkflow else {
        throw InvalidChain(
          id: chain.id, reason: "a commit can't submit a chain with groups or an error callback")
      }
      arguments += try chain.arguments(retention)
    }
    arguments += cancel.flatMap(\.arguments)
    return arguments
  }
}
