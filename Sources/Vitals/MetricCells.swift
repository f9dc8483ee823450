import CoreMetrics
import Synchronization

/// What one series holds.
protocol MetricCell: AnyObject, Sendable {
  func samples(_ labels: Labels) -> [MetricFamily.Sample]
}

/// A number that goes up, or up and down.
final class NumberCell: MetricCell, CounterHandler, FloatingPointCounterHandler, MeterHandler,
  RecorderHandler
{
  private let value = Mutex(0.0)

  func samples(_ labels: Labels) -> [MetricFamily.Sample] {
    [MetricFamily.Sample(labels: labels, value: value.withLock { $0 })]
  }

  func increment(by amount: Int64) { increment(by: Double(amount)) }
  func increment(by amount: Double) {
    // A counter that went down, or to no number, would be taken for a restart.
    guard amount > 0, amount.isFinite else { return }
    value.withLock { $0 += amount }
  }
  func decrement(by amount: Double) {
    guard amount > 0, amount.isFinite else { return }
    value.withLock { $0 -= amount }
  }
  func reset() { value.withLock { $0 = 0 } }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { self.value.withLock { $0 = value } }
  func record(_ value: Int64) { set(Double(value)) }
  func record(_ value: Double) { set(value) }
}

/// Observations counted by size.
final class HistogramCell: MetricCell, TimerHandler, RecorderHandler {
  private struct State {
    /// By bucket, not added up; the last has no bound.
    var counts: [UInt64]
    var sum = 0.0
  }

  private let bounds: [Double]
  private let state: Mutex<State>

  /// - Parameter bounds: upper bounds, inclusive, rising.
  init(_ bounds: [Double]) {
    self.bounds = bounds
    state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
  }

  func samples(_ labels: Labels) -> [MetricFamily.Sample] {
    // One look for all, so that buckets, sum and count agree.
    let state = state.withLock { $0 }
    var total: UInt64 = 0
    var samples: [MetricFamily.Sample] = []
    for (bound, count) in zip(bounds + [.infinity], state.counts) {
      total += count
      samples.append(.init(suffix: "_bucket", labels: labels.bucket(bound), value: Double(total)))
    }
    samples.append(.init(suffix: "_sum", labels: labels, value: state.sum))
    samples.append(.init(suffix: "_count", labels: labels, value: Double(total)))
    return samples
  }

  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
  func record(_ value: Int64) { record(Double(value)) }
  func record(_ value: Double) {
    guard !value.isNaN else { return }
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock {
      $0.counts[bucket] += 1
      $0.sum += value
    }
  }
}
