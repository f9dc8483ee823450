import Fleet
public import Rollout

extension Plan {
  /// The plan as a person reads it before anything starts.
  public func lines(group: String, version: String) -> [Line] {
    let numbers = numbers
    var lines = [
      Line(group, .bold) + Line(" → ") + Line(version, .bold),
      Line("  \(numbers.rolling) rolling servers, at most \(numbers.batchSize) in a batch; brake at ")
        + Line("\(numbers.limit) failed", .yellow)
        + Line("; at least \(numbers.minInService) stay in service"),
      Line(),
    ]
    var table = Table([("batch", .left), ("starts", .left), ("size", .right), ("servers", .left)])
    var number = 0
    for batch in batches {
      if batch.kind == .rolling { number += 1 }
      let hosts = batch.targets.map(\.host)
      let more = hosts.count > 8 ? " … \(hosts.count - 8) more" : ""
      table.add([
        Line(batch.kind == .bastion ? "bastion" : "\(number)"),
        Line(batch.kind == .bastion ? "at once" : begin(number), .faint), Line("\(hosts.count)"),
        Line(hosts.prefix(8).joined(separator: " ") + more),
      ])
    }
    lines += table.lines.map { Line("  ") + $0 }
    if !pulledOut.isEmpty {
      lines += [Line("  left out, pulled out by flag: \(pulledOut.joined(separator: " "))", .yellow)]
    }
    if !drainedByHand.isEmpty {
      lines += [Line("  left out, drained by hand: \(drainedByHand.joined(separator: " "))", .yellow)]
    }
    return lines
  }

  /// What the rolling batch of that number waits for.
  private func begin(_ number: Int) -> String {
    if number == 1 {
      guard bastion != nil else { return "at once" }
      return config.gates.rollout == .manual ? "on rollout" : "after the bake"
    }
    if config.gates.batches == .manual { return "on continue" }
    let wait = number >= config.tailFrom ? config.tailWait ?? config.batchWait : config.batchWait
    return wait == 0 ? "at once" : "after \(DurationText.text(wait))"
  }
}
