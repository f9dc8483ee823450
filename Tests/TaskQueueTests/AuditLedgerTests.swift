import Testing

@testable import TaskQueue

/// What follows from what was read: values in, suspicions out.
@Suite struct AuditLedgerTests {
  /// `v`, and the words of `d` that matter.
  func facts(_ v: String, group: String = "~", created: Int = 100, ttl: Int = -1, key: String? = nil) throws
    -> ChainFacts
  {
    try #require(
      ChainFacts(v: v, d: "q 1 - 1/1 \(group) 0 ~ \(created)", key: key, ttl: ttl))
  }

  func suspicions(_ note: (inout AuditLedger) throws -> Void) rethrows -> [String] {
    var ledger = AuditLedger()
    try note(&ledger)
    ledger.judge(entering: [])
    return ledger.suspicions.map { "\($0.check.rawValue) \($0.subject)" }.sorted()
  }

  @Test func fieldsThatDoNotFitAreNoFacts() throws {
    #expect(ChainFacts(v: nil, d: "q 1 - 1/1 ~ 0 ~ 1", key: nil, ttl: -1) == nil)
    #expect(ChainFacts(v: "r 1 0 1 00 ~ ~", d: nil, key: nil, ttl: -1) == nil)
    #expect(ChainFacts(v: "q 1 0 1 00 ~ ~", d: "q 1 - 1/1 ~ 0 ~ 1", key: nil, ttl: -1) == nil)
    #expect(ChainFacts(v: "r 1 0 1 0 ~ ~", d: "q 1 - 1/1 ~ 0 ~ 1", key: nil, ttl: -1) == nil)
    let read = try facts("g 4 2 9 31 77 s", group: "g", ttl: 5, key: "k")
    #expect(read.holder == "s" && read.group == "g" && read.isPlanned && read.started && read.expires)
    #expect(read.endedAt == nil && read.cursor == 2 && read.generation == 4 && read.key == "k")
    #expect(try facts("x 4 2 9 31 77 ~").endedAt == 77)
  }

  @Test func aChainIsMissedWhereItShouldBe() throws {
    let none = try suspicions { ledger in
      ledger.note("r", try facts("r 1 0 1 00 ~ ~"))
      ledger.note("d", try facts("d 2 0 1 00 ~ ~"))
      ledger.note("g", try facts("g 3 0 1 01 50 s"))
      ledger.note("m", try facts("r 1 0 1 00 ~ ~", group: "G"))
      ledger.note(list: "l:q|1|-", entries: ["r:1", "m:1", "stale:4"])
      ledger.note(due: ["d:2", "other:1"])
      ledger.note(held: ["g"], by: "s")
      ledger.note(members: ["m"], of: "G", isThere: true)
    }
    #expect(none == [])
    let all = try suspicions { ledger in
      ledger.note("r", try facts("r 1 0 1 00 ~ ~"))
      ledger.note("d", try facts("d 2 0 1 00 ~ ~"))
      ledger.note("g", try facts("g 3 0 1 01 50 s"))
      ledger.note("m", try facts("f 2 1 1 01 60 ~", group: "G", ttl: 1))
      // Another generation's entry is none; nor is another session's hold.
      ledger.note(list: "l:q|1|-", entries: ["r:2"])
      ledger.note(due: ["d:1"])
      ledger.note(held: ["g"], by: "t")
      ledger.note(members: ["m"], of: "G", isThere: true)
    }
    #expect(
      all == ["due-nowhere d", "granted-unheld g", "held-unknown g", "member-gone m", "ready-nowhere r"])
  }

  @Test func aMemberIsMissedByItsGroupOrMissesIt() throws {
    let lists: [([String], Bool)] = [([], true), (["other"], true), (["m"], false)]
    for (members, isThere) in lists {
      let wrong = try suspicions { ledger in
        ledger.note("m", try facts("r 1 0 1 00 ~ ~", group: "G"))
        ledger.note("other", try facts("r 1 0 1 00 ~ ~"))
        ledger.note(list: "l:q|1|*G", entries: ["m:1", "other:1"])
        ledger.note(members: members, of: "G", isThere: isThere)
      }
      #expect(wrong == ["member-missing m"])
    }
  }

  @Test func anEntryCountsOnce() throws {
    let twice = try suspicions { ledger in
      ledger.note("r", try facts("r 1 0 1 00 ~ ~"))
      ledger.note(list: "l:q|1|-", entries: ["r:1"])
      ledger.note(list: "kw:k", entries: ["r:1"])
    }
    #expect(twice == ["entry-twice r:1", "key-waiters k"])
  }

  @Test func whatEndsVanishesAndNothingElseDoes() throws {
    let wrong = try suspicions { ledger in
      ledger.note("f", try facts("f 2 1 1 01 60 ~"))
      ledger.note("r", try facts("r 1 0 1 00 ~ ~", ttl: 10))
      ledger.note("x", try facts("x 1 0 1 00 5 ~", ttl: 10))
      ledger.note(list: "l:q|1|-", entries: ["r:1"])
      ledger.note(dead: ["r", "ghost"])
    }
    #expect(
      wrong == [
        "dead-gone ghost", "dead-unlisted x", "dead-wrongly r", "expires-unfinished r", "kept-for-ever f",
      ])
  }

  @Test func groupsSessionsLanesAndKeys() throws {
    let wrong = try suspicions { ledger in
      ledger.note("a", try facts("g 3 0 1 11 50 s", key: "k"))
      ledger.note(held: ["a"], by: "s")
      ledger.note(group: "fine", GroupFacts(isSealed: true, hasFired: false, left: 2, members: 2))
      ledger.note(group: "fired", GroupFacts(isSealed: true, hasFired: true, left: 0, members: 0))
      ledger.note(group: "off", GroupFacts(isSealed: true, hasFired: false, left: 3, members: 2))
      ledger.note(group: "over", GroupFacts(isSealed: true, hasFired: false, left: 0, members: 0))
      ledger.note(lanes: ["seen", "unseen"])
      ledger.note(ring: ["seen"])
      ledger.note(sessions: ["s"])
      ledger.note(sessionKeys: ["s", "t"], holding: true)
      ledger.note(sessionKeys: ["s", "u"], holding: false)
      ledger.note(holders: ["a", "b"], of: "k")
      ledger.note(holders: ["a"], of: "other")
      ledger.note(limit: "a/brake", of: "a")
      ledger.note(limit: "b/brake", of: "b")
      ledger.note(staged: ["c:a", "d:b"], known: ["c:a"])
      ledger.note(schedules: ["daily", "hourly"], listed: ["daily"])
    }
    #expect(
      wrong == [
        "group-count off", "group-count over", "key-held a", "key-held b", "lane-hidden unseen",
        "limit-orphan b/brake", "schedule-unlisted hourly", "session-forgotten t", "session-left u",
        "staged-orphan d:b",
      ])
  }

  /// A count is judged by who was there in its moment, whatever happened since.
  @Test func depthsAreThoseOfAMoment() throws {
    var ledger = AuditLedger()
    ledger.note("before", try facts("r 1 0 1 00 ~ ~", created: 100))
    ledger.note("ended before", try facts("f 2 1 1 01 150 ~", created: 100, ttl: 1))
    ledger.note("ended since", try facts("f 2 1 1 01 250 ~", created: 100, ttl: 1))
    ledger.note("came since", try facts("r 1 0 1 00 ~ ~", created: 250))
    #expect(ledger.depths(at: 200...201) == ["q": 2...2])
    // In the very millisecond nobody knows.
    ledger.note("just then", try facts("r 1 0 1 00 ~ ~", created: 200))
    ledger.note("just ended", try facts("c 2 1 1 01 201 ~", created: 100, ttl: 1))
    #expect(ledger.depths(at: 200...201) == ["q": 2...4])
    #expect(ledger.depths(at: 50...51) == [:])
  }
}
