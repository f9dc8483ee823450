#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where a program's file is.
package enum ProgramFile {
  /// The absolute path of the executable file that a name means, as a shell finds it: a name with a `/` is a path
  /// from `directory`, any other is looked for in `path`. nil: there is none.
  package static func find(_ name: String, path: String, directory: String) -> String? {
    guard !name.isEmpty, !name.utf8.contains(0) else { return nil }
    if name.contains("/") {
      let file = name.hasPrefix("/") ? name : directory + "/" + name
      return isExecutable(file) ? file : nil
    }
    return path.split(separator: ":").lazy
      .map { "\($0)/\(name)" }
      .first { $0.hasPrefix("/") && isExecutable($0) }
  }

  package static func isDirectory(_ path: String) -> Bool { kind(path) == S_IFDIR }

  private static func isExecutable(_ path: String) -> Bool {
    kind(path) == S_IFREG && access(path, X_OK) == 0
  }

  private static func kind(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }
}
