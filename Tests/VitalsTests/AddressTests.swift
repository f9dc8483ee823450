import Testing

@testable import Vitals

@Suite struct AddressTests {
  @Test(arguments: [
    ("9464", "127.0.0.1:9464"), ("0.0.0.0:80", "0.0.0.0:80"), ("[::1]:9464", "[::1]:9464"),
    ("web-1.internal:0", "web-1.internal:0"), ("localhost:65535", "localhost:65535"),
  ])
  func addresses(_ text: String, _ meaning: String) throws {
    #expect(try ListenAddress(text).description == meaning)
  }

  @Test(arguments: [
    "", ":", ":80", "80:", "65536", "-1", "+80", " 80", "host", "a b:80", "::1:80", "[]:80", "host:8 0",
    "1:2:3",
    "host:080000", "host/:80", "http://host:80",
  ])
  func whatIsNoneIsRefused(_ text: String) {
    #expect(throws: InvalidListenAddress.self) { try ListenAddress(text) }
  }
}
