import Fleet

/// A line for HAProxy's runtime API. Made from checked names only, so no value can add a command of its own.
struct RuntimeCommand: Sendable, Equatable {
  let line: String

  private init(line: String) { self.line = line }

  /// The administrative states that a person or a release may give a server.
  enum State: String, Sendable { case ready, drain, maint }

  /// One row for each server of a backend.
  static func servers(of backend: String) throws(DeliveryFailure) -> RuntimeCommand {
    // Type 4 is a server; -1 is each of them.
    RuntimeCommand(line: "show stat \(try name(backend, .name)) 4 -1")
  }

  /// Which process it is, and one row for each server of a backend.
  static func census(of backend: String) throws(DeliveryFailure) -> RuntimeCommand {
    RuntimeCommand(line: "show info;show stat \(try name(backend, .name)) 4 -1")
  }

  /// Which process it is, and one row, for the server of this number. A backend of thousands is not read
  /// again for each look.
  static func server(_ number: Int, of backend: String) throws(DeliveryFailure) -> RuntimeCommand {
    RuntimeCommand(line: "show info;show stat \(try name(backend, .name)) 4 \(number)")
  }

  /// Which process it is, among other things.
  static let info = RuntimeCommand(line: "show info")

  /// The states of all servers of all backends, as HAProxy reads them when it starts.
  static let states = RuntimeCommand(line: "show servers state")

  static func set(_ host: String, of backend: String, to state: State) throws(DeliveryFailure)
    -> RuntimeCommand
  {
    RuntimeCommand(line: "set server \(try path(backend, host)) state \(state.rawValue)")
  }

  /// Takes a server for failed until its checks pass.
  static func distrust(_ host: String, of backend: String) throws(DeliveryFailure) -> RuntimeCommand {
    RuntimeCommand(line: "set server \(try path(backend, host)) health down")
  }

  private static func path(_ backend: String, _ host: String) throws(DeliveryFailure) -> String {
    "\(try name(backend, .name))/\(try name(host, .host))"
  }

  private static func name(_ text: String, _ rule: NameRule) throws(DeliveryFailure) -> String {
    guard rule.accepts(text) else {
      throw DeliveryFailure(
        .input, "\"\(text.prefix(60))\" can't be a name in HAProxy's runtime API: \(rule.allowed)")
    }
    return text
  }
}
