/// What is looked at for a time after a release has ended well.
public struct Watch: Codable, Sendable, Equatable {
  /// The checks, each with a name of its own.
  public var checks: [Check]
  /// For how long.
  public var time: Milliseconds
  /// How often each check is made.
  public var every: Milliseconds
  /// As many failures of one check in a row roll back.
  public var failures: Int

  /// Checks that are made every so often for a time.
  public init(
    checks: [Check], time: Milliseconds = 600_000, every: Milliseconds = 15_000, failures: Int = 3
  ) {
    self.checks = checks
    self.time = time
    self.every = every
    self.failures = failures
  }
}

/// One check: something that answers whether a release does any harm.
public struct Check: Codable, Sendable, Equatable {
  /// What is asked.
  public enum Probe: Codable, Sendable, Equatable {
    /// A URL; anything but 2xx is a failure.
    case health(url: String)
    /// A program and its arguments, never a line for a shell; anything but an exit with 0 is a failure.
    case command([String])
    /// A query of a Prometheus: every value that comes back must lie within the bounds. No value at all is a
    /// failure, since a release that made its metrics vanish has not shown that it works.
    case prometheus(url: String, query: String, atLeast: Double? = nil, atMost: Double? = nil)
  }

  /// Its name, as in "the check errors failed 3 times in a row".
  public var name: String
  /// What is asked.
  public var probe: Probe
  /// How long the answer may take; none in time is a failure.
  public var timeout: Milliseconds

  /// A check by a name.
  public init(name: String, probe: Probe, timeout: Milliseconds = 5_000) {
    self.name = name
    self.probe = probe
    self.timeout = timeout
  }
}

/// One result of a check that watches a group after its release.
public struct CheckResult: Codable, Sendable, Equatable {
  /// The check's name.
  public var name: String
  /// When it was made.
  public var at: Milliseconds
  /// Why it failed; nil where it passed.
  public var failure: String?

  /// A check that passed or failed.
  public init(name: String, at: Milliseconds, failure: String? = nil) {
    self.name = name
    self.at = at
    self.failure = failure
  }
}

extension Watch {
  /// The check whose latest results all failed, as many as it takes; by name, so that the answer is one. A
  /// result that was told twice counts once.
  func verdict(_ results: [CheckResult]) -> String? {
    let byName = Dictionary(grouping: results, by: \.name).sorted { $0.key < $1.key }
    for (name, results) in byName {
      var byTime: [Milliseconds: CheckResult] = [:]
      for result in results { byTime[result.at] = result }
      let latest = byTime.values.sorted { $0.at < $1.at }.suffix(max(1, failures))
      guard latest.count == max(1, failures), latest.allSatisfy({ $0.failure != nil }) else { continue }
      return "the check \(name) failed \(latest.count) times in a row: \(latest.last?.failure ?? "")"
    }
    return nil
  }
}
