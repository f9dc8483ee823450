/// What a connection says first: who we are, which database, what we are called; and what it asks of the
/// server. All of it goes out at once, and the answers are judged as they come.
struct Greeting: Sendable {
  enum Step: Sendable, Hashable { case authenticate, select, setName, ping, info }

  /// The steps in the order of their commands.
  let steps: [Step]
  let commands: [RedisCommand]
  private let database: Int

  init(_ configuration: RedisConfiguration) {
    var list: [(Step, RedisCommand)] = []
    if let password = configuration.password {
      let user = configuration.username.map { [RedisArgument.string($0)] } ?? []
      list.append((.authenticate, RedisCommand("AUTH", user + [.string(password.value)])))
    }
    if configuration.database != 0 {
      list.append((.select, RedisCommand("SELECT", .integer(configuration.database))))
    }
    if let name = configuration.clientName {
      list.append((.setName, RedisCommand("CLIENT", "SETNAME", .string(name))))
    }
    list.append((.ping, RedisCommand("PING")))
    list.append((.info, RedisCommand("INFO")))
    steps = list.map(\.0)
    commands = list.map(\.1)
    database = configuration.database
  }

  /// What the answer to a step means: `nil` to go on, or why the connection is of no use.
  func judge(_ step: Step, _ answer: RedisValue) -> RedisError? {
    guard case .error(let error) = answer else { return nil }
    if step == .authenticate || error.kind == "NOAUTH" || error.kind == "WRONGPASS" {
      return RedisError(
        .authentication, "Redis refused the log-in (\(error.message)). Check user and password.", reply: error
      )
    }
    switch step {
    case .select:
      return RedisError(
        .connectFailed, "Redis refused database \(database): \(error.message).", reply: error)
    case .ping where error.kind != "NOPERM":
      return RedisError(.connectFailed, "Redis is not ready: \(error.message).", reply: error)
    // A name is a courtesy, and a user without the right to ask may still work.
    case .ping, .setName, .info, .authenticate:
      return nil
    }
  }
}
