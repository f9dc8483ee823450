import SeededRandom

extension SeededGenerator {
  mutating func upTo(_ n: Int) -> Int { Int.random(in: 0...n, using: &self) }
  mutating func one(in n: Int) -> Bool { Int.random(in: 0..<n, using: &self) == 0 }
  mutating func pick<C: Collection>(_ items: C) -> C.Element? { items.randomElement(using: &self) }

  /// An index, as likely as its weight.
  mutating func weighted(_ weights: [Int]) -> Int {
    var rest = Int.random(in: 0..<max(1, weights.reduce(0, +)), using: &self)
    for (index, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return index }
    }
    return 0
  }
}
