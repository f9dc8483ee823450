/// SplitMix64: the same numbers for the same seed, on every machine and in every version.
///
/// Simulations, fault runs and property tests are told by their seeds, so that a run that went wrong can be had again:
/// a change here changes what every seed means.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// The numbers of a seed.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// True so many times in a hundred.
  public mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

  /// True so many times in a million.
  public mutating func happens(_ rate: Int) -> Bool {
    rate > 0 && next() % 1_000_000 < UInt64(rate)
  }
}
