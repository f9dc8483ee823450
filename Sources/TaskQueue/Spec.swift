import FoundationEssentials

/// How inputs and outputs travel: JSON, opaque to the scripts.
enum Payload {
  static func encode(_ value: some Encodable) throws -> [UInt8] {
    if value is Nothing { return [] }
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
/// Length-prefixed, so that a header is scanned without decoding any argument: the shared input, then
/// for each link its task's name, its options, and `=` + input or `-` for the shared one. Each field is
/// `<length>:<bytes>`.
final class Spec: Sendable {
  struct Step: Sendable, Equatable {
    var task: String
    var input: ArraySlice<UInt8>?
    var retry: RetryPolicy
    var timeLimit: Duration?
  }

  let shared: ArraySlice<UInt8>
  let steps: [Step]

  func input(of step: Int) -> ArraySlice<UInt8> { steps[step].input ?? shared }

  static func encode(_ chain: Chain) -> [UInt8] {
    var bytes: [UInt8] = []
    let inputs = chain.links.reduce(0) { $0 + ($1.input?.count ?? 0) + 64 }
    bytes.reserveCapacity(chain.shared.count + inputs + 8)
    append(chain.shared, to: &bytes)
    for link in chain.links {
      append(link.task.utf8, to: &bytes)
      append(options(link).utf8, to: &bytes)
      if let input = link.input {
        append([UInt8(ascii: "=")] + input, to: &bytes)
      } else {
        append(CollectionOfOne(UInt8(ascii: "-")), to: &bytes)
      }
    }
    return bytes
  }

  private static func append(_ field: some Collection<UInt8>, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: String(field.count).utf8)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(contentsOf: field)
  }

  /// `attempts backoff maxBackoff limit`, in milliseconds; nothing where all are the defaults.
  private static func options(_ link: Link) -> String {
    if link.retry == .never && link.timeLimit == nil { return "" }
    let limit = link.timeLimit.map { max(1, $0.milliseconds) } ?? 0
    return "\(link.retry.attempts) \(link.retry.backoff) \(link.retry.maxBackoff) \(limit)"
  }

  init(shared: ArraySlice<UInt8>, steps: [Step]) {
    self.shared = shared
    self.steps = steps
  }

  convenience init?(_ bytes: [UInt8]) {
    var rest = bytes[...]
    guard let shared = Self.field(&rest) else { return nil }
    var steps: [Step] = []
    while !rest.isEmpty {
      guard let task = Self.field(&rest), let options = Self.field(&rest), let input = Self.field(&rest),
        let mark = input.first
      else { return nil }
      var step = Step(
        task: String(decoding: task, as: UTF8.self),
        input: mark == UInt8(ascii: "=") ? input.dropFirst() : nil, retry: .never, timeLimit: nil)
      if !options.isEmpty {
        let numbers = options.split(separator: UInt8(ascii: " "))
          .compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        guard numbers.count == 4 else { return nil }
        step.retry = RetryPolicy(attempts: numbers[0], backoff: numbers[1], maxBackoff: numbers[2])
        step.timeLimit = numbers[3] > 0 ? .milliseconds(numbers[3]) : nil
      }
      steps.append(step)
    }
    guard !steps.isEmpty else { return nil }
    self.init(shared: shared, steps: steps)
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
