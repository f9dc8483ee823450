import ArgumentParser
import Console
import Delivery
import Fleet
import FoundationEssentials
import RollEngine

struct PackageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "package", abstract: "Publish versions of apps, and look at them.",
    subcommands: [Push.self, List.self, MarkBad.self, UnmarkBad.self])

  struct Push: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Publish a version of an app, once and for all.",
      discussion: """
        A package is a .tar.gz with an executable named run at its root. A directory is packed first, in a way \
        that gives the same archive for the same files. The same content may be pushed again; another content \
        under a published version is refused.

        Examples:
          drawbar package push shop 1.4.2 ./build
          drawbar package push shop 1.4.2 shop-1.4.2.tar.gz
        """)

    @Argument(help: "The app.") var app: String
    @Argument(help: "The version: \(NameRule.version.allowed).") var version: String
    @Argument(help: ArgumentHelp("A .tar.gz, or a directory.", valueName: "file|dir")) var source: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      // Said before anything is packed, which may take long.
      for (field, value, rule) in [("app", app, NameRule.name), ("version", version, .version)]
      where !rule.accepts(value) {
        throw PackageError.invalidName(field: field, value: value, allowed: rule.allowed)
      }
      let source = Files.absolute(source)
      guard Files.exists(source) else { throw Stop(.refused, "can't read \(source): there is no such file") }
      let package: PublishedPackage
      if Files.isDirectory(source) {
        package = try await Packing.packed(source) { try await publish($0) }
      } else {
        package = try await publish(source)
      }
      let terminal = Terminal.standardOutput()
      if output.json { return terminal.show(Line(JSONText.line(package))) }
      terminal.show(
        Line("\(package.app) \(package.version)", .bold)
          + Line(" published: \(package.size) bytes, SHA-256 \(package.sha256)"))
    }

    private func publish(_ archive: String) async throws -> PublishedPackage {
      try await place.packages.publish(app: app, version: version, archive: archive)
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List what was published, the newest first.",
      discussion: "Examples:\n  drawbar package ls\n  drawbar package ls shop --json")

    @Argument(help: "Only this app's.") var app: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      let store = place.packages
      let packages = try (app.map { [$0] } ?? store.apps()).flatMap { try store.versions(app: $0) }
      let terminal = Terminal.standardOutput()
      if output.json {
        for package in packages { terminal.show(Line(JSONText.line(package))) }
        return
      }
      var table = Table([
        ("app", .left), ("version", .left), ("bytes", .right), ("published (UTC)", .left), ("SHA-256", .left),
        ("", .left),
      ])
      for package in packages {
        table.add([
          Line(package.app), Line(package.version, .bold), Line("\(package.size)"),
          Line(Clock.text(package.publishedAt)), Line(String(package.sha256.prefix(12)), .faint),
          Line(package.bad.map { "bad: \($0.reason) (\($0.by))" } ?? "", .red),
        ])
      }
      terminal.show(
        packages.isEmpty ? [Line("No packages yet: drawbar package push APP VERSION DIR")] : table.lines)
    }
  }

  struct MarkBad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "mark-bad", abstract: "Mark a version as bad: it is released no more, nor rolled back to.",
      discussion: "Example:\n  drawbar package mark-bad shop 1.4.2 --reason 'loses carts'")

    @Argument(help: "The app.") var app: String
    @Argument(help: "The version.") var version: String
    @OptionGroup var author: AuthorOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      guard let reason = author.reason else {
        throw Stop(.refused, "a version is marked bad for a reason: say it with --reason")
      }
      try await Session.open(place) { session in
        let package = try await session.releases.markBad(
          app: app, version: version, by: author.author, reason: reason)
        session.terminal.show(
          output.json ? Line(JSONText.line(package)) : Line("\(app) \(version) is marked bad: \(reason)"))
      }
    }
  }
}

extension PackageCommand {
  struct UnmarkBad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "unmark-bad", abstract: "Take a version's mark back: it may be released again.",
      discussion: "Example:\n  drawbar package unmark-bad shop 1.4.2 --reason 'it was the database'")

    @Argument(help: "The app.") var app: String
    @Argument(help: "The version.") var version: String
    @OptionGroup var author: AuthorOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    struct Unmarked: Encodable {
      let app: String
      let version: String
      let bad: Bool
    }

    func run() async throws {
      guard let reason = author.reason else {
        throw Stop(.refused, "a mark is taken back for a reason: say it with --reason")
      }
      try await Session.open(place) { session in
        try await session.releases.unmarkBad(app: app, version: version, by: author.author, reason: reason)
        let done = Unmarked(app: app, version: version, bad: false)
        session.terminal.show(
          output.json ? Line(JSONText.line(done)) : Line("\(app) \(version) is no longer marked bad"))
      }
    }
  }
}

extension PlaceOptions {
  /// Where archives are kept: beside the private Redis.
  var packages: PackageStore { PackageStore(directory: directory + "/packages") }
}
