import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A small HTTP app to be released: `demo-app PACKAGE`.
///
/// It reads its version from `PACKAGE/version`, listens on `HOST:PORT` (environment), and calls itself
/// `DRAWBAR_HOST`. Where `PACKAGE/broken` holds the word `never`, or this host's name on a line, it runs but is
/// never healthy. On SIGTERM it takes no more connections, closes idle ones, finishes the requests it has, and
/// ends with status 0.
@main
enum DemoApp {
  static func main() {
    // Blocked before there are threads, so that none of them is interrupted; waited for below.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    do {
      let server = try DemoServer(Identity(environment: environment(), arguments: CommandLine.arguments))
      say("version \(server.identity.version) listens on \(server.identity.address):\(server.identity.port)")
      var signal: Int32 = 0
      sigwait(&signals, &signal)
      say("signal \(signal): finishing what runs")
      server.finish(within: .seconds(10))
      say("ended")
    } catch {
      say("can't start: \(error)")
      exit(1)
    }
  }

  private static func environment() -> (String) -> String? {
    { name in getenv(name).map { String(cString: $0) } }
  }

  /// One line of the log; written at once, since the log is a file.
  static func say(_ line: String) {
    print(line)
    fflush(nil)
  }
}

/// Who this instance is.
struct Identity: Sendable {
  struct Unfit: Error, CustomStringConvertible { let description: String }

  let version: String
  let host: String
  let address: String
  let port: Int
  let isHealthy: Bool

  init(environment: (String) -> String?, arguments: [String]) throws {
    guard arguments.count == 2 else { throw Unfit(description: "usage: demo-app PACKAGE") }
    guard let port = environment("PORT").flatMap({ Int($0) }), (1...65_535).contains(port) else {
      throw Unfit(description: "PORT must be 1 to 65535")
    }
    guard let version = Self.words(of: "\(arguments[1])/version").first else {
      throw Unfit(description: "\(arguments[1])/version is missing or empty")
    }
    self.port = port
    self.version = version
    address = environment("HOST") ?? "127.0.0.1"
    host = environment("DRAWBAR_HOST") ?? "\(address):\(port)"
    let broken = Self.words(of: "\(arguments[1])/broken")
    isHealthy = !broken.contains("never") && !broken.contains(host)
  }

  private static func words(of path: String) -> [String] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var text = ""
    while let character = UInt8(exactly: fgetc(file)) { text.unicodeScalars.append(.init(character)) }
    return text.split(whereSeparator: \.isWhitespace).map(String.init)
  }
}
