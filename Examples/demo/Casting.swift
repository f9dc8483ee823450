import Rollout

/// Who fails in the release that brakes: exactly as many servers as the limit, the last of them not in the same
/// batch as the first, so that no single batch reveals it.
struct Casting {
  let failing: [String]
  /// The bastion and every server of the batches up to the one that brakes.
  let touched: Set<String>

  init(_ plan: Plan) {
    let rolling = plan.batches.filter { $0.kind == .rolling }.map { $0.targets.map(\.host) }
    let limit = plan.numbers.limit
    // With a limit of one the first batch has it; else about half of it there and the rest in the third.
    let last = limit > 1 && rolling.count > 3 ? 2 : 0
    let first = last == 0 ? limit : limit / 2
    failing = Array(rolling[0].prefix(first)) + (last == 0 ? [] : Array(rolling[last].prefix(limit - first)))
    touched = Set(rolling[...last].joined()).union(plan.bastion.map { [$0] } ?? [])
  }
}
