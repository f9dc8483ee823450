/// One metric and all its series, as they are exposed.
struct MetricFamily: Sendable, Equatable {
  enum Kind: String, Sendable { case counter, gauge, histogram }

  struct Sample: Sendable, Equatable {
    /// `_bucket`, `_sum` and `_count` of a histogram; else nothing.
    var suffix = ""
    var labels: Labels
    var value: Double
  }

  var name: String
  var help: String
  var kind: Kind
  var samples: [Sample]

  init(_ name: String, _ help: String, _ kind: Kind, _ samples: [Sample]) {
    self.name = name
    self.help = help
    self.kind = kind
    self.samples = samples
  }

  /// A gauge without labels.
  static func gauge(_ name: String, _ help: String, _ value: Double) -> MetricFamily {
    MetricFamily(name, help, .gauge, [Sample(labels: Labels(), value: value)])
  }

  /// A gauge that has one label.
  static func gauge(
    _ name: String, _ help: String, by label: String, _ values: [(String, Double)]
  ) -> MetricFamily {
    MetricFamily(
      name, help, .gauge, values.map { Sample(labels: Labels([(label, $0.0)]), value: $0.1) })
  }
}

/// Labels in their exposed form, sorted by name: `outcome="done",task="image.resize"`.
struct Labels: Hashable, Sendable {
  let text: String

  /// - Parameter pairs: of a name that is given twice the last value counts. Values are cut at 120 characters.
  init(_ pairs: [(String, String)] = []) {
    text = Dictionary(pairs.map { (PrometheusText.label($0.0), $0.1) }, uniquingKeysWith: { $1 })
      .sorted { $0.key < $1.key }
      .map { "\($0.key)=\"\(PrometheusText.escape($0.value.prefix(120), quotes: true))\"" }
      .joined(separator: ",")
  }

  private init(text: String) { self.text = text }

  /// With the upper bound of a histogram's bucket.
  func bucket(_ bound: Double) -> Labels {
    let bound = "le=\"\(PrometheusText.number(bound))\""
    return Labels(text: text.isEmpty ? bound : text + "," + bound)
  }
}
