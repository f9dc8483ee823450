import RedisClient
import TestSupport
import Testing

@testable import TaskQueue

/// One way in which a queue is damaged, on a real server: an audit finds exactly that, mends it, and the work then
/// runs to its end.
struct Damage: Sendable, CustomTestStringConvertible {
  /// The queue, and a session that may hold something.
  struct Site {
    let queue: Queue
    let hand: ScriptTests.Hand

    func redis(_ words: String...) async throws {
      var words = words
      words[1] = queue.broker.key(words[1].replacing("HAND", with: hand.name))
      _ = try await queue.redis.send(
        RedisCommand(words[0], words.dropFirst().map { .string($0.replacing("HAND", with: hand.name)) }))
    }

    func submit(_ id: String, delay: Duration = .zero, _ links: Link...) async throws {
      try await queue.submit(Chain(id: ChainID(id), delay: delay, links: links))
    }
  }

  let testDescription: String
  let findings: [(AuditCheck, String)]
  /// What is to have ended well when all is mended and a worker has been there.
  let ends: [String]
  let damage: @Sendable (Site) async throws -> Void

  init(
    _ what: String, _ findings: [(AuditCheck, String)], ends: [String] = ["a"],
    _ damage: @escaping @Sendable (Site) async throws -> Void
  ) {
    (testDescription, self.findings, self.ends, self.damage) = (what, findings, ends, damage)
  }

  static let one: @Sendable () throws -> Link = { try Link(Say.self, "x") }

  static func group(_ site: Site, staged: Bool = false) async throws {
    let group = try ChainGroup(
      id: GroupID("g"),
      members: (0..<2).map { try Chain(id: ChainID("g-\($0)"), links: [Link(Say.self, "\($0)")]) },
      onSettled: Chain(id: ChainID("settled"), links: [Link(Say.self, "s")]))
    if staged { try await site.queue.stage(group) } else { try await site.queue.submit(group) }
  }

  static func workflow(_ site: Site) async throws {
    try await site.submit("a", Link.map(Double_.self, over: [1, 2, 3]), Link(Sum.self, from: .previous))
  }

  static func keyed(_ site: Site) async throws {
    var link = try one()
    link.options.concurrency = try ConcurrencyLimit(key: Identifier<Gate>("k"), atMost: 1)
    try await site.redis("SADD", "K:k", "ghost")
    try await site.submit("a", link)
    _ = try await site.hand.turn(take: 1)
  }

  static let all: [Damage] = [
    Damage("a lane is lost", [(.readyNowhere, "a")]) { site in
      try await site.submit("a", one())
      try await site.redis("DEL", "l:default|1|-")
    },
    Damage(
      "the lane of a group that is not begun is lost", [(.readyNowhere, "g-0"), (.readyNowhere, "g-1")],
      ends: []
    ) {
      site in
      try await group(site, staged: true)
      try await site.redis("DEL", "l:default|1|*g")
    },
    Damage("a chain that waits for a time is forgotten", [(.dueNowhere, "a")]) { site in
      try await site.submit("a", delay: .seconds(600), one())
      try await site.redis("DEL", "due")
    },
    Damage("a chain is granted to a session that does not know it", [(.grantedUnheld, "a")]) { site in
      try await site.submit("a", one())
      _ = try await site.hand.turn(take: 1)
      try await site.redis("HDEL", "h:HAND", "a")
    },
    Damage("a chain is granted to a session that is gone", [(.grantedUnheld, "a")]) { site in
      try await site.submit("a", one())
      _ = try await site.hand.turn(take: 1)
      try await site.redis("DEL", "h:HAND")
      try await site.redis("ZREM", "sessions", "HAND")
      try await site.redis("HDEL", "workers", "HAND")
    },
    Damage("a session holds what is ready", [(.heldUnknown, "a")]) { site in
      try await site.submit("a", one())
      try await site.redis("HSET", "h:HAND", "a", "7")
    },
    Damage("a session holds what is not there", [(.heldUnknown, "ghost")], ends: []) { site in
      try await site.redis("HSET", "h:HAND", "ghost", "7")
    },
    Damage("a chain is in two lanes", [(.entryTwice, "a:1")]) { site in
      try await site.submit("a", one())
      try await site.redis("RPUSH", "l:default|1|other", "a:1")
      try await site.redis("RPUSH", "r:default|1", "default|1|other")
    },
    Damage("a chain is twice in its lane", [(.entryTwice, "a:1")]) { site in
      try await site.submit("a", one())
      try await site.redis("RPUSH", "l:default|1|-", "a:1")
    },
    Damage("a session has no lease", [(.sessionForgotten, "HAND")]) { site in
      try await site.submit("a", one())
      _ = try await site.hand.turn(take: 1)
      try await site.redis("ZREM", "sessions", "HAND")
    },
    Damage("something is left of a session", [(.sessionLeft, "ghost")], ends: []) { site in
      try await site.redis("HSET", "workers", "ghost", "who")
    },
    Damage("a group does not wait for a member", [(.memberMissing, "g-0")], ends: ["g-0", "g-1", "settled"]) {
      site in
      try await group(site)
      try await site.redis("SREM", "m:g", "g-0")
    },
    Damage(
      "a group is lost, and its members are not", [(.memberMissing, "g-0"), (.memberMissing, "g-1")],
      ends: ["g-0", "g-1"]
    ) { site in
      try await group(site)
      try await site.redis("DEL", "g:g")
    },
    Damage("a member is lost", [(.memberGone, "g-0"), (.depth, "default")], ends: ["g-1", "settled"]) {
      site in
      try await group(site)
      try await site.redis("DEL", "c:g-0")
    },
    Damage(
      "a member's end was not counted", [(.memberGone, "g-0"), (.depth, "default")], ends: ["g-1", "settled"]
    ) { site in
      try await group(site)
      // Well before the audit: of its own millisecond nobody knows who was there.
      let before = try await site.queue.now() - 1_000
      try await site.redis("HSET", "c:g-0", "v", "c 2 0 1 00 \(before) ~")
      try await site.redis("PEXPIRE", "c:g-0", "600000")
    },
    Damage("the group that a chain waits for is lost", [(.waitsForNothing, "a")]) { site in
      try await workflow(site)
      try await site.redis("DEL", "g:a/0")
    },
    Damage(
      "the group that a chain waits for is lost, and its members",
      [(.waitsForNothing, "a"), (.depth, "default")], ends: []
    ) {
      site in
      try await workflow(site)
      for member in 0..<3 { try await site.redis("DEL", "c:a/0/\(member)") }
      try await site.redis("DEL", "g:a/0")
      try await site.redis("DEL", "m:a/0")
    },
    Damage("the group that a chain waits for is not begun", [(.waitsForNothing, "a")]) { site in
      try await workflow(site)
      try await site.redis("HDEL", "g:a/0", "sealed")
    },
    Damage("a group counts wrongly", [(.groupCount, "g")], ends: ["g-0", "g-1", "settled"]) { site in
      try await group(site)
      try await site.redis("HINCRBY", "g:g", "left", "5")
    },
    Damage("a group is nobody's", [(.groupOrphan, "ghost")], ends: []) { site in
      try await site.redis("HSET", "g:ghost", "size", "0", "left", "0", "keep", "1000")
    },
    Damage("no worker sees a lane", [(.laneHidden, "default|1|-")]) { site in
      try await site.submit("a", one())
      try await site.redis("DEL", "r:default|1")
    },
    Damage(
      "a lane is parked by a limit that is not tripped", [(.laneHidden, "!lim|default|1|*g")], ends: ["g-0"]
    ) {
      site in
      var commit = Commit()
      commit.limits = [Limit(id: try LimitID("lim"), bound: 3)]
      _ = try await site.queue.commit(commit)
      try await site.queue.submit(
        ChainGroup(
          id: GroupID("g"), members: [Chain(id: ChainID("g-0"), links: [one()])], limit: LimitID("lim")))
      try await site.redis("DEL", "r:default|1")
      try await site.redis("SADD", "k:lim", "!lim|default|1|*g")
    },
    Damage("a chain would vanish before its end", [(.expiresUnfinished, "a")]) { site in
      try await site.submit("a", one())
      try await site.redis("PEXPIRE", "c:a", "600000")
    },
    Damage("what has ended is kept for ever", [(.keptForEver, "a")]) { site in
      try await site.submit("a", one())
      _ = try await site.hand.turn(take: 1)
      try await site.hand.end("a")
      try await site.redis("PERSIST", "c:a")
    },
    Damage("what was given up is not listed", [(.deadUnlisted, "b")], ends: []) { site in
      for id in ["a", "b"] {
        try await site.submit(id, one())
        _ = try await site.hand.turn(take: 1)
        try await site.hand.end(id, .dead(code: "x", message: "why"))
      }
      try await site.redis("ZREM", "dead", "b")
    },
    Damage("what is ready is listed as given up", [(.deadWrongly, "a")]) { site in
      try await site.submit("a", one())
      try await site.redis("ZADD", "dead", "\(site.queue.now())", "a")
    },
    Damage("what is gone is listed as given up", [(.deadGone, "ghost")], ends: []) { site in
      try await site.redis("ZADD", "dead", "\(site.queue.now())", "ghost")
    },
    Damage("a chain that ended holds a concurrency key", [(.keyHeld, "ghost")]) { site in
      try await keyed(site)
    },
    Damage("nobody is let in to a free concurrency key", [(.keyWaiters, "k")]) { site in
      try await keyed(site)
      try await site.redis("SREM", "K:k", "ghost")
    },
    Damage("a unique key is leaked", [(.uniqueLeaked, "k")], ends: []) { site in
      try await site.redis("SET", "u:k", "ghost")
    },
    Damage("a brake outlived its workflow", [(.limitOrphan, "ghost/brake")], ends: []) { site in
      try await site.redis("HSET", "L:ghost/brake", "bound", "1", "up", "ghost")
    },
    Damage("results outlived their group", [(.resultsOrphan, "ghost")], ends: []) { site in
      try await site.redis("HSET", "gr:ghost", "0", "1")
    },
    Damage("lines outlived their chain", [(.linesOrphan, "ghost")], ends: []) { site in
      try await site.redis("RPUSH", "log:ghost", "line")
    },
    Damage("what was staged is forgotten", [(.stagedOrphan, "c:ghost")], ends: []) { site in
      try await site.redis("SADD", "w:c:ghost", "ghost/0")
    },
    Damage("nobody looks at a schedule", [(.scheduleUnlisted, "s")], ends: []) { site in
      let chain = try Chain(id: ChainID("x"), links: [one()])
      try await site.queue.schedule(
        Schedule(id: ScheduleID("s"), trigger: .every(.seconds(86_400)), chain: chain))
      try await site.redis("ZREM", "schedules", "s")
    },
    Damage("a chain has no state", [(.unreadable, "a")]) { site in
      try await site.submit("a", one(), one())
      _ = try await site.hand.turn(take: 1)
      try await site.hand.end("a")
      try await site.queue.cancel([])
      try await site.redis("HDEL", "c:a", "v")
      try await site.redis("HDEL", "h:HAND", "a")
    },
    Damage("a field is all that is left of a chain", [(.unreadable, "ghost")], ends: []) { site in
      try await site.redis("HSET", "c:ghost", "pr", "0.5 half")
    },
    Damage("a queue counts wrongly", [(.depth, "default")]) { site in
      try await site.submit("a", one())
      try await site.redis("HINCRBY", "depth", "default", "3")
    },
  ]
}

@Suite struct AuditTests {
  @Test(arguments: Damage.all) func isFoundAndMendedAndTheWorkRunsToItsEnd(_ damage: Damage) async throws {
    try await withQueue { queue in
      let hand = try await ScriptTests.Hand(queue)
      let clean = try await queue.audit()
      #expect(clean.findings.isEmpty, "\(clean.findings)")
      try await damage.damage(Damage.Site(queue: queue, hand: hand))
      let expected = damage.findings.map { "\($0.0.rawValue) \($0.1 == "HAND" ? hand.name : $0.1)" }.sorted()
      func told(_ report: AuditReport) -> [String] {
        report.findings.map { "\($0.check.rawValue) \($0.subject)" }.sorted()
      }

      let found = try await queue.audit()
      #expect(told(found) == expected, "\(found.findings)")
      #expect(found.findings.allSatisfy { $0.outcome == .found && !$0.found.isEmpty })
      let again = try await queue.audit()
      #expect(told(again) == expected, "looking changes nothing")
      let mended = try await queue.audit(repair: true)
      #expect(told(mended) == expected, "\(mended.findings)")
      #expect(mended.findings.allSatisfy { $0.outcome == .mended })
      #expect(!mended.isBroken)
      let after = try await queue.audit()
      #expect(after.findings.isEmpty, "\(after.findings)")

      // What the hand still holds goes back, and a worker does it.
      try await hand.session.end(hand.name)
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Say(log: Log()), Double_(), Sum()),
        configuration: .init(lease: .milliseconds(600)), logger: quiet)
      try await whileRunning([worker]) {
        for id in damage.ends {
          try await eventually("\(id) ends") {
            try await queue.status([ChainID(id)])[0]?.state == .finished
          }
        }
      }
      let end = try await queue.audit()
      #expect(end.findings.isEmpty, "\(end.findings)")
    }
  }

  @Test func noMoreIsMendedThanIsTold() async throws {
    try await withQueue { queue in
      try await queue.submit((0..<250).map { try chain("c\($0)", Link(Say.self, "x")) })
      try await queue.redis.send(RedisCommand("DEL", .string(queue.broker.key("l:default|1|-"))))
      let some = try await queue.audit(repair: true, most: 30)
      #expect(some.cut && some.findings.count == 30)
      let rest = try await queue.audit(repair: true)
      #expect(!rest.cut && rest.findings.count == 220)
      let after = try await queue.audit()
      #expect(after.findings.isEmpty && after.chains == 250)
    }
  }

  /// Whatever moves while it looks is no finding.
  @Test func aBusyQueueIsFoundToBeInOrder() async throws {
    try await withQueue { queue in
      let workers = (0..<2).map { _ in
        Worker(
          queue: queue, tasks: TaskRegistry(Say(log: Log()), Double_(), Sum(), Fail()),
          configuration: .init(concurrency: 8, prefetch: 8, lease: .milliseconds(900)), logger: quiet)
      }
      try await whileRunning(workers) {
        let enough = Log()
        try await withThrowingTaskGroup { group in
          group.addTask {
            var round = 0
            // To the end of a round: half a workflow would stay staged for its time.
            while enough.all.isEmpty {
              try await Self.submitSome(round, to: queue)
              round += 1
            }
          }
          var audits = 0
          var walked = 0
          while audits < 12 || walked < 1_500 {
            let report = try await queue.audit()
            #expect(report.findings.isEmpty, "\(report.findings)")
            (audits, walked) = (audits + 1, report.chains)
          }
          enough.add("of it")
          try await group.waitForAll()
        }
        try await eventually("all has ended") {
          let standings = try await queue.standings()
          return standings.allSatisfy { $0.depth == 0 }
        }
        let report = try await queue.audit()
        #expect(report.findings.isEmpty, "\(report.findings)")
      }
    }
  }

  /// Of everything: many links, groups, tries, delays, keys, turns, cancels, and chains that are given up.
  private static func submitSome(_ round: Int, to queue: Queue) async throws {
    var keyed = try Link(Say.self, "k")
    keyed.options.concurrency = try ConcurrencyLimit(key: Identifier<Gate>("k"), atMost: 2)
    var late = try Link(Say.self, "l")
    late.options.delay = .milliseconds(20)
    var chains = try (0..<20).map {
      try Chain(
        id: ChainID("p\(round)-\($0)"), links: [Link(Say.self, "1"), keyed, late, Link(Say.self, "2")])
    }
    chains.append(
      try Chain(
        id: ChainID("w\(round)"),
        links: [Link.map(Double_.self, over: Array(0..<10)), Link(Sum.self, from: .previous)]))
    chains.append(
      try Chain(
        id: ChainID("f\(round)"),
        links: [
          Link(
            Fail.self, .init(code: "x", until: 3),
            retry: RetryPolicy(attempts: 4, backoff: 5, maxBackoff: 10))
        ]))
    var bad = try Chain(id: ChainID("x\(round)"), links: [Link.map(Double_.self, over: [-1, 1])])
    bad.onFailure = [try Link(Say.self, "failed")]
    bad.unique = Unique(try Identifier<Gate>("u\(round % 5)"))
    chains.append(bad)
    chains.append(try Chain(id: ChainID("c\(round)"), delay: .seconds(5), links: [Link(Say.self, "never")]))
    try await queue.submit(chains)
    try await queue.submit(
      ChainGroup(
        id: GroupID("g\(round)"),
        members: try (0..<5).map { try Chain(id: ChainID("g\(round)-\($0)"), links: [Link(Say.self, "m")]) },
        onSettled: Chain(id: ChainID("s\(round)"), links: [Link(Say.self, "s")])))
    try await queue.cancel([Cancellation(ChainID("c\(round)"), .now)])
  }
}
