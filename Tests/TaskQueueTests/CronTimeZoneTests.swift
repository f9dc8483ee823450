import Foundation
import SeededRandom
import Testing

@testable import TaskQueue

/// Zone files, whole and broken.
@Suite struct CronTimeZoneTests {
  @Test(arguments: [
    "Europe/Berln", "", "Europe", "../../../etc/passwd", "/etc/passwd", "Europe//Berlin", "Europe/Berlin/",
    "zone.tab", "Europe/Berlin\0", "+VERSION",
  ])
  func refuses(_ name: String) {
    #expect(throws: UnknownTimeZone.self) { try TimeZoneRules(named: name) }
  }

  @Test func utcNeedsNoFile() throws {
    #expect(try TimeZoneRules(named: "UTC").offset(at: 1_700_000_000_000) == 0)
    #expect(try TimeZoneRules(named: "Etc/UTC") == .utc)
  }

  @Test(arguments: [
    // Southern summer goes over the year's end.
    ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2050-01-15 00:00", 11.0),
    ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2050-07-15 00:00", 10),
    // Irish winter time is the one that differs.
    ("IST-1GMT0,M10.5.0,M3.5.0/1", "2050-07-15 00:00", 1),
    ("IST-1GMT0,M10.5.0,M3.5.0/1", "2050-12-15 00:00", 0),
    // Times before midnight and beyond it.
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2050-03-27 00:59:59", -2),
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2050-03-27 01:00", -1),
    ("IST-2IDT,M3.4.4/26,M10.5.0", "2050-03-24 23:59:59", 2),
    ("IST-2IDT,M3.4.4/26,M10.5.0", "2050-03-25 00:00", 3),
    ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2050-01-01 00:00", 11),
    ("<+0545>-5:45", "2050-01-01 00:00", 5.75),
    // Summer all the year, written so that it never ends.
    ("XXX3EDT4,0/0,J365/23", "2050-07-01 00:00", -4), ("XXX3EDT4,0/0,J365/23", "2050-12-31 23:59", -4),
    ("XXX3EDT4,0/0,J365/23", "2051-01-01 03:59", -4), ("XXX3EDT4,0/0,J365/23", "2051-01-01 04:00", -4),
    // By the day's number: J60 is 1 March in every year, 59 is 29 February in a leap year.
    ("AAA0BBB,J60/0,J300/0", "2048-02-29 23:59", 0), ("AAA0BBB,J60/0,J300/0", "2048-03-01 00:00", 1),
    ("AAA0BBB,59/0,300/0", "2048-02-29 00:00", 1),
  ]) func yearlyRules(_ line: String, _ at: String, _ hours: Double) throws {
    let rule = try #require(YearlyRule(Array(line.utf8)[...]))
    let second = Int(moment(at) / 1_000)
    let stretch = rule.stretch(at: second)
    #expect(stretch.offset == Int(hours * 3_600))
    #expect(stretch.start <= second && second < stretch.end)
  }

  @Test(arguments: [
    "", "CE", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x",
    "CET-1CEST,M13.5.0,M10.5.0",
    "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-25", "CET-1:60", "<+03-3",
    "CET-1CEST,J0,J366",
    "CET-1CEST,M3.5.0/168,M10.5.0",
  ])
  func refusesRule(_ line: String) { #expect(YearlyRule(Array(line.utf8)[...]) == nil) }

  /// Whatever a damaged file holds, reading it ends in an answer.
  @Test func damagedFilesAreRefusedOrRead() throws {
    let file = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Berlin")))
    #expect(TimeZoneRules(name: "x", file: file) != nil)
    for length in 0..<file.count { #expect(TimeZoneRules(name: "x", file: Array(file[..<length])) == nil) }
    var random = SeededGenerator(seed: 3)
    for _ in 0..<5_000 {
      var damaged = file
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        damaged[Int.random(in: 0..<file.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      guard let zone = TimeZoneRules(name: "x", file: damaged) else { continue }
      let second = Int.random(in: -4_000_000_000..<9_000_000_000, using: &random)
      let stretch = zone.stretch(at: second)
      #expect(stretch.start <= second && second < stretch.end)
      _ = zone.firstMoment(showing: zone.latestShown(upTo: second) + 1)
    }
  }
}
