/// How chains and groups come to be.
extension ReferenceQueue {
  enum Made: Equatable {
    case created, existed
    case duplicate(String)

    var text: String {
      switch self {
      case .created: "1"
      case .existed: "0"
      case .duplicate(let holder): ":\(holder)"
      }
    }
  }

  /// As what a member is made.
  struct Membership {
    var group: String
    var limit: String?
    var number: Int
    var keepsResult: Bool
  }

  /// A chain that is there stays as it is. callback: it is one that fires, and comes to its lane at once.
  mutating func create(
    _ new: NewChain, as member: Membership? = nil, spec: String? = nil, callback: Bool = false
  ) -> Made {
    guard chains[new.id] == nil else { return .existed }
    if let unique = new.unique, let holder = claim(unique, for: new.id) { return .duplicate(holder) }
    var chain = Chain(
      made: new, spec: spec ?? Wire.spec(of: new), lane: member.map { "*" + $0.group } ?? new.lane,
      group: member?.group, number: member?.keepsResult == true ? member?.number : nil, limit: member?.limit,
      keep: new.keep, failed: new.failed > 0 ? "\(new.id)/failed" : nil, created: now)
    chain.expires = new.expires.map { now + $0 }
    chains[new.id] = chain
    let isPlain =
      !new.hasPlans && new.unique == nil && new.expires == nil && new.failed == 0 && new.brake == nil
    if !isPlain || member != nil { special.insert(new.id) }
    if member != nil || callback {
      makeReady(new.id)
      return .created
    }
    if !isPlain { staged["c:\(new.id)"] = nil }
    if let brake = new.brake { limits["\(new.id)/brake"] = Limit(bound: max(1, brake), brakes: new.id) }
    if new.delay > 0 {
      wait(new.id, until: now + new.delay)
    } else if let delay = chain.plan?.delay, delay > 0 {
      wait(new.id, until: now + delay)
    } else if isPlain {
      later.append(new.id)
    } else {
      arrive(new.id, atHead: nil, fresh: true)
    }
    return .created
  }

  /// Chains without anything special come to their lanes together, after the others of their step.
  mutating func pushLater() {
    for id in later { makeReady(id) }
    later = []
  }

  /// Whoever has the key instead.
  mutating func claim(_ unique: Operation.Unique, for id: String) -> String? {
    if let holder = holder(of: unique, but: id) { return holder }
    let until: Int? = if case .lasting(let time) = unique.span { now + time } else { nil }
    uniques[unique.key] = UniqueKey(holder: id, until: until)
    return nil
  }

  func holder(of unique: Operation.Unique, but id: String) -> String? {
    guard let holder = uniques[unique.key]?.holder, holder != id else { return nil }
    if case .lasting = unique.span { return holder }
    return chains[holder]?.hasEnded == false ? holder : nil
  }

  /// Of these, whose name may be given to a chain: an id is not used again while something of it is left.
  func allowed(_ new: [NewChain]) -> [NewChain] {
    new.filter { chains[$0.id] != nil || !leftBehind.contains($0.id) }
  }

  mutating func submit(_ new: [NewChain]) -> [String] {
    let made = new.map { create($0).text }
    pushLater()
    return made
  }

  enum Staged: Equatable {
    case size(Int)
    case sealed, abandoned
  }

  mutating func stage(_ staging: Operation.Staging) -> Staged {
    let part = NewChain.Part(
      group: staging.group, goesOn: false, limit: staging.limit, members: staging.members)
    return stage(
      part, for: "g:\(staging.group)", keep: staging.keep, until: now + staging.abandonAfter,
      callback: staging.callback)
  }

  /// shared: whose input the members take.
  mutating func stage(
    _ part: NewChain.Part, for root: String, shared: String? = nil, keep: Int, until time: Int,
    callback: NewChain? = nil
  ) -> Staged {
    let id = part.group
    if groups[id]?.sealed != nil { return .sealed }
    if let shared, chains[shared] != nil { return .sealed }
    if groups[id]?.gone == true || droppingRoots.contains(root) { return .abandoned }
    var group = groups[id] ?? Group()
    group.keep = keep
    group.root = root
    if let limit = part.limit { group.limit = limit }
    if let callback { group.callback = callback }
    group.waiting = part.waiting ?? group.waiting
    if part.goesOn { group.goesOn = true }
    groups[id] = group
    var staging = staged[root] ?? StagedRoot(until: time)
    staging.until = time
    if staging.groups.insert(id).inserted { staging.count += 1 }
    for (number, member) in part.members.enumerated() {
      let membership = Membership(
        group: id, limit: part.limit, number: number, keepsResult: part.keepsResults)
      let spec = shared.map { Wire.spec(of: member, shared: $0) }
      guard create(member, as: membership, spec: spec) == .created else { continue }
      groups[id]?.size += 1
      groups[id]?.left += 1
      groups[id]?.members.insert(member.id)
      staging.count += 1
    }
    staged[root] = staging
    return .size(groups[id]?.size ?? 0)
  }

  /// A chain whose groups must all be there; nil: they are not.
  mutating func submit(workflow new: NewChain) -> String? {
    let parts = new.parts
    let count = parts.reduce(0) { $0 + 1 + $1.members.count }
    if count > 0, chains[new.id] == nil, staged["c:\(new.id)"]?.count != count { return nil }
    workflows[new.id] = (new, true)
    return submit([new])[0]
  }

  /// Parts of a workflow may outlive it, so its name isn't used again; nor for another meanwhile.
  mutating func mayBegin(_ new: NewChain) -> Bool {
    let first = workflows[new.id, default: (new, false)]
    workflows[new.id] = first
    return first.made == new && (chains[new.id] != nil || !first.submitted)
  }

  /// A member of a workflow that has not come to be: nobody cancels it by itself.
  func isPartOfNothing(_ id: String) -> Bool {
    guard let root = chains[id]?.group.flatMap({ groups[$0]?.root }), root.hasPrefix("c:") else {
      return false
    }
    return workflows[String(root.dropFirst(2))]?.submitted != true
  }

  mutating func seal(_ id: String) {
    guard groups[id] != nil, groups[id]?.sealed == nil else { return }
    groups[id]?.sealed = now
    groupMayEnd(id)
  }
}
