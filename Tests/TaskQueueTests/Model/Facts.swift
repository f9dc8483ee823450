import Foundation

/// A state, spelt out: "chain c1 cursor" → "2". Two of them can be compared, and what differs can be read.
typealias Facts = [String: String]

/// What differs, in words; nil where nothing does.
func difference(_ server: Facts, _ reference: Facts) -> String? {
  var lines: [String] = []
  for (name, value) in reference where server[name] != value {
    lines.append("\(name) is \(server[name] ?? "not there"), not \(value)")
  }
  for (name, value) in server where reference[name] == nil {
    lines.append("\(name) is \(value), and should not be there")
  }
  return lines.isEmpty ? nil : lines.sorted().prefix(8).joined(separator: "; ")
}

/// Without the member that it names.
func beforeTheFirst(_ failure: String) -> String {
  failure.range(of: "; the first: ").map { String(failure[..<$0.lowerBound]) } ?? failure
}

extension ReferenceQueue {
  var facts: Facts {
    var facts: Facts = [:]
    for (id, chain) in chains { state(id, chain, in: &facts) }
    for (id, group) in groups {
      facts["group \(id) counts"] =
        "\(group.left) of \(group.size) left, \(group.failed) failed, \(group.bad) ended badly"
      facts["group \(id) stage"] =
        group.fired.map { "settled at \($0)" } ?? group.sealed.map { "sealed at \($0)" } ?? stage(id, group)
      // Which is the first of those that end in one step is the server's choice.
      facts["group \(id) why"] = group.why.map { _ in "said" }
      for (number, result) in group.results { facts["group \(id) result \(number)"] = result }
      if let waiting = group.waiting {
        facts["group \(id) for"] =
          "\(waiting.chain) link \(waiting.link)\(group.goesOn ? ", in any case" : "")"
      }
      if group.fired == nil { facts["group \(id) members"] = group.members.sorted().joined(separator: " ") }
      facts["group \(id) limit"] = group.limit
    }
    for (id, limit) in limits {
      facts["limit \(id)"] =
        "\(limit.failures) of \(limit.bound)\(limit.tripped ? ", tripped" : "") trips \(limit.trips)"
    }
    for (id, record) in records {
      facts["record \(id) revision"] = "\(record.revision)"
      for (field, value) in record.fields { facts["record \(id) field \(field)"] = value }
    }
    for (name, session) in sessions {
      if let lease = session.lease { facts["session \(name) lease"] = "\(lease)" }
      if session.reaping { facts["session \(name) reaping"] = "yes" }
      if session.lease != nil, !session.cancels.isEmpty {
        facts["session \(name) cancels"] = session.cancels.sorted().joined(separator: " ")
      }
    }
    for (key, unique) in uniques {
      facts["unique key \(key)"] = unique.holder + (unique.until.map { " until \($0)" } ?? "")
    }
    var under: [String: [String]] = [:]
    for (id, chain) in chains { if let key = chain.holdsKey { under[key, default: []].append(id) } }
    for (key, chains) in under { facts["under key \(key)"] = chains.sorted().joined(separator: " ") }
    for (group, all) in cancelling { facts["cancelling \(group)"] = all ? "now" : "unstarted" }
    for (id, time) in listedDead { facts["dead \(id)"] = "\(time)" }
    return facts
  }

  private func stage(_ id: String, _ group: Group) -> String {
    if group.gone { return "being removed" }
    let until = [group.root, "d:\(group.waiting?.chain ?? "")"].compactMap { staged[$0] }
      .first { $0.groups.contains(id) }?.until
    return until.map { "staged until \($0)" } ?? "there"
  }

  private func state(_ id: String, _ chain: Chain, in facts: inout Facts) {
    func tell(_ name: String, _ value: String?) { facts["chain \(id) \(name)"] = value }
    tell("state", chain.state.rawValue)
    let place: String =
      switch chain.place {
      case .lane(let lane): Self.place(lane)
      case .suspects: "suspects of \(chain.queue)"
      case .key(let key): "waits for key \(key)"
      case .due(let at): "due at \(at)"
      case .group(let group): "waits for group \(group)"
      case .held(let session): "held by \(session)"
      case .ended: "ended"
      }
    tell("place", place)
    tell("generation", "\(chain.generation)")
    tell("cursor", "\(chain.cursor) of \(chain.made.links)")
    tell("group", chain.group)
    tell("limit", chain.limit)
    tell("times", "\(chain.created) to \(chain.ended.map(String.init) ?? "now")")
    tell("note", chain.note)
    tell("failure", chain.failure.map { beforeTheFirst("\($0.link) \($0.code): \($0.message)") })
    for (link, end) in chain.ends {
      tell("link \(link)", "\(end.begun) \(end.attempt) \(end.generation) \(end.ended)")
    }
    for (link, result) in chain.results { tell("result \(link)", result) }
    if chain.hasEnded {
      tell("goes at", chain.goesAt.map(String.init))
    } else {
      tell("tries", "\(chain.attempts) failed, \(chain.crashesAlone) and \(chain.crashesInCompany) crashed")
      tell("started", chain.started ? "yes" : "no")
      tell("cancel", chain.cancel.map { "\($0)" })
    }
    if chain.state == .granted { tell("begun", "\(chain.begun)") }
  }

  /// A lane as its name in Redis says it.
  static func place(_ lane: Lane) -> String {
    (lane.gate.map { "!\($0)|" } ?? "") + "\(lane.queue)|\(lane.level)|\(lane.name)"
  }
}
