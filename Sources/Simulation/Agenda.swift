import Rollout

/// What is to happen, and when: the simulated clock. Of two things at the same instant the one that was noted
/// first comes first, so a run is the same every time.
struct Agenda<Step> {
  private struct Entry {
    var at: Milliseconds
    var order: Int
    var step: Step

    func precedes(_ other: Entry) -> Bool { (at, order) < (other.at, other.order) }
  }

  private var heap: [Entry] = []
  private var noted = 0

  var isEmpty: Bool { heap.isEmpty }

  mutating func note(_ step: Step, at: Milliseconds) {
    heap.append(Entry(at: at, order: noted, step: step))
    noted += 1
    var child = heap.count - 1
    while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func next() -> (at: Milliseconds, step: Step)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return (first.at, first.step) }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child].precedes(heap[least]) {
        least = child
      }
      guard least != parent else { break }
      heap.swapAt(least, parent)
      parent = least
    }
    return (first.at, first.step)
  }
}
