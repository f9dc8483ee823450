/// Operations print as the Swift that makes them.
extension Operation: CustomStringConvertible {
  var description: String {
    switch self {
    case .submit(let chains): ".submit(\(list(chains)))"
    case .stage(let staging): ".stage(\(staging))"
    case .workflow(let chain, let parts): ".workflow(\(chain)\(parts.map { ", parts: \($0)" } ?? ""))"
    case .haltGroup(let group): ".haltGroup(\"\(group)\")"
    case .commit(let change): ".commit(\(change))"
    case .removeLimit(let limit): ".removeLimit(\"\(limit)\")"
    case .halt(let stops): ".halt(\(list(stops)))"
    case .hello(let name, let queues, let lease):
      ".hello(\"\(name)\"\(queues == ["q0"] ? "" : ", queues: \(queues)")\(lease == 10_000 ? "" : ", lease: \(lease)"))"
    case .turn(let turn): ".turn(\(turn))"
    case .again(let name, let back): ".again(\"\(name)\"\(back == 0 ? "" : ", back: \(back)"))"
    case .pause(let queue): ".pause(\"\(queue)\")"
    case .resume(let queue): ".resume(\"\(queue)\")"
    case .requeue(let chains, let forget): ".requeue(\(chains)\(forget ? ", forget: true" : ""))"
    case .beat(let name, let off, let life):
      ".beat(\"\(name)\"\(off == 0 ? "" : ", off: \(off)")\(life == "life" ? "" : ", life: \"\(life)\""))"
    case .bye(let name): ".bye(\"\(name)\")"
    case .reap(let name): ".reap(\"\(name)\")"
    case .advance(let time): ".advance(\(time))"
    }
  }
}

private func list<T>(_ items: [T]) -> String { "[" + items.map { "\($0)" }.joined(separator: ", ") + "]" }

/// Arguments that differ from what they are when left out.
private func call(_ parts: (String, String)?...) -> String {
  ".init(" + parts.compactMap { $0.map { $0.isEmpty ? $1 : "\($0): \($1)" } }.joined(separator: ", ") + ")"
}

private func quoted(_ text: String) -> String { "\"\(text)\"" }

extension Operation.NewChain: CustomStringConvertible {
  var description: String {
    call(
      ("id", quoted(id)), queue == "q0" ? nil : ("queue", quoted(queue)),
      level == 1 ? nil : ("level", "\(level)"), lane == "-" ? nil : ("lane", quoted(lane)),
      delay == 0 ? nil : ("delay", "\(delay)"), links == 1 ? nil : ("links", "\(links)"),
      keep == 60_000 ? nil : ("keep", "\(keep)"), expires.map { ("expires", "\($0)") },
      unique.map { ("unique", ".init(key: \(quoted($0.key)), span: .\($0.span))") },
      plans.isEmpty ? nil : ("plans", list(plans: plans)), failed == 0 ? nil : ("failed", "\(failed)"),
      brake.map { ("brake", "\($0)") })
  }

  private func list(plans: [Int: Operation.Plan]) -> String {
    let items = plans.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    return "[" + items.joined(separator: ", ") + "]"
  }
}

extension Operation.Plan: CustomStringConvertible {
  var description: String {
    call(
      queue.map { ("queue", quoted($0)) }, level == 1 ? nil : ("level", "\(level)"),
      delay == 0 ? nil : ("delay", "\(delay)"), key.map { ("key", quoted($0)) },
      atMost == 1 ? nil : ("atMost", "\(atMost)"), members.map { ("members", list($0)) },
      goesOn ? ("goesOn", "true") : nil)
  }
}

extension Operation.Staging: CustomStringConvertible {
  var description: String {
    call(
      ("group", quoted(group)), ("members", list(members)), limit.map { ("limit", quoted($0)) },
      callback.map { ("callback", "\($0)") },
      abandonAfter == 20_000 ? nil : ("abandonAfter", "\(abandonAfter)"),
      keep == 60_000 ? nil : ("keep", "\(keep)"))
  }
}

extension Operation.Stop: CustomStringConvertible {
  var description: String {
    call(("chain", quoted(chain)), ("mode", ".\(mode)"), before.map { ("before", "\($0)") })
  }
}

extension Operation.NewLimit: CustomStringConvertible {
  var description: String {
    call(
      ("id", quoted(id)), ("bound", "\(bound)"), failures.map { ("failures", "\($0)") },
      callback.map { ("callback", "\($0)") })
  }
}

extension Operation.Move: CustomStringConvertible {
  var description: String {
    call(
      ("record", quoted(record)), off == 0 ? nil : ("off", "\(off)"), set.isEmpty ? nil : ("set", "\(set)"),
      remove.isEmpty ? nil : ("remove", "\(remove)"))
  }
}

extension Operation.Change: CustomStringConvertible {
  var description: String {
    call(
      moves.isEmpty ? nil : ("moves", list(moves)), untripped.isEmpty ? nil : ("untripped", "\(untripped)"),
      limits.isEmpty ? nil : ("limits", list(limits)), seal.isEmpty ? nil : ("seal", "\(seal)"),
      submit.isEmpty ? nil : ("submit", list(submit)), stop.isEmpty ? nil : ("stop", list(stop)))
  }
}

extension Operation.Told: CustomStringConvertible {
  var description: String {
    let kind =
      switch self.kind {
      case .done(let result): result.isEmpty ? ".done()" : ".done(\"\(result)\")"
      default: ".\(self.kind)"
      }
    return call(("chain", quoted(chain)), ("kind", kind), token == .own ? nil : ("token", ".\(token)"))
  }
}

extension Operation.Turn: CustomStringConvertible {
  var description: String {
    call(
      ("session", quoted(session)), told.isEmpty ? nil : ("told", list(told)),
      free == 0 ? nil : ("free", "\(free)"), total == 0 ? nil : ("total", "\(total)"),
      stay ? nil : ("stay", "false"), reversed ? ("reversed", "true") : nil,
      late ? ("late", "true") : nil, rung ? ("rung", "true") : nil)
  }
}
