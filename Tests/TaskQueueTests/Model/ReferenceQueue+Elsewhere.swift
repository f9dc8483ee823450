/// Chains that were looked at in a turn, and did not start.
extension ReferenceQueue {
  /// Chains that were looked at and did not start: expired, to wait for their first link's members, or for a key.
  mutating func divert(_ turn: Turn, _ glimpse: TurnGlimpse) throws {
    let served = Set(sessions[turn.session]?.queues ?? []).subtracting(paused)
    var before: Set<String>?
    let open = limits.keys.filter { !isTripped($0) }
    var found = true
    while found {
      found = false
      for (id, seen) in glimpse.states.sorted(by: { $0.key < $1.key }) {
        guard let chain = chains[id], chain.state == .ready, seen.generation != chain.generation else {
          continue
        }
        let expired = !chain.started && chain.expires.map { $0 < now } ?? false
        guard expired || chain.plan?.members != nil || seen.state == "c" else { continue }
        try expect(
          served.contains(chain.queue) && turn.total > 0, "\(id) was looked at by who doesn't serve its queue"
        )
        found = true
        if before == nil { before = entriesInLanes }
        if expired {
          chains[id]?.failure = Failure(
            link: chain.cursor, code: "expired", message: "it was not started before its time ran out")
          finish(id, .cancelled)
        } else {
          try expect(chain.plan?.members != nil, "\(id) was ended, and has not expired")
          chains[id]?.generation += 1
          arrive(id, atHead: nil, fresh: true)
        }
      }
    }
    for (key, entries) in glimpse.waiting {
      let known = Set(keyQueues[key] ?? [])
      for entry in entries {
        let id = String(entry[..<(entry.lastIndex(of: ":") ?? entry.startIndex)])
        guard !known.contains(id), let chain = chains[id], chain.state == .ready,
          entry == "\(id):\(chain.generation)"
        else { continue }
        try expect(
          served.contains(chain.queue) && chain.plan?.key == key,
          "\(id) waits for \(key), which it doesn't need")
        leave(id)
        chains[id]?.place = .key(key)
        keyQueues[key, default: []].append(id)
      }
    }
    came = before.map { entriesInLanes.subtracting($0) }
    trippedNow = Set(open.filter(isTripped))
  }

  func cameNow(_ entry: Entry) -> Bool {
    came?.contains("\(entry.chain):\(entry.generation)") ?? false
  }

  private var entriesInLanes: Set<String> {
    Set(lanes.values.joined().map { "\($0.chain):\($0.generation)" })
  }

  /// Who waits for a key was right to: it was taken, at the latest when all grants had been made.
  func checkDiverted(_ glimpse: TurnGlimpse) throws {
    for (key, waiting) in keyQueues where !waiting.isEmpty {
      let running = chains.values.count { $0.holdsKey == key || $0.letGo == key }
      for id in waiting {
        let atMost = chains[id]?.plan?.atMost ?? 1
        try expect(
          running >= atMost,
          "\(id) waits for key \(key), under which only \(running) of \(atMost) run or are let go")
      }
    }
  }
}
