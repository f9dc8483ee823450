import Foundation
import Testing

@testable import TaskQueue

/// What expressions mean, case by case, in local time: what is written `2026-03-29 03:00 +2` is that moment.
@Suite struct CronExpressionTests {
  struct Known: Sendable, CustomTestStringConvertible {
    let cron: String
    var zone = "UTC"
    let after: String
    let then: [String]
    var testDescription: String { "\(cron) \(zone) after \(after)" }
  }

  static let known = [
    Known(cron: "* * * * *", after: "2026-01-01 00:00", then: ["2026-01-01 00:01", "2026-01-01 00:02"]),
    Known(
      cron: "*/15 8-9 * * MON-FRI", after: "2026-11-20 09:40", then: ["2026-11-20 09:45", "2026-11-23 08:00"]),
    Known(cron: "30 3 1,15 * *", after: "2026-11-15 03:30", then: ["2026-12-01 03:30", "2026-12-15 03:30"]),
    Known(
      cron: "10 */15 0 * * *", after: "2026-05-05 00:00",
      then: ["2026-05-05 00:00:10", "2026-05-05 00:15:10"]),
    Known(
      cron: "*/20 59 23 31 dec *", after: "2026-12-31 23:59:21",
      then: ["2026-12-31 23:59:40", "2027-12-31 23:59"]),
    // Sunday is 0 and 7, also as an end of a range.
    Known(cron: "0 0 * * 7", after: "2026-11-21 10:00", then: ["2026-11-22 00:00", "2026-11-29 00:00"]),
    Known(cron: "0 0 * * 0", after: "2026-11-21 10:00", then: ["2026-11-22 00:00"]),
    Known(
      cron: "0 0 * * sat-sun", after: "2026-11-21 10:00", then: ["2026-11-22 00:00", "2026-11-28 00:00"]),
    Known(cron: "0 0 * * 5-7", after: "2026-11-22 10:00", then: ["2026-11-27 00:00"]),
    // Either day, where both are restricted; both, where one begins with *.
    Known(cron: "0 0 13 * FRI", after: "2026-11-12 00:00", then: ["2026-11-13 00:00", "2026-11-20 00:00"]),
    Known(cron: "0 0 13 * *", after: "2026-11-13 00:00", then: ["2026-12-13 00:00"]),
    Known(cron: "0 0 */2 * MON", after: "2026-11-02 00:00", then: ["2026-11-09 00:00", "2026-11-23 00:00"]),
    // Leap years, and the century that has none.
    Known(cron: "0 12 29 2 *", after: "2026-01-01 00:00", then: ["2028-02-29 12:00", "2032-02-29 12:00"]),
    Known(cron: "0 12 29 2 *", after: "2096-03-01 00:00", then: ["2104-02-29 12:00"]),
    Known(cron: "0 0 */28 2 SUN", after: "2026-01-01 00:00", then: ["2026-02-01 00:00", "2032-02-01 00:00"]),
    // Last days and working days.
    Known(cron: "0 0 L * *", after: "2027-01-31 00:00", then: ["2027-02-28 00:00", "2027-03-31 00:00"]),
    Known(cron: "0 0 L-2 2 *", after: "2028-01-01 00:00", then: ["2028-02-27 00:00"]),
    Known(cron: "0 0 1W * *", after: "2026-07-31 00:00", then: ["2026-08-03 00:00", "2026-09-01 00:00"]),
    Known(cron: "0 0 15W 11,8 *", after: "2026-01-01 00:00", then: ["2026-08-14 00:00", "2026-11-16 00:00"]),
    Known(cron: "0 0 31W * *", after: "2026-01-30 12:00", then: ["2026-03-31 00:00", "2026-05-29 00:00"]),
    Known(cron: "0 0 LW * *", after: "2026-05-01 00:00", then: ["2026-05-29 00:00", "2026-06-30 00:00"]),
    Known(cron: "0 0 * * TUE#2", after: "2026-11-01 00:00", then: ["2026-11-10 00:00", "2026-12-08 00:00"]),
    Known(
      cron: "0 0 * * 0#5,1#1", after: "2026-11-01 00:00", then: ["2026-11-02 00:00", "2026-11-29 00:00"]),
    Known(cron: "0 0 * * FRIL", after: "2026-11-01 00:00", then: ["2026-11-27 00:00", "2026-12-25 00:00"]),
    // Nicknames.
    Known(cron: "@hourly", after: "2026-11-21 10:00", then: ["2026-11-21 11:00"]),
    Known(cron: "@Daily", after: "2026-11-21 10:00", then: ["2026-11-22 00:00"]),
    Known(cron: "@weekly", after: "2026-11-21 10:00", then: ["2026-11-22 00:00"]),
    Known(cron: "@monthly", after: "2026-11-21 10:00", then: ["2026-12-01 00:00"]),
    Known(cron: "@yearly", after: "2026-11-21 10:00", then: ["2027-01-01 00:00"]),
    // Berlin goes from 2 to 3 on 29 March, and from 3 back to 2 on 25 October 2026.
    Known(
      cron: "30 2 * * *", zone: "Europe/Berlin", after: "2026-03-28 02:30 +1",
      then: ["2026-03-29 03:00 +2", "2026-03-30 02:30 +2"]),
    Known(
      cron: "*/10 2,3 * * *", zone: "Europe/Berlin", after: "2026-03-29 01:00 +1",
      then: ["2026-03-29 03:00 +2", "2026-03-29 03:10 +2"]),
    Known(
      cron: "30 * * * *", zone: "Europe/Berlin", after: "2026-03-29 01:00 +1",
      then: ["2026-03-29 01:30 +1", "2026-03-29 03:30 +2"]),
    Known(
      cron: "0 */2 * * *", zone: "Europe/Berlin", after: "2026-03-29 00:00 +1",
      then: ["2026-03-29 04:00 +2"]),
    Known(
      cron: "30 2 * * *", zone: "Europe/Berlin", after: "2026-10-25 00:00 +2",
      then: ["2026-10-25 02:30 +2", "2026-10-26 02:30 +1"]),
    // From within the hour that comes again.
    Known(
      cron: "15 2 * * *", zone: "Europe/Berlin", after: "2026-10-25 02:05 +1", then: ["2026-10-26 02:15 +1"]),
    Known(
      cron: "30 * * * *", zone: "Europe/Berlin", after: "2026-10-25 02:00 +2",
      then: ["2026-10-25 02:30 +2", "2026-10-25 02:30 +1", "2026-10-25 03:30 +1"]),
    Known(
      cron: "0 2 8-14 3 SUN", zone: "America/New_York", after: "2026-03-08 00:00 -5",
      then: ["2026-03-08 03:00 -4", "2026-03-09 02:00 -4"]),
    Known(
      cron: "59 1 * * *", zone: "America/New_York", after: "2026-11-01 00:00 -4",
      then: ["2026-11-01 01:59 -4", "2026-11-02 01:59 -5"]),
    // Half an hour: from 2:00 to 2:30 on 4 October, from 2:00 back to 1:30 on 5 April.
    Known(
      cron: "15 2 * * *", zone: "Australia/Lord_Howe", after: "2026-10-04 00:00 +10.5",
      then: ["2026-10-04 02:30 +11", "2026-10-05 02:15 +11"]),
    Known(
      cron: "45 1 * * *", zone: "Australia/Lord_Howe", after: "2026-04-05 00:00 +11",
      then: ["2026-04-05 01:45 +11", "2026-04-06 01:45 +10.5"]),
    Known(
      cron: "*/15 * * * *", zone: "Australia/Lord_Howe", after: "2026-04-05 01:30 +11",
      then: [
        "2026-04-05 01:45 +11", "2026-04-05 01:30 +10.5", "2026-04-05 01:45 +10.5", "2026-04-05 02:00 +10.5",
      ]),
    Known(
      cron: "0 0 * * *", zone: "Asia/Kathmandu", after: "2026-06-01 00:00 +5.75",
      then: ["2026-06-02 00:00 +5.75"]),
    // Midnight that does not exist, and a day that does not.
    Known(
      cron: "0 0 * * *", zone: "America/Santiago", after: "2026-09-05 12:00 -4", then: ["2026-09-06 01:00 -3"]
    ),
    Known(
      cron: "0 9 30 12 *", zone: "Pacific/Apia", after: "2011-12-29 12:00 -10",
      then: ["2011-12-31 00:00 +14", "2012-12-30 09:00 +14"]),
    // After the last change that the zone file lists.
    Known(
      cron: "30 2 * * *", zone: "Europe/Berlin", after: "2050-03-27 00:00 +1", then: ["2050-03-27 03:00 +2"]),
    // Before 1970.
    Known(cron: "0 0 29 2 *", after: "1899-12-31 00:00", then: ["1904-02-29 00:00"]),
  ]

  @Test(arguments: known) func knownTimes(_ known: Known) throws {
    let cron = try CronExpression(known.cron)
    let zone = try TimeZoneRules(named: known.zone)
    var at = moment(known.after)
    for then in known.then {
      at = try #require(cron.next(after: at, in: zone))
      #expect(text(at, in: zone) == text(moment(then), in: zone))
    }
  }

  @Test func millisecondsAreRoundedDown() throws {
    let cron = try CronExpression("* * * * * *")
    #expect(cron.next(after: 999, in: .utc) == 1_000)
    #expect(cron.next(after: 1_000, in: .utc) == 2_000)
    #expect(cron.next(after: -1, in: .utc) == 0)
  }

  @Test func endsBeforeTheYear10000() throws {
    let cron = try CronExpression("0 0 1 1 *")
    #expect(cron.next(after: moment("9998-12-31 00:00"), in: .utc) == moment("9999-01-01 00:00"))
    #expect(cron.next(after: moment("9999-01-01 00:00"), in: .utc) == nil)
    #expect(cron.next(after: .max, in: .utc) == nil)
    #expect(cron.next(after: .min, in: .utc) == nil)
  }

  static let refused: [(cron: String, field: String?, says: String)] = [
    ("", nil, "it has 0 fields"), ("* * * *", nil, "it has 4 fields"),
    ("* * * * * * *", nil, "it has 7 fields"),
    ("60 * * * *", "minute", "0 to 59"), ("* 24 * * *", "hour", "0 to 23"),
    ("* * 0 * *", "day of month", "1 to 31"), ("* * 32 * *", "day of month", "1 to 31"),
    ("* * * 13 *", "month", "1 to 12"), ("* * * FOO *", "month", "JAN to DEC"),
    ("* * * * 8", "day of week", "0 to 7"), ("* * * * MONDAY", "day of week", "SUN to SAT"),
    ("61 * * * * *", "second", "0 to 59"), ("-1 * * * *", "minute", "0 to 59"),
    ("1.5 * * * *", "minute", "0 to 59"),
    ("٣ * * * *", "minute", "0 to 59"), ("+3 * * * *", "minute", "0 to 59"),
    ("5/15 * * * *", "minute", "5-59/15 may be meant"), ("*/0 * * * *", "minute", "1 to 59"),
    ("*/90 * * * *", "minute", "1 to 59"), ("*/ * * * *", "minute", "1 to 59"),
    ("1-5/2/2 * * * *", "minute", "1 to 59"), ("1,,2 * * * *", "minute", "empty"),
    ("1, * * * *", "minute", "empty"),
    ("* 22-2 * * *", "hour", "22-23,0-2 may be meant"), ("* * * * FRI-MON", "day of week", "backwards"),
    ("* * ? * *", "day of month", "1 to 31"), ("L * * * *", "minute", "0 to 59"),
    ("* * * * L", "day of week", "FRIL"),
    ("* * 1-5W * *", "day of month", "before W"), ("* * L-31 * *", "day of month", "1 to 30"),
    ("* * * * MON#6", "day of week", "1 to 5"), ("* * * * MON#", "day of week", "1 to 5"),
    ("* * * * 1-3#2", "day of week", "1 to 5"),
    ("@reboot", nil, "@reboot is not known"), ("@every 5m", nil, "it has 2 fields"),
    ("0 0 30 2 *", nil, "never happen"), ("0 0 31 4,6,9,11 *", nil, "never happen"),
    ("0 0 31W 2,4 *", nil, "never happen"),
  ]

  @Test(arguments: refused.indices) func refusals(_ index: Int) throws {
    let (cron, field, says) = Self.refused[index]
    let error = try #require(throws: InvalidCron.self) { try CronExpression(cron) }
    #expect(error.field == field)
    #expect(error.reason.contains(says), "\(error)")
    #expect(error.expression == cron)
  }

  @Test func anErrorNamesFieldWordAndRange() throws {
    let error = try #require(throws: InvalidCron.self) { try CronExpression("0 0,25 * * *") }
    #expect(error.description == "cron \"0 0,25 * * *\", hour \"25\": allowed is 0 to 23")
  }

  @Test func survivesJSON() throws {
    let cron = try CronExpression("0 3 * * MON")
    let copy = try JSONDecoder().decode([CronExpression].self, from: JSONEncoder().encode([cron]))
    #expect(copy == [cron])
  }
}

/// `2026-03-29 03:00 +2`, in UTC where no offset is given.
func moment(_ text: String) -> Int64 {
  let words = text.split(separator: " ")
  let date = words[0].split(separator: "-").compactMap { Int($0) }
  let time = words[1].split(separator: ":").compactMap { Int($0) } + [0]
  let offset = words.count > 2 ? Int(Double(words[2])! * 3_600) : 0
  var parts = tm()
  parts.tm_year = Int32(date[0] - 1_900)
  parts.tm_mon = Int32(date[1] - 1)
  parts.tm_mday = Int32(date[2])
  return Int64(timegm(&parts) + time[0] * 3_600 + time[1] * 60 + time[2] - offset) * 1_000
}

func text(_ instant: Int64, in zone: TimeZoneRules) -> String {
  let offset = zone.offset(at: instant)
  var local = time_t(Int(instant / 1_000) + offset)
  var parts = tm()
  gmtime_r(&local, &parts)
  let numbers = [
    parts.tm_year + 1_900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
  ]
  return numbers.map { String($0) }.joined(separator: " ") + " \(Double(offset) / 3_600)"
}
