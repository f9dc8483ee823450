/// Reads the text format 0.0.4 as its specification is written, and refuses whatever is not in it.
struct PrometheusPage {
  struct Broken: Error { var line: Int, reason: String }

  struct Sample: Equatable {
    var name: String
    var labels: [String: String]
    var value: Double
  }

  var help: [String: String] = [:]
  var types: [String: String] = [:]
  var samples: [Sample] = []

  func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
    samples.first { $0.name == name && $0.labels == labels }?.value
  }

  init(_ text: String) throws {
    guard text.isEmpty || text.last == "\n" else { throw Broken(line: 0, reason: "no line feed at the end") }
    var finished: Set<String> = []
    var current = ""
    var seen: Set<String> = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().enumerated()
    {
      func broken(_ reason: String) -> Broken { Broken(line: index + 1, reason: "\(reason): \(line)") }
      var rest = Cursor(String(line))
      if rest.takes("# HELP ") {
        guard let name = rest.name(colons: true), rest.takes(" "), help[name] == nil else {
          throw broken("HELP")
        }
        if name != current { finished.insert(current) }
        current = name
        help[name] = try rest.unescaped(until: nil).orThrow(broken("escape"))
      } else if rest.takes("# TYPE ") {
        guard let name = rest.name(colons: true), rest.takes(" "), types[name] == nil else {
          throw broken("TYPE")
        }
        guard ["counter", "gauge", "histogram", "summary", "untyped"].contains(rest.rest) else {
          throw broken("kind")
        }
        guard name == current else { throw broken("TYPE of another metric than its HELP") }
        types[name] = rest.rest
      } else {
        let sample = try Self.sample(&rest).orThrow(broken("sample"))
        let family = try family(of: sample.name).orThrow(broken("a sample without a type"))
        guard family == current, !finished.contains(family) else {
          throw broken("lines of one metric are not together")
        }
        let key = "\(sample.name) \(sample.labels.sorted { $0.key < $1.key })"
        guard seen.insert(key).inserted else { throw broken("twice") }
        samples.append(sample)
      }
    }
    try checkHistograms()
  }

  /// The metric that a sample belongs to.
  private func family(of name: String) -> String? {
    if let type = types[name] { return type == "histogram" ? nil : name }
    for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
      let base = String(name.dropLast(suffix.count))
      if types[base] == "histogram" { return base }
    }
    return nil
  }

  private static func sample(_ rest: inout Cursor) -> Sample? {
    guard let name = rest.name(colons: true) else { return nil }
    var labels: [String: String] = [:]
    if rest.takes("{") {
      repeat {
        guard let label = rest.name(colons: false), rest.takes("=\""), labels[label] == nil,
          let value = rest.unescaped(until: "\"")
        else { return nil }
        labels[label] = value
      } while rest.takes(",")
      guard rest.takes("}") else { return nil }
    }
    guard rest.takes(" "), let value = number(rest.rest) else { return nil }
    return Sample(name: name, labels: labels, value: value)
  }

  private static func number(_ text: String) -> Double? {
    switch text {
    case "+Inf": .infinity
    case "-Inf": -.infinity
    case "NaN": .nan
    default: text.utf8.allSatisfy { "0123456789+-.e".utf8.contains($0) } ? Double(text) : nil
    }
  }

  /// Buckets rise, end with +Inf, and that one is the count.
  private func checkHistograms() throws {
    for (name, _) in types where types[name] == "histogram" {
      func series(_ suffix: String) -> [[String: String]: [Sample]] {
        Dictionary(grouping: samples.filter { $0.name == name + suffix }) {
          $0.labels.filter { $0.key != "le" }
        }
      }
      let counts = series("_count")
      for (labels, buckets) in series("_bucket") {
        let bounds = buckets.compactMap { $0.labels["le"].flatMap(Self.number) }
        guard bounds.count == buckets.count, bounds == bounds.sorted(), bounds.last == .infinity,
          buckets.map(\.value) == buckets.map(\.value).sorted(),
          counts[labels]?.first?.value == buckets.last?.value, series("_sum")[labels]?.count == 1
        else { throw Broken(line: 0, reason: "histogram \(name) \(labels)") }
      }
    }
  }
}

private struct Cursor {
  private var text: Substring
  init(_ text: String) { self.text = text[...] }
  var rest: String { String(text) }

  mutating func takes(_ word: String) -> Bool {
    guard text.hasPrefix(word) else { return false }
    text = text.dropFirst(word.count)
    return true
  }

  mutating func name(colons: Bool) -> String? {
    let name = text.prefix {
      $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || colons && $0 == ":")
    }
    guard let first = name.first, !first.isNumber else { return nil }
    text = text[name.endIndex...]
    return String(name)
  }

  /// Up to the end, or up to a quote that is taken as well; nil for an escape that the format doesn't know.
  mutating func unescaped(until end: Character?) -> String? {
    var value = ""
    while let character = text.popFirst() {
      if character == end { return value }
      guard character == "\\" else {
        value.append(character)
        continue
      }
      switch text.popFirst() {
      case "\\": value.append("\\")
      case "n": value.append("\n")
      case "\"" where end != nil: value.append("\"")
      default: return nil
      }
    }
    return end == nil ? value : nil
  }
}

extension Optional {
  fileprivate func orThrow(_ error: @autoclosure () -> any Error) throws -> Wrapped {
    guard let self else { throw error() }
    return self
  }
}
