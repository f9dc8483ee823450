import ArgumentParser
import FoundationEssentials
import Rollout

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where Drawbar keeps its things. Every command has these options.
struct PlaceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Redis to use: redis://, rediss:// or unix://. Default: $DRAWBAR_REDIS, else the private one of the state directory.",
      valueName: "url"))
  var redis: String?

  @Option(
    help: ArgumentHelp(
      "State directory: the private Redis and the packages. Default: $DRAWBAR_STATE, else ~/.local/state/drawbar.",
      valueName: "dir"))
  var state: String?

  /// The state directory, absolute.
  var directory: String {
    let environment = ProcessInfo.processInfo.environment
    func given(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let path =
      state ?? given("DRAWBAR_STATE") ?? given("XDG_STATE_HOME").map { $0 + "/drawbar" }
      ?? (given("HOME") ?? "/var/lib") + "/.local/state/drawbar"
    return Files.absolute(path)
  }

  /// How it was named, for what to type next. A URL may hold a password: it is not repeated.
  var options: String {
    (redis == nil ? "" : " --redis URL") + (state.map { " --state \($0)" } ?? "")
  }

  /// The Redis URL that was named; nil for the private server.
  var url: String? {
    if let redis { return redis }
    guard state == nil, let named = ProcessInfo.processInfo.environment["DRAWBAR_REDIS"], !named.isEmpty
    else {
      return nil
    }
    return named
  }
}

/// How answers are printed.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print JSON: one object, or one a line. Errors go to standard error, as JSON too.")
  var json = false
}

/// Who acts, and why: both are recorded.
struct AuthorOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Who does this. Default: the user's name.", valueName: "name"))
  var by: String?

  @Option(help: ArgumentHelp("Why; it is recorded.", valueName: "text"))
  var reason: String?

  var author: String {
    if let by, !by.isEmpty { return by }
    if let user = getpwuid(geteuid())?.pointee.pw_name { return String(cString: user) }
    return ProcessInfo.processInfo.environment["USER"] ?? "uid-\(geteuid())"
  }
}

/// What a release may change of its group's config.
struct RuleOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Batch sizes, the last repeats, e.g. 1,10%,25%.", valueName: "sizes"))
  var batches: String?

  @Option(help: ArgumentHelp("Most of the rolling servers out at once.", valueName: "percent"))
  var ratio: Int?

  @Option(help: ArgumentHelp("So many of the rolling servers failed: brake.", valueName: "percent"))
  var brakeRatio: Int?

  @Option(help: ArgumentHelp("Wait between batches, e.g. 30s.", valueName: "time"))
  var wait: String?

  @Flag(inversion: .prefixedNo, help: "One server goes first, alone.")
  var bastion: Bool?
}

/// In this program a flag is one of the command line; the fleet's are spelt `Fleet.Flag`.
typealias Flag<Value> = ArgumentParser.Flag<Value>
