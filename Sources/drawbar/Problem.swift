import Console
import Fleet
import FoundationEssentials
import RedisClient
import RollEngine
import Rollout

/// An error as it is told: a sentence, or with `--json` an object of one line.
struct Problem: Encodable {
  let exitCode: Int32
  let message: String
  /// What may be done instead, where the state refused an action.
  var allowed: [String]?
  /// What is wrong with a file, place by place.
  var problems: [Place]?

  struct Place: Encodable {
    let file: String
    let line: Int
    let column: Int
    let field: String
    let message: String
  }

  init(_ error: any Error) {
    exitCode = Ending(error).rawValue
    message = (error as? RedisError).map(Self.words) ?? "\(error)"
    if case ReleaseError.refused(let refusal) = error { allowed = refusal.choices }
    if case ReleaseError.campaign(let refusal) = error { allowed = refusal.allowed.map(\.rawValue) }
    if case ReleaseError.server(let refusal) = error { allowed = refusal.allowed.map(\.rawValue) }
    if let error = error as? InvalidFile {
      problems = error.problems.map {
        Place(file: $0.file, line: $0.line, column: $0.column, field: $0.field, message: $0.message)
      }
    }
  }

  /// What was tried, what came, and what to do: in that order.
  private static func words(_ error: RedisError) -> String {
    switch error.code {
    case .connectFailed, .connectionLost, .timeout, .tls:
      return "can't reach Redis: \(error) Start it, or name another with --redis"
    case .authentication:
      return
        "can't log in to Redis: \(error) They go into $DRAWBAR_REDIS: redis://user:password@host"
    case .server:
      let now =
        switch error.reply?.kind {
        case "OOM": "its memory is full: give it more, or remove what isn't needed"
        case "READONLY": "it is a replica: name the primary with --redis"
        case "LOADING": "it still reads its data: try again in a moment"
        case "MISCONF": "it can't write to its disk: look at its log"
        case "NOPERM": "its user lacks a right: see ACL in its documentation"
        default: "another version of Drawbar, or something else, may write to it: it needs a Redis of its own"
        }
      return "Redis refused what was asked of it; \(now). Its words: \(error)"
    default: return "\(error)"
    }
  }

  var json: String { JSONText.line(self) }

  /// What a person reads. Problems of a file stand at the line's beginning, where editors look for them.
  var text: String { problems == nil ? "drawbar: \(message)" : message }

  private struct Note: Encodable { let message: String }

  /// What is no error, and is to be known: on standard error as well.
  static func note(_ text: String, json: Bool) {
    tell(json ? JSONText.line(Note(message: text)) : "drawbar: \(text)")
  }

  static func tell(_ text: String) {
    Terminal.standardError().write(text + "\n")
  }
}

/// JSON as the commands print it.
enum JSONText {
  static func line(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else {
      preconditionFailure("every value that is printed can be encoded: \(type(of: value))")
    }
    return String(decoding: data, as: UTF8.self)
  }
}
