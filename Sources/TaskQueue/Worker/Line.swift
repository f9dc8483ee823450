/// A line to wait in: O(1) at both ends.
struct Line<Element>: Sequence {
  private var items: [Element] = []
  private var head = 0
  var count: Int { items.count - head }

  mutating func append(_ item: Element) { items.append(item) }

  mutating func popFirst() -> Element? {
    guard head < items.count else { return nil }
    defer {
      head += 1
      if head > 512, head * 2 > items.count {
        items.removeFirst(head)
        head = 0
      }
    }
    return items[head]
  }

  mutating func remove(where matches: (Element) -> Bool) -> [Element] {
    let removed = items[head...].filter(matches)
    if !removed.isEmpty { (items, head) = (items[head...].filter { !matches($0) }, 0) }
    return removed
  }

  func makeIterator() -> ArraySlice<Element>.Iterator { items[head...].makeIterator() }
}
