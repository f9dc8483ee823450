import NIOCore
import Testing

@testable import RedisClient

/// The whole protocol of a connection with letters for callers: no socket, no clock, no task.
@Suite("The connection's state machine", .timeLimit(.minutes(1)))
struct ConnectionStateMachineTests {
  static let info = "$34\r\nrun_id:abc\r\nredis_version:7.0.15\r\n\r\n"
  static let greeting = "+OK\r\n+OK\r\n+OK\r\n+PONG\r\n" + info

  @Test("The greeting logs in, selects, names, asks; in this order")
  func greetingCommands() {
    var configuration = RedisConfiguration(.unix(path: "/s"))
    configuration.username = "worker"
    configuration.password = "secret"
    configuration.database = 3
    configuration.clientName = "drawbar"
    let greeting = Greeting(configuration)
    #expect(greeting.steps == [.authenticate, .select, .setName, .ping, .info])
    #expect(
      greeting.commands == [
        RedisCommand("AUTH", "worker", "secret"), RedisCommand("SELECT", 3),
        RedisCommand("CLIENT", "SETNAME", "drawbar"), RedisCommand("PING"), RedisCommand("INFO"),
      ])
    #expect(Greeting(RedisConfiguration(.unix(path: "/s"))).steps == [.ping, .info])
  }

  @Test("After a good greeting the connection is ready and knows the server")
  func ready() {
    let connection = Connection()
    #expect(connection.feed(Self.greeting) == ["ready abc 7.0.15"])
    #expect(connection.isReady)
  }

  @Test(
    "A greeting that fails says what is wrong",
    arguments: [
      ("-WRONGPASS invalid username-password pair\r\n", "authentication"),
      ("-ERR AUTH <password> called without any password configured\r\n", "authentication"),
      ("+OK\r\n-ERR DB index is out of range\r\n", "connect failed"),
      (
        "+OK\r\n+OK\r\n-ERR no names\r\n-LOADING Redis is loading the dataset in memory\r\n", "connect failed"
      ),
      ("+OK\r\n+OK\r\n+OK\r\n-NOAUTH Authentication required.\r\n", "authentication"),
      ("HTTP/1.1 400\r\n", "protocol error"),
    ])
  func badGreeting(wire: String, code: String) {
    let connection = Connection()
    #expect(connection.feed(wire) == ["end \(code)"])
    #expect(!connection.isReady)
    #expect(connection.feed("+OK\r\n") == [], "nothing follows the end")
  }

  @Test("A user who may neither PING nor INFO may still work")
  func poorUser() {
    let connection = Connection()
    let wire = "+OK\r\n+OK\r\n-NOPERM no CLIENT\r\n-NOPERM no PING\r\n-NOPERM no INFO\r\n"
    #expect(connection.feed(wire) == ["ready  "])
  }

  @Test("Answers go to the callers in their order, a pipeline's together")
  func order() {
    let connection = Connection.ready()
    connection.sent("a")
    connection.sent("b", count: 3)
    connection.sent("c")
    #expect(connection.feed(":1\r\n:2\r\n") == ["a 1"])
    #expect(connection.feed("-ERR x\r\n:4\r\n:5\r\n") == ["b 2,ERR x,4", "c 5"])
    #expect(!connection.hasCallers)
  }

  @Test("The same, whichever byte the stream is cut at")
  func everyCut() {
    let wire = Array((Self.greeting + ":1\r\n*2\r\n$-1\r\n+x\r\n$3\r\nabc\r\n-ERR no\r\n").utf8)
    let expected = ["ready abc 7.0.15", "a 1", "b [null x]", "c abc,ERR no"]
    let greeting = Self.greeting.utf8.count
    for cut in 0...greeting {
      let connection = Connection()
      let heard = connection.feed(Array(wire[..<cut])) + connection.feed(Array(wire[cut..<greeting]))
      #expect(heard == ["ready abc 7.0.15"])
    }
    for cut in greeting...wire.count {
      let connection = Connection()
      var heard = connection.feed(Array(wire[..<greeting]))
      connection.begin()
      heard += connection.feed(Array(wire[greeting..<cut]))
      heard += connection.feed(Array(wire[cut...]))
      #expect(heard == expected)
    }
  }

  @Test("A reply that nobody asked for ends the connection")
  func unasked() {
    let connection = Connection.ready()
    #expect(connection.feed("+surprise\r\n") == ["end protocol error"])
  }

  @Test("When the connection is over, all who wait are named with their commands' number")
  func abandon() {
    let connection = Connection.ready()
    connection.sent("a")
    connection.sent("b", count: 3)
    #expect(connection.feed(":1\r\n:2\r\n") == ["a 1"])
    let left = connection.abandon()
    #expect(left.map(\.caller) == ["b"])
    #expect(left.map(\.count) == [3])
    #expect(connection.feed(":3\r\n") == [])
  }

  @Test("A caller whose time is over leaves, keeps its place, and the next one gets the right answer")
  func expiry() {
    let connection = Connection.ready()
    connection.sent("a", deadline: 5)
    connection.sent("b", deadline: 8)
    #expect(connection.nextDeadline == seconds(5))
    #expect(connection.pass(to: 4) == [])
    #expect(connection.pass(to: 5) == ["expire a"])
    #expect(connection.nextDeadline == seconds(8))
    #expect(connection.feed(":1\r\n:2\r\n", at: 6) == ["a 1", "b 2"], "the place decides who is meant")
    #expect(connection.nextDeadline == nil)
  }

  @Test("A connection that stays silent after its callers' time is given up")
  func silence() {
    let connection = Connection.ready()
    connection.sent("a", deadline: 10)
    connection.sent("b", deadline: 11)
    #expect(connection.pass(to: 10) == ["end timeout"])
    let left = connection.abandon()
    #expect(left.map(\.caller) == ["a", "b"])
  }

  @Test("A connection that brings something is not, though one caller's time is over")
  func slow() {
    let connection = Connection.ready()
    connection.sent("a", deadline: 10)
    connection.sent("b", deadline: 30)
    #expect(connection.feed("$100\r\nxxx", at: 9) == [])
    #expect(connection.pass(to: 10) == ["expire a"])
    #expect(connection.nextDeadline == seconds(19))
    #expect(connection.pass(to: 19) == ["end timeout"])
  }
}

private func seconds(_ number: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(number) }

/// A state machine and a pen that writes down what it says.
private final class Connection {
  var machine: ConnectionStateMachine<String>

  var isReady: Bool { machine.isReady }
  var hasCallers: Bool { machine.hasCallers }
  var nextDeadline: NIODeadline? { machine.nextDeadline }
  func abandon() -> [(caller: String, count: Int)] { machine.abandon() }

  init() {
    var configuration = RedisConfiguration(.unix(path: "/s"))
    configuration.password = "secret"
    configuration.database = 3
    configuration.clientName = "test"
    machine = ConnectionStateMachine(
      greeting: Greeting(configuration), replyLimit: 1 << 20, silence: .seconds(10), now: seconds(0))
  }

  static func ready() -> Connection {
    let connection = Connection()
    _ = connection.feed(ConnectionStateMachineTests.greeting)
    return connection
  }

  func begin() {
    sent("a")
    sent("b")
    sent("c", count: 2)
  }

  func sent(_ caller: String, count: Int = 1, deadline: Int64 = 100) {
    machine.sent(caller, count: count, deadline: seconds(deadline))
  }

  func feed(_ text: String, at time: Int64 = 0) -> [String] { feed(Array(text.utf8), at: time) }

  func feed(_ bytes: [UInt8], at time: Int64 = 0) -> [String] {
    bytes.withUnsafeBytes { machine.received($0, now: seconds(time)) }
    var heard: [String] = []
    while true {
      switch machine.next() {
      case .wait, .expire: return heard
      case .ready(let info): heard.append("ready \(info.runID) \(info.version)")
      case .answer(let caller, let replies):
        heard.append("\(caller) \(replies.all.map(short).joined(separator: ","))")
      case .end(let error):
        heard.append("end \(error.code)")
        return heard
      }
    }
  }

  func pass(to time: Int64) -> [String] {
    var heard: [String] = []
    while true {
      switch machine.timePassed(now: seconds(time)) {
      case .expire(let caller): heard.append("expire \(caller)")
      case .end(let error): return heard + ["end \(error.code)"]
      case .wait, .ready, .answer: return heard
      }
    }
  }
}

private func short(_ value: RedisValue) -> String {
  switch value {
  case .null: "null"
  case .array(let elements): "[\(elements.map(short).joined(separator: " "))]"
  case .error(let error): error.message
  default: value.string ?? "?"
  }
}
