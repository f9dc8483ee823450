import Console
import Rollout

extension Report {
  /// What the story came to.
  var lines: [Line] {
    var phaseTable = Table([
      ("", .left), ("version", .left), ("ended", .left), ("requests", .right), ("failed", .right),
      ("targets failed", .right), ("limit", .right), ("seconds", .right),
    ])
    for phase in phases {
      phaseTable.add([
        Line(phase.name, .bold), Line(phase.version),
        Line(phase.state, DeploymentState(rawValue: phase.state)?.paint ?? .plain), Line("\(phase.requests)"),
        failures(phase.requestsFailed), Line("\(phase.targetsFailed)"), Line("\(phase.brakeLimit)"),
        Line("\(Int(phase.seconds * 10) / 10).\(Int(phase.seconds * 10) % 10)"),
      ])
    }
    phaseTable.add([Line("in all", .bold), Line(), Line(), Line("\(requests)"), failures(requestsFailed)])

    var stageTable = Table([("stage", .left), ("times run", .right), ("median", .right), ("95 %", .right)])
    for stage in Stage.allCases {
      guard let times = stages[stage.rawValue] else { continue }
      stageTable.add([
        Line(stage.rawValue.lowercased()), Line("\(times.count)"), Line(Board.elapsed(times.p50ms)),
        Line(Board.elapsed(times.p95ms)),
      ])
    }
    let versions = targetsByVersion.sorted { $0.key < $1.key }
      .map { "\($0.value) on version \($0.key)" }.joined(separator: ", ")
    return phaseTable.lines + [Line()] + stageTable.lines + [
      Line(), Line("servers: ", .faint) + Line(versions),
    ]
  }

  private func failures(_ count: Int) -> Line {
    Line("\(count)", count == 0 ? .green : .red)
  }
}
