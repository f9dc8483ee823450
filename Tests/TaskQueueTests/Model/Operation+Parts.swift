extension Operation.NewChain {
  /// A group that must be there before the chain is: those of its links, of their members' links, and the one
  /// whose only member is the error callback.
  struct Part: Equatable {
    var group: String
    /// Who waits for it, and at which link.
    var waiting: (chain: String, link: Int)?
    var goesOn = true
    var keepsResults = false
    var limit: String?
    var members: [Operation.NewChain]

    static func == (one: Self, other: Self) -> Bool {
      one.group == other.group && one.members == other.members
    }
  }

  var parts: [Part] {
    var parts = groups(limit: brake == nil ? nil : "\(id)/brake")
    if failed > 0 {
      let callback = Operation.NewChain(
        id: "\(id)/failed", queue: queue, level: level, lane: "*\(id)/failed", links: failed, keep: keep)
      parts.append(Part(group: callback.id, members: [callback]))
    }
    return parts
  }

  /// Whether any of its links, or of its members' links, takes the shared input.
  var takesShared: Bool {
    (0..<links).contains { link in
      guard let members = plans[link]?.members else { return true }
      return members.contains(where: \.takesShared)
    }
  }

  private func groups(limit: String?) -> [Part] {
    plans.sorted { $0.key < $1.key }.flatMap { link, plan -> [Part] in
      guard link < links, let members = plan.members else { return [] }
      let group = "\(id)/\(link)"
      let made = members.enumerated().map { number, member in
        Operation.NewChain(
          id: "\(group)/\(number)", queue: plan.queue ?? queue, level: plan.level, lane: "*\(group)",
          links: member.links, keep: keep, plans: member.plans)
      }
      let part = Part(
        group: group, waiting: (id, link), goesOn: plan.goesOn, keepsResults: true, limit: limit,
        members: made)
      return [part] + made.flatMap { $0.groups(limit: nil) }
    }
  }
}
