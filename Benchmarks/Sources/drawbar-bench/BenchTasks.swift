import TaskQueue

// What is run in the measurements. None of them does any work of its own.

/// Does nothing, with arguments that it doesn't look at.
struct NoOp: QueueTask {
  static let name = "noop"
  let tally: Tally
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
    tally.countLink()
    return Nothing()
  }
}

/// The same, and says when it began.
struct Begin: QueueTask {
  static let name = "begin"
  let tally: Tally
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
    tally.begin()
    return Nothing()
  }
}

/// Decodes about 200 bytes and encodes as many.
struct Echo: QueueTask {
  struct Order: Codable, Sendable {
    var id = 12_345
    var customer = "Ada Lovelace"
    var street = "12 St James's Square"
    var city = "London"
    var items = ["difference engine", "analytical engine", "notes on both of them"]
    var express = true
    var weight = 12.5
    var remark = "leave it with the porter, please"
  }

  static let name = "echo"
  let tally: Tally
  func run(_ input: Order, _ context: TaskContext) async throws -> Order {
    tally.countLink()
    return input
  }
}

/// A small result.
struct One: QueueTask {
  static let name = "one"
  let tally: Tally
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Int {
    tally.countLink()
    return 1
  }
}

/// Takes the result of the link before.
struct Next: QueueTask {
  static let name = "next"
  let tally: Tally
  func run(_ input: Int, _ context: TaskContext) async throws -> Int {
    tally.countLink()
    return input + 1
  }
}

/// The callback of a group: takes all its results.
struct Sum: QueueTask {
  static let name = "sum"
  static let members = 100
  let tally: Tally
  func run(_ input: [Int?], _ context: TaskContext) async throws -> Nothing {
    guard input.count == Self.members, input.allSatisfy({ $0 == 1 }) else {
      throw TaskFailure(code: "bench", message: "the callback got \(input)", retry: .never)
    }
    tally.countCallback()
    return Nothing()
  }
}

extension TaskRegistry {
  static func bench(_ tally: Tally) -> TaskRegistry {
    TaskRegistry(
      NoOp(tally: tally), Begin(tally: tally), Echo(tally: tally), One(tally: tally), Next(tally: tally),
      Sum(tally: tally))
  }
}
