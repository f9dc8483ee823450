import FoundationEssentials

/// How inputs and outputs travel: JSON, opaque to the scripts.
enum Payload {
  static func encode(_ value: some Encodable) throws -> [UInt8] {
    if value is Nothing { return [] }
    // The commonest results; an encoder costs more than all else of a short link.
    if let number = value as? Int { return Array(String(number).utf8) }
    if let truth = value as? Bool { return Array(String(truth).utf8) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    return Array(try encoder.encode(value))
  }

  static func decode<T: Decodable>(_ type: T.Type, from bytes: ArraySlice<UInt8>) throws -> T {
    // Whatever the chain shares: a task without input doesn't look at it.
    if let nothing = Nothing() as? T { return nothing }
    return try JSONDecoder().decode(type, from: Data(bytes))
  }
}

/// A chain's links as they are stored: written once, read by the worker that takes the chain.
///
/// Length-prefixed, so that a header is scanned without decoding any argument: the headers, the shared input, then
/// for each link its task's name, its options, and its input: `=` and bytes, `-` the shared one, `<` the result
/// of the link before. Each field is `<length>:<bytes>`.
final class Spec: Sendable {
  enum Input: Sendable, Equatable {
    case own(ArraySlice<UInt8>)
    case shared
    case previous
  }

  struct Step: Sendable, Equatable {
    var task: String
    var input: Input
    var retry: RetryPolicy
    var timeLimit: Duration?
    var hardLimit: Duration?
    var keepsResult = true
  }

  let headers: ArraySlice<UInt8>
  let shared: ArraySlice<UInt8>
  let steps: [Step]

  /// A link that is a group is no task: the chain waits there, in Redis.
  static let group = "*"

  static func encode(_ chain: Chain) -> [UInt8] {
    var bytes: [UInt8] = []
    let inputs = chain.links.reduce(0) { size, link in
      if case .task(_, .own(let input)) = link.work { size + input.count + 48 } else { size + 32 }
    }
    bytes.reserveCapacity(chain.shared.count + inputs + 16)
    append(headers(chain.headers), to: &bytes)
    append(chain.shared, to: &bytes)
    for link in chain.links {
      switch link.work {
      case .group:
        append(group.utf8, to: &bytes)
        append("".utf8, to: &bytes)
        append("-".utf8, to: &bytes)
      case .task(let task, let input):
        append(task.utf8, to: &bytes)
        append(options(link.options).utf8, to: &bytes)
        switch input {
        case .own(let input):
          length(input.count + 1, to: &bytes)
          bytes.append(UInt8(ascii: "="))
          bytes.append(contentsOf: input)
        case .shared: append(CollectionOfOne(UInt8(ascii: "-")), to: &bytes)
        case .previous: append(CollectionOfOne(UInt8(ascii: "<")), to: &bytes)
        }
      }
    }
    return bytes
  }

  private static func length(_ count: Int, to bytes: inout [UInt8]) {
    if count < 10 {
      bytes.append(UInt8(48 + count))
    } else {
      bytes.append(contentsOf: String(count).utf8)
    }
    bytes.append(UInt8(ascii: ":"))
  }

  private static func append(_ field: some Collection<UInt8>, to bytes: inout [UInt8]) {
    length(field.count, to: &bytes)
    bytes.append(contentsOf: field)
  }

  /// Pairs of length-prefixed fields, in the order of their names.
  private static func headers(_ headers: [String: String]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
      append(name.utf8, to: &bytes)
      append(value.utf8, to: &bytes)
    }
    return bytes
  }

  static func headers(_ bytes: ArraySlice<UInt8>) -> [String: String] {
    var rest = bytes
    var headers: [String: String] = [:]
    while !rest.isEmpty, let name = field(&rest), let value = field(&rest) {
      headers[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
    }
    return headers
  }

  /// `attempts backoff maxBackoff limit hardLimit keepsResult`, in milliseconds; nothing where all are the defaults.
  private static func options(_ options: LinkOptions) -> String {
    if options.retry == .never && options.timeLimit == nil && options.hardLimit == nil && options.keepsResult
    {
      return ""
    }
    func limit(_ time: Duration?) -> Int { time.map { max(1, $0.milliseconds) } ?? 0 }
    return "\(options.retry.attempts) \(options.retry.backoff) \(options.retry.maxBackoff) "
      + "\(limit(options.timeLimit)) \(limit(options.hardLimit)) \(options.keepsResult ? 1 : 0)"
  }

  init(headers: ArraySlice<UInt8> = [], shared: ArraySlice<UInt8>, steps: [Step]) {
    self.headers = headers
    self.shared = shared
    self.steps = steps
  }

  convenience init?(_ bytes: [UInt8]) {
    var rest = bytes[...]
    guard let headers = Self.field(&rest), let shared = Self.field(&rest) else { return nil }
    var steps: [Step] = []
    while !rest.isEmpty {
      guard let task = Self.field(&rest), let options = Self.field(&rest), let input = Self.field(&rest),
        let mark = input.first
      else { return nil }
      let source: Input
      switch mark {
      case UInt8(ascii: "="): source = .own(input.dropFirst())
      case UInt8(ascii: "-"): source = .shared
      case UInt8(ascii: "<"): source = .previous
      default: return nil
      }
      var step = Step(task: String(decoding: task, as: UTF8.self), input: source, retry: .never)
      if !options.isEmpty {
        let numbers = options.split(separator: UInt8(ascii: " "))
          .compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        guard numbers.count == 6 else { return nil }
        step.retry = RetryPolicy(attempts: numbers[0], backoff: numbers[1], maxBackoff: numbers[2])
        step.timeLimit = numbers[3] > 0 ? .milliseconds(numbers[3]) : nil
        step.hardLimit = numbers[4] > 0 ? .milliseconds(numbers[4]) : nil
        step.keepsResult = numbers[5] == 1
      }
      steps.append(step)
    }
    guard !steps.isEmpty else { return nil }
    self.init(headers: headers, shared: shared, steps: steps)
  }

  private static func field(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var length = 0
    var index = rest.startIndex
    while index < rest.endIndex, rest[index] != UInt8(ascii: ":") {
      let digit = Int(rest[index]) - 48
      guard (0...9).contains(digit), length < 1 << 40 else { return nil }
      length = length * 10 + digit
      index += 1
    }
    guard index < rest.endIndex, index > rest.startIndex, rest.endIndex - index - 1 >= length else {
      return nil
    }
    let field = rest[(index + 1)..<(index + 1 + length)]
    rest = rest[(index + 1 + length)...]
    return field
  }
}

extension Duration {
  /// Whole milliseconds, rounded up.
  var milliseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1_000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}
