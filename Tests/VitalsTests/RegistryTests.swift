import CoreMetrics
import Testing

@testable import Vitals

@Suite struct RegistryTests {
  private func page(_ registry: MetricRegistry) throws -> PrometheusPage {
    try PrometheusPage(PrometheusText.page(registry.collect()))
  }

  @Test func countersCountAndNeverGoDown() throws {
    let registry = MetricRegistry()
    let counter = Counter(label: "mails.sent", dimensions: [("to", "a")], factory: registry)
    counter.increment()
    counter.increment(by: 4)
    counter.increment(by: -3)
    // The same name and labels are the same series, whoever asks.
    Counter(label: "mails.sent", dimensions: [("to", "a")], factory: registry).increment()
    let real = FloatingPointCounter(label: "energy", factory: registry)
    real.increment(by: 0.25)
    real.increment(by: -Double.infinity)
    real.increment(by: Double.nan)
    let page = try page(registry)
    #expect(page.types == ["mails_sent_total": "counter", "energy_total": "counter"])
    #expect(page.value("mails_sent_total", ["to": "a"]) == 6)
    #expect(page.value("energy_total") == 0.25)
  }

  @Test func gaugesShowTheLatest() throws {
    let registry = MetricRegistry()
    let meter = Meter(label: "depth", factory: registry)
    meter.increment(by: 5.0)
    meter.decrement()
    Gauge(label: "heat", factory: registry).record(-1.5)
    let page = try page(registry)
    #expect(page.types == ["depth": "gauge", "heat": "gauge"])
    #expect(page.value("depth") == 4)
    #expect(page.value("heat") == -1.5)
  }

  @Test func timersAreHistogramsOfSeconds() throws {
    let registry = MetricRegistry(durations: [0.1, 1])
    let timer = Timer(label: "work", dimensions: [("task", "t")], factory: registry)
    timer.recordMilliseconds(100)  // A bound belongs to its bucket.
    timer.recordMilliseconds(101)
    timer.recordSeconds(7)
    let page = try page(registry)
    #expect(page.types == ["work_seconds": "histogram"])
    #expect(page.value("work_seconds_bucket", ["task": "t", "le": "0.1"]) == 1)
    #expect(page.value("work_seconds_bucket", ["task": "t", "le": "1"]) == 2)
    #expect(page.value("work_seconds_bucket", ["task": "t", "le": "+Inf"]) == 3)
    #expect(page.value("work_seconds_count", ["task": "t"]) == 3)
    #expect(abs((page.value("work_seconds_sum", ["task": "t"]) ?? 0) - 7.201) < 1e-9)
  }

  @Test func anythingMayBeInANameAndInALabelsValue() throws {
    let registry = MetricRegistry(help: ["9 lives!": "a \\ and\na line"])
    let odd = "quote \" backslash \\ line\nfeed, comma } brace ü 漢"
    Counter(label: "9 lives!", dimensions: [("__le-vel", odd), ("le", "x")], factory: registry).increment()
    Recorder(label: "", factory: registry).record(3)
    let page = try page(registry)
    #expect(page.value("_9_lives__total", ["_le_vel": odd, "le_": "x"]) == 1)
    #expect(page.help["_9_lives__total"] == "a \\ and\na line")
    #expect(page.value("__count") == 1)
  }

  @Test func aNameOfTwoKindsIsTwoMetrics() throws {
    let registry = MetricRegistry()
    Meter(label: "jobs_total", factory: registry).set(3)
    Counter(label: "jobs", factory: registry).increment()
    let page = try page(registry)
    #expect(page.value("jobs_total") == 3)
    #expect(page.value("jobs_total_counter") == 1)
  }

  @Test func aFloodOfLabelsEndsInOneSeries() throws {
    let registry = MetricRegistry(seriesPerMetric: 3)
    for user in 0..<1_000 {
      Counter(label: "logins", dimensions: [("user", "\(user)")], factory: registry).increment()
    }
    let long = String(repeating: "x", count: 10_000)
    Meter(label: "long", dimensions: [("text", long)], factory: registry).set(1)
    let page = try page(registry)
    #expect(page.samples.filter { $0.name == "logins_total" }.count == 4)
    #expect(page.value("logins_total", ["user": "2"]) == 1)
    #expect(page.value("logins_total", ["user": "other"]) == 997)
    #expect(page.samples.first { $0.name == "long" }?.labels["text"]?.count == 120)
  }

  @Test func aFloodOfNamesIsBounded() throws {
    let registry = MetricRegistry()
    for name in 0..<2_000 { Counter(label: "n\(name)", factory: registry).increment() }
    #expect(try page(registry).samples.count == 1_000)
  }

  @Test func whatIsDestroyedIsShownNoMore() throws {
    let registry = MetricRegistry()
    let counter = Counter(label: "a", factory: registry)
    counter.increment()
    Counter(label: "b", factory: registry).increment()
    counter.destroy()
    #expect(try page(registry).samples.map(\.name) == ["b_total"])
  }

  @Test func manyThreadsLoseNothing() async throws {
    let registry = MetricRegistry()
    await withTaskGroup { group in
      for task in 0..<8 {
        group.addTask {
          for round in 0..<1_000 {
            Counter(label: "rounds", dimensions: [("of", "\((task + round) % 4)")], factory: registry)
              .increment()
            Timer(label: "time", factory: registry).recordMicroseconds(round)
          }
        }
      }
    }
    let page = try page(registry)
    #expect((0..<4).map { page.value("rounds_total", ["of": "\($0)"]) } == [2_000, 2_000, 2_000, 2_000])
    #expect(page.value("time_seconds_count") == 8_000)
  }

  @Test func numbers() {
    #expect(
      [0, -0.0, 1, -12, 0.5, 1e15, 1e300, .infinity].map(PrometheusText.number)
        == ["0", "0", "1", "-12", "0.5", "1000000000000000", "1e+300", "+Inf"])
    #expect(PrometheusText.number(-.infinity) == "-Inf")
    #expect(PrometheusText.number(.nan) == "NaN")
  }

  /// The process' own name may hold spaces and parentheses.
  @Test func whatTheKernelSaysOfAProcess() throws {
    let behind = (3...52).map {
      $0 == 14 ? "250" : $0 == 15 ? "50" : $0 == 22 ? "1000" : $0 == 24 ? "10" : "S"
    }
    let stat = "42 (a (b) c) " + behind.joined(separator: " ")
    let families = ProcessMetrics.families(stat: stat, boot: "cpu 1 2\nbtime 1700000000\n", openFiles: 9)
    let page = try PrometheusPage(PrometheusText.page(families))
    #expect(page.value("process_cpu_seconds_total") == 3)
    #expect(page.value("process_resident_memory_bytes") == 40_960)
    #expect(page.value("process_start_time_seconds") == 1_700_000_010)
    #expect(page.value("process_open_fds") == 9)
  }

  /// The test's own reader is as strict as it says.
  @Test(arguments: [
    "a 1\n", "# HELP a x\n# TYPE a gauge\na 1", "# HELP a x\n# TYPE a gauge\na{b=\"\\q\"} 1\n",
    "# HELP a x\n# TYPE a gauge\na 1\na 2\n", "# HELP a x\n# TYPE a gauge\na{} 1\n",
    "# HELP a x\n# TYPE a number\na 1\n", "# HELP a x\n# TYPE a gauge\na  1\n",
    "# HELP a x\n# TYPE a gauge\na 0x1\n",
    "# HELP a x\n# TYPE a gauge\n# HELP b x\n# TYPE b gauge\na 1\n",
    "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
  ])
  func whatIsNotTheFormatIsRefused(_ text: String) {
    #expect(throws: PrometheusPage.Broken.self) { try PrometheusPage(text) }
  }
}
