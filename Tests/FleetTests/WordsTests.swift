import Fleet
import Testing

@Suite struct WordsTests {
  @Test(arguments: [
    ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1m30s", 90_000), ("0", 0),
    ("0s", 0),
  ])
  func durations(text: String, milliseconds: Int64) {
    #expect(DurationText.milliseconds(text) == milliseconds)
  }

  @Test(arguments: [
    "", "5", "s", "-5s", "1.5s", "5 s", "5d", "m5", "٣s", "99999999999999999999s", "9999999h",
  ])
  func notDurations(text: String) {
    #expect(DurationText.milliseconds(text) == nil)
  }

  @Test(arguments: ["500ms", "30s", "5m", "2h", "1m30s", "1h1ms", "0s"])
  func durationsAreWrittenAsTheyAreRead(text: String) throws {
    #expect(DurationText.text(try #require(DurationText.milliseconds(text))) == text)
  }

  @Test func namesKeepOutWhatWouldMeanSomethingElsewhere() {
    for bad in [
      "", "a b", "a/b", "../a", ".a", "-a", "a;b", "a\nb", "a$b", "ä", String(repeating: "a", count: 65),
    ] {
      #expect(!NameRule.name.accepts(bad), "\(bad)")
    }
    #expect(NameRule.name.accepts("shop-web_1.x"))
    #expect(NameRule.version.accepts("1.4.2-rc.1+build5"))
    #expect(!NameRule.version.accepts(".."))
    #expect(NameRule.address.accepts("::1"))
  }

  @Test func slipsAreGuessed() {
    let words = ["maxPullOutRatio", "batchWait", "port"]
    #expect(NearestWord.to("maxPulloutRation", among: words) == "maxPullOutRatio")
    #expect(NearestWord.to("prot", among: words) == "port")
    #expect(NearestWord.to("colour", among: words) == nil)
  }
}
