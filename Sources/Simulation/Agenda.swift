import Rollout

/// What is to happen, and when: the simulated clock. Of two things at the same instant the one that was noted
/// first comes first, so a run is the same every time.
struct Agenda<Step> {
  /// The steps themselves stand aside: what moves in the heap is small.
  private struct Entry {
    var at: Milliseconds
    var order: Int
    var place: Int

    func precedes(_ other: Entry) -> Bool { (at, order) < (other.at, other.order) }
  }

  private var heap: [Entry] = []
  private var steps: [Step?] = []
  private var freePlaces: [Int] = []
  private var noted = 0

  mutating func note(_ step: Step, at: Milliseconds) {
    let place = freePlaces.popLast() ?? steps.count
    if place == steps.count { steps.append(step) } else { steps[place] = step }
    heap.append(Entry(at: at, order: noted, place: place))
    noted += 1
    var child = heap.count - 1
    while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func next() -> (at: Milliseconds, step: Step)? {
    guard let first = heap.first, let step = steps[first.place] else { return nil }
    steps[first.place] = nil
    freePlaces.append(first.place)
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      sink()
    }
    return (first.at, step)
  }

  private mutating func sink() {
    var parent = 0
    while true {
      var least = parent
      for child in (2 * parent + 1)...(2 * parent + 2)
      where child < heap.count && heap[child].precedes(heap[least]) {
        least = child
      }
      guard least != parent else { return }
      heap.swapAt(least, parent)
      parent = least
    }
  }
}
