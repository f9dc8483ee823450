import ArgumentParser
import Console
import TaskQueue

extension QueueCommand {
  struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Walk everything that the queue keeps, and say what breaks its rules; mend it with --repair.",
      discussion: """
        It may run at any time, beside workers at full speed: what seems to be broken is looked at again before it \
        is told. Mending loses no work: what may still have to be done is made runnable again. The rules are in \
        docs/queue.md, under "What always holds".

        It ends with 1 if something is broken and not mended. What is merely left over keeps memory and stops \
        nothing; it is told, and counts as no break.

        Examples:
          drawbar queue audit
          drawbar queue audit --repair
          drawbar queue audit --json | jq -r '.findings[] | [.check, .subject, .found] | @tsv'
        """)

    @Flag(help: "Mend what is found. Each is looked at once more first.") var repair = false
    @Option(help: ArgumentHelp("Findings told, and mended, at most.", valueName: "count")) var most = 1_000
    @OptionGroup var options: QueueOptions

    func validate() throws {
      guard (1...100_000).contains(most) else { throw ValidationError("--most \(most): use 1 to 100000") }
    }

    struct Shown: Encodable {
      struct Finding: Encodable {
        let rule: Int
        let check: String
        let subject: String
        let found: String
        let expected: String
        let repair: String
        let outcome: String
        let leftover: Bool
      }
      let chains: Int
      let keys: Int
      let milliseconds: Int64
      let cut: Bool
      let broken: Bool
      let findings: [Finding]
    }

    func run() async throws {
      try await options.open { session in
        let begun = ContinuousClock.now
        let report = try await session.queue.audit(repair: repair, most: most)
        let took = (ContinuousClock.now - begun).wholeMilliseconds
        session.terminal.show(
          options.json ? [Line(JSONText.line(Shown(report, took)))] : lines(report, took))
        if report.isBroken || report.cut { throw Stop(.failed) }
      }
    }

    private func lines(_ report: AuditReport, _ took: Int64) -> [Line] {
      var lines: [Line] = []
      for finding in report.findings {
        lines.append(
          Line("rule \(finding.rule)  ", .faint) + Line(finding.subject, .bold)
            + Line(": \(finding.found)", finding.check.isLeftover ? .plain : .red))
        lines.append(Line("        expected: \(finding.expected)", .faint))
        switch finding.outcome {
        case .found: lines.append(Line("        repair: \(finding.repair)", .faint))
        case .mended: lines.append(Line("        mended: ", .green) + Line(finding.repair))
        case .leftToAPerson: lines.append(Line("        only a person can tell what is right", .yellow))
        }
      }
      if !lines.isEmpty { lines.append(Line()) }
      let walked =
        "\(report.chains) chains and \(report.keys) keys looked at in \(Board.elapsed(took))"
      lines.append(Line(verdict(report), report.isBroken ? .red : .green) + Line("  \(walked)", .faint))
      if report.cut { lines.append(Line("There may be more: mend this, and audit again.", .yellow)) }
      return lines
    }

    private func verdict(_ report: AuditReport) -> String {
      let mended = report.findings.count { $0.outcome == .mended }
      let left = report.findings.count - mended
      let broken = report.findings.count { $0.outcome != .mended && !$0.check.isLeftover }
      return switch (left, mended) {
      case (0, 0): "All is as it should be."
      case (0, _): "\(mended) mended."
      case (_, 0) where broken == 0: "Nothing is broken; \(left) left over: --repair removes them."
      case (_, 0):
        "\(broken) broken\(left > broken ? ", \(left - broken) left over" : ""): --repair mends it."
      default: "\(mended) mended, \(left) left."
      }
    }
  }
}

extension QueueCommand.Audit.Shown {
  init(_ report: AuditReport, _ took: Int64) {
    self.init(
      chains: report.chains, keys: report.keys, milliseconds: took, cut: report.cut, broken: report.isBroken,
      findings: report.findings.map {
        Finding(
          rule: $0.rule, check: $0.check.rawValue, subject: $0.subject, found: $0.found,
          expected: $0.expected, repair: $0.repair, outcome: $0.outcome.rawValue,
          leftover: $0.check.isLeftover)
      })
  }
}

extension Duration {
  fileprivate var wholeMilliseconds: Int64 {
    components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
  }
}
