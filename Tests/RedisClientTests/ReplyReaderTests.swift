import Testing

@testable import RedisClient

@Suite("Reading replies, without a socket", .timeLimit(.minutes(1)))
struct ReplyReaderTests {
  static let samples: [(wire: String, value: RedisValue)] = [
    ("+OK\r\n", .simple("OK")),
    ("+\r\n", .simple("")),
    (":0\r\n", .integer(0)),
    (":-9223372036854775808\r\n", .integer(.min)),
    (":9223372036854775807\r\n", .integer(.max)),
    ("$0\r\n\r\n", .bulk([])),
    ("$5\r\nhello\r\n", bulk("hello")),
    ("$8\r\na\r\nb\r\n\r\n\r\n", bulk("a\r\nb\r\n\r\n")),
    ("$-1\r\n", .null),
    ("*-1\r\n", .null),
    ("*0\r\n", .array([])),
    ("-ERR no such thing\r\n", .error(RedisReplyError("ERR no such thing"))),
    ("*3\r\n:1\r\n$-1\r\n-OOM full\r\n", .array([.integer(1), .null, .error(RedisReplyError("OOM full"))])),
    (
      "*2\r\n*2\r\n$1\r\na\r\n*0\r\n*1\r\n*1\r\n+x\r\n",
      .array([.array([bulk("a"), .array([])]), .array([.array([.simple("x")])])])
    ),
  ]

  @Test("Each kind of reply", arguments: samples.indices)
  func kinds(index: Int) throws {
    let (wire, value) = Self.samples[index]
    #expect(try read([Array(wire.utf8)]) == [value])
  }

  @Test("A stream of all of them, cut in two at every byte")
  func cutInTwo() throws {
    let wire = Array(Self.samples.map(\.wire).joined().utf8)
    for cut in 0...wire.count {
      #expect(try read([Array(wire[..<cut]), Array(wire[cut...])]) == Self.samples.map(\.value))
    }
  }

  @Test("A stream of all of them, byte by byte")
  func byteByByte() throws {
    let wire = Array(Self.samples.map(\.wire).joined().utf8)
    #expect(try read(wire.map { [$0] }) == Self.samples.map(\.value))
  }

  @Test("A string of 64 MiB in pieces as a socket brings them")
  func huge() throws {
    let size = 64 << 20
    var reader = ReplyReader(replyLimit: 1 << 30)
    reader.feed("$\(size)\r\n")
    let piece = [UInt8](repeating: 7, count: 64 << 10)
    for _ in 0..<(size / piece.count) {
      #expect(try reader.next() == nil)
      piece.withUnsafeBytes { reader.feed($0) }
    }
    reader.feed("\r\n:1\r\n")
    let bytes = try #require(try reader.next()?.bytes)
    #expect(bytes.count == size)
    #expect(bytes.allSatisfy { $0 == 7 })
    #expect(try reader.next() == .integer(1))
    #expect(try reader.next() == nil)
  }

  @Test("An array of a hundred thousand elements")
  func long() throws {
    let wire = "*100000\r\n" + String(repeating: "$3\r\nabc\r\n", count: 100_000)
    let values = try read([Array(wire.utf8)])
    #expect(values.first?.array?.count == 100_000)
    #expect(values.first?.array?.last == bulk("abc"))
  }

  @Test("Seven levels of arrays are read; a hundred end in an error, not in a crash")
  func depth() throws {
    #expect(try read([Array((String(repeating: "*1\r\n", count: 7) + ":1\r\n").utf8)]).count == 1)
    let deep = Array((String(repeating: "*1\r\n", count: 100) + ":1\r\n").utf8)
    let error = #expect(throws: RedisError.self) { try read([deep]) }
    #expect(error?.code == .protocolError)
  }

  @Test(
    "What is no reply is an error, whatever came before it",
    arguments: [
      "hello\r\n", "?1\r\n", "\r\n", ":\r\n", ":12x\r\n", ":99999999999999999999\r\n", "$-2\r\n", "$x\r\n",
      "*-2\r\n", "*99999999999999999999\r\n", "*1\r\n!\r\n", "HTTP/1.1 400 Bad Request\r\n",
    ])
  func malformed(wire: String) throws {
    let error = #expect(throws: RedisError.self) { try read([Array(("+OK\r\n" + wire).utf8)]) }
    #expect(error?.code == .protocolError)
  }

  @Test("A count or a length that is only announced takes no memory")
  func announced() throws {
    #expect(try read([Array("*2000000000\r\n:1\r\n".utf8)]).isEmpty)
    #expect(try read([Array("$9000000000000000000\r\nabc".utf8)]).isEmpty)
  }

  @Test("A reply beyond the limit is an error before it is whole")
  func limit() throws {
    var reader = ReplyReader(replyLimit: 1000)
    for _ in 0..<5 {
      reader.feed("$300\r\n" + String(repeating: "x", count: 300) + "\r\n")
      #expect(try reader.next()?.bytes?.count == 300)
    }
    reader.feed("$3000\r\n" + String(repeating: "x", count: 1100))
    let error = #expect(throws: RedisError.self) { try reader.next() }
    #expect(error?.code == .protocolError)
  }

  @Test("A command, read back as an array, has the words it was made of")
  func formatter() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let words = (0..<Int.random(in: 0...20, using: &random)).map { _ in
        (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      }
      var reader = ReplyReader(replyLimit: 1 << 20)
      CommandFormatter.withFormatted(RedisCommand("NAME", words.map { .bytes($0) })) { reader.feed($0) }
      #expect(try reader.next() == .array([bulk("NAME")] + words.map { .bulk($0) }))
      #expect(try reader.next() == nil)
    }
  }

  @Test("A command on the wire, to the byte")
  func wire() {
    let command = RedisCommand("SET", "ключ", "", .integer(-7), .bytes([0, 13, 10]))
    let wire = CommandFormatter.withFormatted(command) { Array($0) }
    let text = "*5\r\n$3\r\nSET\r\n$8\r\nключ\r\n$0\r\n\r\n$2\r\n-7\r\n$3\r\n\0\r\n\r\n"
    #expect(wire == Array(text.utf8))
  }
}

private func read(_ pieces: [[UInt8]]) throws -> [RedisValue] {
  var reader = ReplyReader(replyLimit: 1 << 30)
  var values: [RedisValue] = []
  for piece in pieces {
    piece.withUnsafeBytes { reader.feed($0) }
    while let value = try reader.next() { values.append(value) }
  }
  return values
}

func bulk(_ text: String) -> RedisValue { .bulk(Array(text.utf8)) }

extension ReplyReader {
  mutating func feed(_ text: String) {
    Array(text.utf8).withUnsafeBytes { feed($0) }
  }
}
