extension RedisConfiguration.Backoff {
  /// How long to wait after so many failed attempts in a row.
  ///
  /// - Parameters:
  ///   - failures: 1 after the first.
  ///   - random: from 0 to 1; which part of the jitter is left out.
  func delay(failures: Int, random: Double) -> Duration {
    // Beyond 2^30 any maximum is reached; the bound keeps the multiplication in range.
    let full = min(maximum, initial * (1 << min(max(failures - 1, 0), 30)))
    return full * (1 - min(max(jitter, 0), 1) * random)
  }
}
