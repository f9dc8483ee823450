import SeededRandom
import Testing

@testable import Fleet

/// What a caller of a sync does next, from what Redis says.
@Suite struct SyncRecordTests {
  @Test func whoComesFirstLeads() {
    let none = SyncRecord(now: 1_000)
    #expect(none.wanted(fresh: false) == 1)
    #expect(none.next(for: 1) == .lead(after: 0))
    let before = SyncRecord(generation: 4, ended: 4, now: 1_000)
    #expect(before.wanted(fresh: true) == 5)
    #expect(before.next(for: 5) == .lead(after: 4))
  }

  @Test func whoComesMeanwhileSharesOrJoinsTheNext() {
    var record = SyncRecord(generation: 5, holds: 500..<3_000, ended: 4, now: 1_000)
    #expect(record.wanted(fresh: false) == 5)
    #expect(record.wanted(fresh: true) == 6)
    #expect(record.next(for: 5) == .wait(of: 5, atMost: 2_000))
    #expect(record.next(for: 6) == .wait(of: 5, atMost: 2_000))
    (record.holds, record.ended) = (nil, 5)
    #expect(record.next(for: 5) == .take)
    #expect(record.next(for: 6) == .lead(after: 5))
    (record.generation, record.holds) = (6, 900..<3_000)
    #expect(record.next(for: 5) == .take)
    #expect(record.next(for: 6) == .wait(of: 6, atMost: 2_000))
  }

  @Test func nobodyWaitsForTheDead() {
    var record = SyncRecord(generation: 5, holds: 500..<3_000, ended: 4, now: 3_000)
    #expect(record.next(for: 5) == .takeOver(after: 5))
    #expect(record.wanted(fresh: false) == 6)
    // Nor for as long as a clock was set back.
    record.now = 499
    #expect(record.next(for: 5) == .takeOver(after: 5))
    // A later generation serves those who waited for the lost one as well.
    #expect(SyncRecord(generation: 6, ended: 6, now: 4_000).next(for: 5) == .take)
  }

  /// Callers in any order, some of which die while they lead: each request is shared by all it can serve, none is begun
  /// beside another, nobody is given what began too early, and nobody waits for one holder longer than its life.
  @Test func anyNumberOfCallersInAnyOrder() {
    var served = 0
    for seed in UInt64(0)..<1_000 {
      var world = World(random: SeededGenerator(seed: seed))
      for _ in 0..<150 { world.step() }
      if let broken = world.broken { Issue.record("seed \(seed): \(broken)") }
      served += world.done
    }
    #expect(served > 10_000)
  }

  private struct Caller {
    var arrived: Int64
    var fresh: Bool
    var wanted: Int?
    /// What it leads, and until when it does.
    var leads: Int?
  }

  /// The scripts in a few lines, and callers that come, look, end and die at random.
  private struct World {
    static let life: Int64 = 20
    var random: SeededGenerator
    var record = SyncRecord()
    var holder: Int?
    var callers: [Int: Caller] = [:]
    var next = 0
    var done = 0
    var beganAt: [Int: Int64] = [:]
    var endedAt: [Int: Int64] = [:]
    var broken: String?

    init(random: SeededGenerator) { self.random = random }

    mutating func step() {
      record.now += Int64.random(in: 0...2, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0...2 where callers.count < 6:
        callers[next] = Caller(arrived: record.now, fresh: Bool.random(using: &random))
        next += 1
      case 3 where holder != nil && Bool.random(using: &random):
        // It is killed: nothing is released.
        callers[holder!] = nil
        holder = nil
      default:
        guard let id = callers.keys.sorted().randomElement(using: &random) else { return }
        look(id)
      }
    }

    private mutating func look(_ id: Int) {
      guard var caller = callers[id] else { return }
      if let generation = caller.leads {
        // The answer came; a late one is refused.
        caller.leads = nil
        if generation == record.generation, let holds = record.holds, record.now < holds.upperBound {
          (record.ended, record.holds, holder) = (generation, nil, nil)
          endedAt[generation] = record.now
        }
        callers[id] = caller
        return
      }
      let wanted = caller.wanted ?? record.wanted(fresh: caller.fresh)
      caller.wanted = wanted
      switch record.next(for: wanted) {
      case .take:
        let began = beganAt[record.ended] ?? -1
        if caller.fresh, began < caller.arrived { broken = "\(id) was given what began too early" }
        if (endedAt[record.ended] ?? -1) < caller.arrived { broken = "\(id) was given what had ended before" }
        callers[id] = nil
        done += 1
        return
      case .wait(let of, let atMost):
        if atMost > Self.life { broken = "\(id) waits \(atMost) ms for \(of)" }
        if record.now >= (beganAt[of] ?? 0) + Self.life { broken = "\(id) waits for \(of) beyond its life" }
      case .lead(let after), .takeOver(let after):
        if let holds = record.holds, record.now < holds.upperBound { broken = "two at once" }
        if after != record.generation { broken = "it saw another generation" }
        record.generation += 1
        record.holds = record.now..<record.now + Self.life
        beganAt[record.generation] = record.now
        (holder, caller.leads, caller.wanted) = (id, record.generation, record.generation)
      }
      callers[id] = caller
    }
  }
}
