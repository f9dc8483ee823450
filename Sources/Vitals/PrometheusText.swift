/// The text format that Prometheus reads, version 0.0.4, and its rules for names.
enum PrometheusText {
  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// Families in the order given; each with its help, its type and its samples.
  static func page(_ families: [MetricFamily]) -> String {
    var page = ""
    for family in families where !family.samples.isEmpty {
      page += "# HELP \(family.name) \(escape(family.help, quotes: false))\n"
      page += "# TYPE \(family.name) \(family.kind.rawValue)\n"
      for sample in family.samples {
        page += family.name
        page += sample.suffix
        if !sample.labels.text.isEmpty { page += "{\(sample.labels.text)}" }
        page += " \(number(sample.value))\n"
      }
    }
    return page
  }

  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    // Whole numbers without a point, as far as a Double knows them exactly.
    if value == value.rounded(), abs(value) < 9e15 { return "\(Int64(value))" }
    return "\(value)"
  }

  /// A metric's name: `[a-zA-Z_:][a-zA-Z0-9_:]*`; whatever else is in it becomes `_`.
  static func name(_ text: String) -> String { cleaned(text) { $0 == UInt8(ascii: ":") } }

  /// A label's name: `[a-zA-Z_][a-zA-Z0-9_]*`. A leading `__` is Prometheus' own, and `le` the histograms'.
  static func label(_ text: String) -> String {
    var name = cleaned(text) { _ in false }
    while name.hasPrefix("__") { name.removeFirst() }
    return name == "le" ? "le_" : name
  }

  private static func cleaned(_ text: String, _ more: (UInt8) -> Bool) -> String {
    var bytes = text.utf8.prefix(200).map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        byte
      default: more(byte) ? byte : UInt8(ascii: "_")
      }
    }
    if bytes.first.map((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) ?? true {
      bytes.insert(UInt8(ascii: "_"), at: 0)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Backslash and line feed, and within a label's value the quote, are written with a backslash.
  static func escape(_ text: some StringProtocol, quotes: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
