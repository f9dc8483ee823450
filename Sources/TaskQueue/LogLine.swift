/// A line that a chain's task wrote for people.
public struct LogLine: Sendable, Equatable {
  /// The link's index in its chain.
  public let link: Int
  /// The run of the link that wrote it: higher for every later one. See ``TaskContext/generation``.
  public let generation: Int
  /// From 0, in its run. Where numbers are missing, more was written than is kept.
  public let number: Int
  public let text: String

  /// As it is kept: `link.generation.number text`.
  var stored: String { "\(link).\(generation).\(number) \(text)" }

  init(link: Int, generation: Int, number: Int, text: String) {
    self.link = link
    self.generation = generation
    self.number = number
    self.text = text
  }

  /// What is not kept as such is a line of the first link.
  init(stored: String) {
    let parts = stored.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    let numbers = parts[0].split(separator: ".").compactMap { Int($0) }
    if parts.count == 2, numbers.count == 3 {
      self.init(link: numbers[0], generation: numbers[1], number: numbers[2], text: String(parts[1]))
    } else {
      self.init(link: 0, generation: 0, number: 0, text: stored)
    }
  }
}
