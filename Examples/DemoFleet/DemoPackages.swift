public import Delivery
import FoundationEssentials
import Subprocess

/// Where a version of the demo's app runs but is never healthy.
public enum Broken: Sendable, Equatable {
  case nowhere
  case everywhere
  /// On the servers of these host names.
  case on([String])

  var text: String {
    switch self {
    case .nowhere: ""
    case .everywhere: "never\n"
    case .on(let hosts): hosts.map { "\($0)\n" }.joined()
    }
  }
}

extension DemoFleet {
  struct NoApp: Error, CustomStringConvertible {
    let path: String
    var description: String { "there is no \(path); build it first: swift build --product demo-app" }
  }

  /// Makes a version's archive and publishes it.
  public func publish(_ version: String, broken: Broken = .nowhere) async throws -> PublishedPackage {
    try await packages.publish(
      app: Self.app, version: version, archive: archive(version, broken: broken))
  }

  /// Makes a version's archive: `run`, which starts the app that was built beside this program; `version`; and
  /// `broken`. The same content each time it is made.
  ///
  /// - Returns: its path.
  public func archive(_ version: String, broken: Broken = .nowhere) async throws -> String {
    let app = ProcessInfo.processInfo.environment["DEMO_APP"] ?? Self.besideThisProgram("demo-app")
    guard FileManager.default.isExecutableFile(atPath: app) else { throw NoApp(path: app) }
    let folder = "\(directory)/archives/\(version)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let quoted =
      "'" + app.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    let files: [(String, String)] = [
      ("run", "#!/bin/sh\nexec \(quoted) \"$(cd \"$(dirname \"$0\")\" && pwd -P)\"\n"),
      ("version", "\(version)\n"), ("broken", broken.text),
    ]
    for (name, text) in files {
      try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)"))
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(folder)/run")
    let file = "\(folder).tar.gz"
    let result = try await Subprocess.run(
      .name("tar"),
      arguments: Arguments(
        [
          "--create", "--file=\(file)", "--use-compress-program=gzip -n", "--directory=\(folder)",
          "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner",
        ] + files.map(\.0)),
      output: .discarded, error: .string(limit: 4096))
    guard result.terminationStatus.isSuccess else {
      throw PackageError.notAPackage(archive: file, reason: result.standardError)
    }
    return file
  }

  private static func besideThisProgram(_ name: String) -> String {
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
    return program.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
      + "/\(name)"
  }
}
