public import CoreMetrics
import Synchronization

/// A backend for swift-metrics that keeps every metric in memory, for ``Vitals`` to show.
///
/// ```swift
/// let metrics = MetricRegistry()
/// MetricsSystem.bootstrap(metrics)   // or hand it to who measures: MeasureLinks(factory: metrics)
/// ```
/// Names are made fit for Prometheus: counters end in `_total`, timers in `_seconds`. It can't be flooded:
/// a metric has up to `seriesPerMetric` series, and what comes beyond is counted in one whose labels all say
/// `other`; and there are up to 1,000 metrics.
public final class MetricRegistry: MetricsFactory {
  private struct Family {
    var kind: MetricFamily.Kind
    var label: String
    var series: [Labels: any MetricCell] = [:]
  }

  private let seriesPerMetric: Int
  private let durations: [Double]
  private let sizes: [Double]
  private let help: [String: String]
  private let families = Mutex<[String: Family]>([:])

  /// - Parameters:
  ///   - durations: upper bounds of timers' buckets, in seconds, rising. The default tells a millisecond from
  ///     an hour.
  ///   - sizes: the same for recorders, in whatever they record.
  ///   - help: a sentence for a metric, by its swift-metrics label. Those of Drawbar have theirs.
  public init(
    seriesPerMetric: Int = 200, durations: [Double] = MetricRegistry.durations,
    sizes: [Double] = MetricRegistry.sizes, help: [String: String] = [:]
  ) {
    self.seriesPerMetric = max(1, seriesPerMetric)
    self.durations = durations
    self.sizes = sizes
    self.help = Self.help.merging(help) { $1 }
  }

  public static let durations: [Double] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600,
  ]
  public static let sizes: [Double] = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

  /// All families that have a series, by name.
  func collect() -> [MetricFamily] {
    families.withLock { $0 }.sorted { $0.key < $1.key }.map { name, family in
      MetricFamily(
        name, help[family.label] ?? "\(family.label), as the program names it.", family.kind,
        family.series.sorted { $0.key.text < $1.key.text }.flatMap { $0.value.samples($0.key) })
    }
  }

  // MARK: MetricsFactory

  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    number(label, dimensions, .counter)
  }

  public func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    number(label, dimensions, .counter)
  }

  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    number(label, dimensions, .gauge)
  }

  public func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    aggregate ? histogram(label, dimensions, "", sizes) : number(label, dimensions, .gauge)
  }

  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    histogram(label, dimensions, "_seconds", durations)
  }

  public func destroyCounter(_ handler: any CounterHandler) { drop(handler) }
  public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { drop(handler) }
  public func destroyMeter(_ handler: any MeterHandler) { drop(handler) }
  public func destroyRecorder(_ handler: any RecorderHandler) { drop(handler) }
  public func destroyTimer(_ handler: any TimerHandler) { drop(handler) }

  // MARK: Series

  private func number(
    _ label: String, _ dimensions: [(String, String)], _ kind: MetricFamily.Kind
  ) -> NumberCell {
    cell(label, dimensions, kind, kind == .counter ? "_total" : "") { NumberCell() }
  }

  private func histogram(
    _ label: String, _ dimensions: [(String, String)], _ suffix: String, _ bounds: [Double]
  ) -> HistogramCell {
    cell(label, dimensions, .histogram, suffix) { HistogramCell(bounds) }
  }

  /// The series of a label and its dimensions; the same one each time.
  private func cell<Cell: MetricCell>(
    _ label: String, _ dimensions: [(String, String)], _ kind: MetricFamily.Kind, _ suffix: String,
    _ make: () -> Cell
  ) -> Cell {
    var name = PrometheusText.name(label)
    if !name.hasSuffix(suffix) { name += suffix }
    return families.withLock { families in
      // A name has one kind: the second kind of a name gets one of its own.
      if let family = families[name], family.kind != kind { name += "_\(kind.rawValue)" }
      var family = families[name] ?? Family(kind: kind, label: label)
      var labels = Labels(dimensions)
      if let known = family.series[labels] as? Cell { return known }
      if family.series.count >= seriesPerMetric {
        labels = Labels(dimensions.map { ($0.0, "other") })
        if let known = family.series[labels] as? Cell { return known }
      }
      let new = make()
      guard family.kind == kind, families[name] != nil || families.count < 1_000 else { return new }
      family.series[labels] = new
      families[name] = family
      return new
    }
  }

  private func drop(_ handler: AnyObject) {
    families.withLock { families in
      for (name, family) in families {
        guard let labels = family.series.first(where: { $0.value === handler })?.key else { continue }
        families[name]?.series[labels] = nil
        if families[name]?.series.isEmpty == true { families[name] = nil }
      }
    }
  }

  private static let help = [
    "drawbar.links": "Links that ended, by task and outcome: done, retried, dead, snoozed or stopped.",
    "drawbar.link.failures": "Failures of links, by task and by the code that the task gave.",
    "drawbar.link.duration": "How long links ran that were not stopped, in seconds.",
    "drawbar.links.running": "Links that run now in this process.",
    "drawbar.circuit.open": "1 while something outside is not asked, because it has failed too often.",
  ]
}
