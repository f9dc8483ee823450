import Rollout

/// How things stand, in the words of a scenario's `=` line.
extension Play {
  /// The line as it should have been written: the same keys, with what is seen.
  func seen(asked words: [String]) -> String {
    let asked = words.split(separator: "|", maxSplits: 1)
    var line = asked[0].enumerated().map { index, word in
      index == 0 ? world.deployment.state.rawValue : seen(word)
    }
    if asked.count > 1 { line += ["|"] + batches }
    return "= " + line.joined(separator: " ")
  }

  private func seen(_ word: String) -> String {
    let deployment = world.deployment
    if word.contains("~") {
      let (key, part) = word.parts(at: "~")
      if key == "log" { return recorded(part) }
      let text = deployment.braked?.reason ?? deployment.log.last { $0.why != nil }?.why ?? ""
      let flat = text.replacing(" ", with: "_")
      return key + "~" + (flat.contains(part) ? part : flat)
    }
    let (key, _) = word.parts(at: "=")
    return key + "="
      + {
        switch key {
        case "F":
          "\(deployment.failures(balancer: world.situation.balancer, pulledOut: world.situation.pulledOut))"
            + "/\(deployment.limit)"
        // When something last happened.
        case "t": "\((world.changedAt - began) / 1_000)"
        case "next": deployment.nextStepAt.map { "\(($0 - world.now) / 1_000)" } ?? "-"
        case "out": numbers(world.hosts.filter { !$0.value.live }.map(\.key))
        case "version": numbers(world.hosts.filter(\.value.onVersion).map(\.key))
        case "flagged": numbers(world.hosts.filter { $0.value.flag != nil }.map(\.key))
        case "left": numbers(deployment.revoking?.leftOut ?? [])
        case "owed": numbers(deployment.revoking?.owed ?? [])
        case "handed": "\(world.history.count)"
        case "last": numbers(world.history.last?.hosts ?? [], sorted: false)
        case "attempt": "\(deployment.attempt)"
        case "from": deployment.braked?.from.rawValue ?? "-"
        case "cause": deployment.braked?.cause.rawValue ?? "-"
        case "told": told
        case "codes":
          deployment.targets.compactMap { target in
            target.failure.map { numbers([target.host]) + ":" + $0.code.rawValue }
          }.joined(separator: ",")
        // The rollbacks that its policy ordered.
        case "orders": "\(world.orders.count)"
        case "watched": world.watched.last.map { "\(($0 - world.now) / 1_000)" } ?? "-"
        case "allowed": deployment.allowed.map(\.rawValue).joined(separator: ",")
        case "bastion": deployment.bastion.map { numbers([$0.host]) } ?? "-"
        case "M": "\(deployment.numbers.batchSize)"
        case "L": "\(deployment.numbers.limit)"
        case "n": "\(deployment.numbers.rolling)"
        case "min": "\(deployment.numbers.minInService)"
        case "hosts":
          deployment.rollingBatches.map { numbers($0.targets.map(\.host), sorted: false) }
            .joined(separator: "/")
        case "states": deployment.batches.map { "\($0.state.rawValue)" }.joined(separator: ",")
        default: "(no such key)"
        }
      }()
  }

  /// The part, where a line of the record holds it: what, by whom and why.
  private func recorded(_ part: String) -> String {
    let lines = world.deployment.log.map {
      "\($0.what) by \($0.by): \($0.why ?? "")".replacing(" ", with: "_")
    }
    return "log~" + (lines.contains { $0.contains(part) } ? part : lines.joined(separator: ";"))
  }

  private var told: String {
    let words = world.notices.map { notice in
      switch notice {
      case .gateWaits: "gate"
      case .braked: "brake"
      case .reached(let state): state.rawValue
      case .rollsBack: "rollback"
      }
    }
    return words.isEmpty ? "-" : words.joined(separator: ",")
  }

  private func numbers(_ hosts: [String], sorted: Bool = true) -> String {
    if hosts.isEmpty { return "-" }
    return (sorted ? hosts.sorted() : hosts).map { "\(Int($0.dropFirst(4)) ?? 0)" }.joined(separator: ",")
  }

  /// `b:S FS --`
  private var batches: [String] {
    world.deployment.batches.map { batch in
      (batch.kind == .bastion ? "b:" : "") + batch.targets.map(letter).joined()
    }
  }

  private func letter(_ target: Target) -> String {
    if target.state.isFailure, case .failed(let stage) = target.state { return letter(stage) }
    if target.isUnderWay, world.chains[target.host]?.isStarted == true { return ">" }
    return switch target.state {
    case .pending: "-"
    case .running: ">"
    case .succeeded(let stage): letter(stage).uppercased()
    case .failed(let stage): letter(stage)
    case .success: "S"
    case .skipped: "K"
    case .excluded: "X"
    case .revoked: "R"
    }
  }

  private func letter(_ stage: Stage) -> String {
    switch stage {
    case .markdown: "m"
    case .download: "d"
    case .install: "i"
    case .verify: "v"
    case .markup: "u"
    case .run: "r"
    }
  }
}
