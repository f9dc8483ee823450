import FoundationEssentials

/// What of this process's environment the programs that it starts get. Everything else stays here, and with it
/// every secret.
package enum InheritedEnvironment {
  package static let names = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME"]

  /// The variables of that list that are set.
  /// - Parameter more: further names that the caller was asked for.
  package static func variables(and more: [String] = []) -> [String: String] {
    ProcessInfo.processInfo.environment.filter { names.contains($0.key) || more.contains($0.key) }
  }
}
