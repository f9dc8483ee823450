/// Any JSON: the results of tasks that this program doesn't know.
enum JSON: Codable, Sendable, Equatable {
  case null
  case flag(Bool)
  case whole(Int)
  case number(Double)
  case text(String)
  case list([JSON])
  case object([String: JSON])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let whole = try? value.decode(Int.self) {
      self = .whole(whole)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([JSON].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: JSON].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .null: try value.encodeNil()
    case .flag(let flag): try value.encode(flag)
    case .whole(let whole): try value.encode(whole)
    case .number(let number): try value.encode(number)
    case .text(let text): try value.encode(text)
    case .list(let list): try value.encode(list)
    case .object(let object): try value.encode(object)
    }
  }

  /// What a program wrote, where this is the result of one.
  var output: String? {
    guard case .object(let fields) = self, case .text(let output)? = fields["output"] else { return nil }
    return output
  }
}

/// The result of a step as the next program reads it on standard input, in a JSON array.
struct StepResult: Codable, Sendable, Equatable {
  /// The step's name, or the member's where the step is a group.
  var name: String
  /// false: it failed, or handed on no result.
  var ok: Bool
  /// Of a program: what ``ProgramResult`` has.
  var result: JSON?

  static func all(
    of sources: [ProgramInput.ResultSource], result: (Int) async throws -> JSON?
  ) async throws -> [StepResult] {
    var all: [StepResult] = []
    for source in sources {
      let value = try await result(source.link)
      guard let members = source.members else {
        all.append(StepResult(name: source.name, ok: value != nil, result: value))
        continue
      }
      var values: [JSON] = []
      if case .list(let list) = value { values = list }
      for (index, member) in members.enumerated() {
        let value = index < values.count && values[index] != .null ? values[index] : nil
        all.append(StepResult(name: member, ok: value != nil, result: value))
      }
    }
    return all
  }
}
