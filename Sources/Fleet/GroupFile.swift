import Yams

/// The file an operator writes to describe a group:
///
/// ```yaml
/// group: shop-web
/// app: shop
/// site: ams
/// version: "1.4.2"            # what runs before the first release
/// health: { path: /health, successes: 3, interval: 500ms, timeout: 2s }
/// balancer:
///   haproxy: { socket: /run/haproxy/admin.sock, backend: shop }
/// config: { maxPullOutRatio: 25, batchWait: 30s }
/// servers:
///   - { host: web-1, address: 10.0.0.1, port: 8080, directory: /srv/shop }
/// ```
public enum GroupFile {
  /// Reads a file that was read already.
  ///
  /// - Parameters:
  ///   - file: the name that errors begin with.
  ///   - scriptNames: the host scripts that a group may replace.
  ///   - script: reads a host script that the file names by path; relative paths are relative to the file.
  ///   - warn: called for each thing that is allowed and may be regretted, once the whole file is right.
  /// - Throws: every problem of the file at once.
  public static func parse(
    _ yaml: String, file: String, scriptNames: [String] = ["start", "stop"],
    script: (String) throws -> String = { _ in throw NoScripts() },
    warn: (FileProblem) -> Void = { _ in }
  ) throws(InvalidFile) -> Group {
    let problems = ProblemList(file: file, subject: "a group")
    let group = problems.root(of: yaml, least: "group, app and servers").flatMap {
      read($0, problems, scriptNames, script)
    }
    guard let group, problems.inOrder.isEmpty else { throw InvalidFile(problems: problems.inOrder) }
    problems.warnings.forEach(warn)
    return group
  }

  /// The answer where nobody said how to read host scripts.
  public struct NoScripts: Error, CustomStringConvertible {
    public init() {}
    public var description: String { "scripts in files can't be read here" }
  }

  private static func read(
    _ root: Node, _ problems: ProblemList, _ names: [String], _ script: (String) throws -> String
  ) -> Group? {
    let fields = YAMLFields(
      root, path: "",
      known: [
        "group", "app", "site", "production", "version", "health", "balancer", "hosts", "scripts", "runs",
        "config", "servers", "notify", "packages",
      ], problems: problems)
    guard root.mapping != nil else { return nil }
    fields.required("group", "the group's name")
    fields.required("app", "the app whose packages it runs")
    fields.required("servers", "the list of the group's servers, or cmdb: { url: https://… }")
    let production = fields.flag("production") ?? true
    let health = health(fields)
    let (config, limits) = config(fields, production: production)
    checkStartup(config, health, fields)
    let hosts = fields.choice("hosts", of: HostDriver.allCases.map(\.rawValue))
    return Group(
      name: fields.name("group", .name) ?? "", app: fields.name("app", .name) ?? "",
      site: fields.name("site", .name), production: production, health: health,
      servers: servers(fields), cmdb: cmdb(fields), config: config, limits: limits,
      balancer: balancer(fields),
      hosts: hosts.flatMap(HostDriver.init(rawValue:)) ?? .local, scripts: scripts(fields, names, script),
      baselineVersion: fields.name("version", .version), notify: notify(fields), packages: packages(fields))
  }

  private static func health(_ group: YAMLFields) -> HealthCheck {
    guard let node = group.node("health") else { return HealthCheck() }
    let fields = YAMLFields(
      node, path: "health", known: ["path", "successes", "interval", "timeout", "version"],
      problems: group.problems)
    var check = HealthCheck()
    if let path = fields.text("path") {
      let fine = path.unicodeScalars.allSatisfy { $0.isASCII && $0.value > 32 && $0.value != 127 }
      if !path.hasPrefix("/") || !fine {
        fields.wrong("path", "'\(path)' is not allowed; use a path that begins with / and has no spaces")
      }
      check.path = path
    }
    check.successes = fields.integer("successes", in: 1...100, what: "a count of checks") ?? check.successes
    check.interval = fields.duration("interval") ?? check.interval
    check.timeout = fields.duration("timeout") ?? check.timeout
    if check.timeout == 0 {
      fields.wrong("timeout", "0 would fail every check; write \(DurationText.allowed)")
    }
    check.version = versionReport(fields) ?? check.version
    return check
  }

  /// `text`, `{ json: key }` or `{ header: Name }`.
  private static func versionReport(_ health: YAMLFields) -> VersionReport? {
    guard let node = health.node("version") else { return nil }
    if let scalar = node.scalar {
      if scalar.string == "text" { return .text }
      health.wrong(
        "version", "'\(scalar.string)' is not a choice; use text, { json: key } or { header: Name }")
      return nil
    }
    let fields = YAMLFields(
      node, path: "health.version", known: ["json", "header"], problems: health.problems)
    switch (fields.text("json"), fields.name("header", .name)) {
    case (let key?, nil): return .json(key: key)
    case (nil, let name?): return .header(name: name)
    default:
      health.wrong("version", "give one of json and header, or the word text")
      return nil
    }
  }

  private static func balancer(_ group: YAMLFields) -> Balancer {
    guard let node = group.node("balancer") else { return .none }
    if let scalar = node.scalar {
      if scalar.string != "none" {
        group.wrong("balancer", "'\(scalar.string)' is not a choice; use none or haproxy: { … }")
      }
      return .none
    }
    let outer = YAMLFields(node, path: "balancer", known: ["haproxy"], problems: group.problems)
    guard let inner = outer.node("haproxy") else {
      group.wrong("balancer", "is empty; use none or haproxy: { … }")
      return .none
    }
    let fields = YAMLFields(
      inner, path: "balancer.haproxy", known: ["socket", "address", "backend", "stateFile"],
      problems: group.problems)
    fields.required("backend", "the name of the HAProxy backend with the group's servers")
    let backend = fields.name("backend", .name) ?? ""
    let states = fields.path("stateFile")
    if fields.node("stateFile") == nil {
      fields.problems.warn(
        "balancer.haproxy.stateFile", at: inner.mark,
        "is not given: a HAProxy that is restarted sends requests to servers that are out of service, until a"
          + " coordinator has told it again (about a second, while one runs). Have it read its servers' states from a"
          + " file that workers and coordinators may write (server-state-file PATH, load-server-state-from-file global),"
          + " and give its path here")
    }
    switch (fields.node("socket") != nil, fields.node("address") != nil) {
    case (true, false):
      return .haproxy(
        HAProxyEndpoint(
          address: .unix(path: fields.path("socket") ?? ""), backend: backend, stateFile: states))
    case (false, true):
      guard let address = endpoint(fields) else { return .none }
      return .haproxy(HAProxyEndpoint(address: address, backend: backend, stateFile: states))
    default:
      group.problems.add(
        "balancer.haproxy", at: inner.mark,
        "give one of socket (a path) and address (host:port) of its runtime API")
      return .none
    }
  }

  private static func endpoint(_ fields: YAMLFields) -> HAProxyEndpoint.Address? {
    guard let text = fields.text("address") else { return nil }
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (1...65_535).contains(port), NameRule.address.accepts(String(text[..<colon]))
    else {
      fields.wrong("address", "'\(text)' is not an address; write host:port")
      return nil
    }
    return .tcp(host: String(text[..<colon]), port: port)
  }

  /// The host scripts that replace the defaults, and those for runs over the group, which may have any name.
  private static func scripts(
    _ group: YAMLFields, _ names: [String], _ read: (String) throws -> String
  ) -> [String: String] {
    var all = group.node("scripts").map { contents(group, "scripts", $0, names, read) } ?? [:]
    guard let runs = group.node("runs") else { return all }
    var known: [String] = []
    for (key, _) in runs.mapping ?? [:] {
      let name = key.scalar?.string ?? ""
      if names.contains(name) {
        group.problems.add(
          "runs.\(name)", at: key.mark, "is the name of a host script; write it under scripts")
      } else if !NameRule.name.accepts(name) {
        group.problems.add("runs", at: key.mark, "'\(name)' can't be a name; use \(NameRule.name.allowed)")
      }
      known.append(name)
    }
    all.merge(contents(group, "runs", runs, known, read)) { mine, _ in mine }
    return all
  }

  /// A value of several lines is the script itself, one of a single line names its file.
  private static func contents(
    _ group: YAMLFields, _ path: String, _ node: Node, _ names: [String], _ read: (String) throws -> String
  ) -> [String: String] {
    let fields = YAMLFields(node, path: path, known: names, problems: group.problems)
    var scripts: [String: String] = [:]
    for name in names {
      guard let text = fields.text(name) else { continue }
      do {
        scripts[name] = text.contains("\n") ? text : try read(text)
      } catch {
        fields.wrong(name, "can't read '\(text)': \(error)")
      }
    }
    return scripts
  }
}
