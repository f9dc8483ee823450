public import Fleet
import Processes
public import Rollout

/// Servers that are directories and ports of this machine; each app is a real process. See ``HostLayout`` for
/// what a directory holds.
public struct LocalHost: HostAccess {
  /// How long to wait for other work on the same server to end.
  let patience: Duration

  public init(patience: Duration = .seconds(15)) { self.patience = patience }

  public func admit(_ token: FenceToken, to server: Server) async throws {
    try await holding(server, token) { _ in }
  }

  public func check(_ token: FenceToken, on server: Server) async throws {
    do {
      try HostFence(layout: HostLayout(server)).check(token, server: server.host)
    } catch let error as DiskError {
      throw DeliveryFailure(.unreachable, "the disk of \(server.host) can't be used: \(error)")
    }
  }

  public func download(
    _ package: PackageVersion, from store: PackageStore, to server: Server, under token: FenceToken
  ) async throws -> String {
    guard NameRule.version.accepts(package.version) else {
      throw DeliveryFailure(.input, "\(package.version) can't be a version: \(NameRule.version.allowed)")
    }
    return try await holding(server, token) { layout in
      let shelf = VersionShelf(layout: layout)
      if try await Disk.offloaded({ try shelf.holds(package) }) {
        return "\(package.version) was on the disk, its checksum is right"
      }
      let incoming = "\(layout.versions)/.incoming-\(Disk.nonce())"
      defer { Disk.discard(incoming) }
      try Disk.makeDirectory(incoming)
      try await store.fetch(package, into: "\(incoming)/archive")
      try await Archive.unpack("\(incoming)/archive", into: "\(incoming)/tree")
      try await Disk.offloaded { try shelf.shelve("\(incoming)/tree", as: package) }
      return "\(package.version) was fetched, its checksum is right"
    }
  }

  public func install(_ order: InstallOrder, on server: Server, under token: FenceToken) async throws {
    try order.checkFrozen()
    try await holding(server, token) { layout in
      try FrozenRelease(layout: layout).admit(order.frozen, of: order.deployment, under: token)
      let shelf = VersionShelf(layout: layout)
      let package = order.package
      guard try await Disk.offloaded({ try shelf.holds(package) }) else {
        throw DeliveryFailure(
          .checksum,
          "\(package.version) is not on the disk of \(server.host) as it was published; download it again")
      }
      try await script("stop", [], order, server, layout, version: try layout.running())
      try shelf.switchTo(package.version)
      try await script("start", [], order, server, layout, version: package.version)
      try await Disk.offloaded {
        try shelf.prune(keep: order.keepVersions, replacedFor: order.keepFor)
      }
    }
  }

  public func run(_ order: RunOrder, on server: Server, under token: FenceToken) async throws -> String? {
    try order.install.checkFrozen()
    return try await holding(server, token) { layout in
      try FrozenRelease(layout: layout).admit(
        order.install.frozen, of: order.install.deployment, under: token)
      for name in order.steps {
        try await script(
          name, order.arguments, order.install, server, layout, version: try layout.running())
      }
      let said = LogLines.last(1, of: layout.output(order.steps[order.steps.count - 1]))
      return said.isEmpty ? nil : said
    }
  }

  public func running(on server: Server) async throws -> String? {
    do { return try HostLayout(server).running() } catch {
      throw DeliveryFailure(.unreachable, "the disk of \(server.host) can't be used: \(error)")
    }
  }

  public func inspect(_ server: Server) async throws -> (version: String?, sha256: String?) {
    let layout = HostLayout(server)
    do {
      guard let version = try layout.running() else { return (nil, nil) }
      return (version, try await Disk.offloaded { try VersionShelf(layout: layout).digest(of: version) })
    } catch {
      throw DeliveryFailure(.unreachable, "the disk of \(server.host) can't be used: \(error)")
    }
  }

  public func appLog(of server: Server, lines: Int) async -> String {
    LogLines.last(lines, of: HostLayout(server).appLog)
  }

  /// Holds the server's lock, with the token admitted and no script of earlier work running.
  private func holding<T>(
    _ server: Server, _ token: FenceToken, _ body: (HostLayout) async throws -> T
  ) async throws -> T {
    let layout = HostLayout(server)
    guard server.directory.hasPrefix("/"), !server.directory.split(separator: "/").contains("..") else {
      throw DeliveryFailure(.input, "the directory of \(server.host) must be absolute, without ..")
    }
    do {
      try layout.makeDirectories()
      return try await FileLock.hold(layout.lock, within: patience, what: "the server \(server.host)") {
        try HostFence(layout: layout).admit(token, server: server.host)
        try await LeftoverScript.end(markedBy: layout.scriptMark, directory: layout.root)
        return try await body(layout)
      }
    } catch let error as DiskError {
      throw DeliveryFailure(.unreachable, "the disk of \(server.host) can't be used: \(error)")
    }
  }

  private func script(
    _ name: String, _ arguments: [String], _ order: InstallOrder, _ server: Server, _ layout: HostLayout,
    version: String?
  ) async throws {
    guard NameRule.name.accepts(name), let content = order.scripts[name] else {
      throw DeliveryFailure(.input, "the deployment has no host script \(name)")
    }
    try Disk.replace(layout.script(name), with: Array(content.utf8))
    let run = ScriptRun(
      name: name, file: layout.script(name), arguments: arguments,
      environment: environment(order, server, layout, version: version),
      workingDirectory: layout.root, output: layout.output(name), mark: layout.scriptMark,
      limit: order.scriptTimeout)
    try await run.run()
  }

  private func environment(
    _ order: InstallOrder, _ server: Server, _ layout: HostLayout, version: String?
  ) -> [String: String] {
    var all = InheritedEnvironment.variables()
    all["PORT"] = "\(server.port)"
    all["HOST"] = server.address
    all["DRAWBAR_HOST"] = server.host
    all["DRAWBAR_GROUP"] = order.group
    all["DRAWBAR_APP"] = order.package.app
    all["DRAWBAR_DEPLOYMENT"] = order.deployment
    all["DRAWBAR_VERSION"] = version ?? ""
    all["DRAWBAR_DIRECTORY"] = layout.root
    // A script that ends what it waits for in time is told more by than one that is killed at its limit.
    all["DRAWBAR_PATIENCE"] = "\(max(1, order.scriptTimeout.components.seconds * 3 / 4))"
    return all
  }
}
