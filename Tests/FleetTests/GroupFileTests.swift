import Fleet
import Rollout
import Testing

@Suite struct GroupFileTests {
  static let whole = """
    group: shop-web
    app: shop
    site: ams
    production: false
    version: 1.10
    health: { path: /healthz, successes: 2, interval: 250ms, timeout: 1s, version: { header: X-Version } }
    balancer:
      haproxy: { socket: /run/haproxy/admin.sock, backend: shop }
    hosts: local
    scripts:
      start: start.sh
      stop: |
        #!/bin/sh
        exit 0
    servers:
      - { host: web-1, address: 10.0.0.1, port: 8080, directory: /srv/web-1, bastion: true }
      - { host: web-2, address: 10.0.0.2, port: 8080, site: fra, directory: /srv/web-2 }
    """

  @Test func everyFieldIsRead() throws {
    let group = try GroupFile.parse(Self.whole, file: "web.yaml") { "read \($0)" }
    #expect(group.name == "shop-web")
    #expect(group.app == "shop")
    #expect(group.site == "ams")
    #expect(!group.production)
    #expect(group.baselineVersion == "1.10", "a version keeps its digits: it is text")
    #expect(
      group.health
        == HealthCheck(
          path: "/healthz", successes: 2, interval: 250, timeout: 1_000, version: .header(name: "X-Version")))
    #expect(
      group.balancer
        == .haproxy(HAProxyEndpoint(address: .unix(path: "/run/haproxy/admin.sock"), backend: "shop")))
    #expect(group.scripts == ["start": "read start.sh", "stop": "#!/bin/sh\nexit 0\n"])
    #expect(
      group.servers == [
        Server(host: "web-1", address: "10.0.0.1", port: 8080, directory: "/srv/web-1", bastion: true),
        Server(host: "web-2", address: "10.0.0.2", port: 8080, site: "fra", directory: "/srv/web-2"),
      ])
  }

  /// Without it a HAProxy that is restarted forgets who is out.
  @Test func aHAProxyWithoutAStateFileIsWarnedOf() throws {
    func warnings(_ yaml: String) throws -> [FileProblem] {
      var found: [FileProblem] = []
      _ = try GroupFile.parse(yaml, file: "web.yaml", script: { $0 }, warn: { found.append($0) })
      return found
    }
    let found = try warnings(Self.whole)
    #expect(found.map(\.field) == ["balancer.haproxy.stateFile"])
    #expect(
      found.first.map { "\($0)" }?.hasPrefix("web.yaml:8:12: balancer.haproxy.stateFile: is not") == true)
    #expect(found.first?.message.contains("server-state-file") == true)
    let kept = Self.whole.replacing(
      "backend: shop }", with: "backend: shop, stateFile: /var/lib/haproxy/state }")
    #expect(try warnings(kept) == [])
    #expect(
      try warnings(Self.whole.replacing("socket: /run/haproxy/admin.sock, ", with: "address: lb:9999, "))
        .count == 1)
    #expect(try warnings("group: g\napp: a\nservers:\n- { host: h, port: 80, directory: /srv/h }\n") == [])
  }

  @Test func littleIsEnough() throws {
    let group = try GroupFile.parse(
      "group: g\napp: a\nservers:\n- host: h\n  port: 80\n  directory: /srv/h\n", file: "g.yaml")
    #expect(group.production)
    #expect(group.health == HealthCheck())
    #expect(group.balancer == .none)
    #expect(group.servers.first?.address == "127.0.0.1")
  }

  @Test func everyProblemIsReportedAtOnceAndInOrder() {
    let yaml = """
      group: shop web
      app: shop
      colour: blue
      health: { interval: 5, pth: /x }
      servers:
        - { host: web-1, port: 70000, directory: /srv/web-1 }
        - { host: web-1, port: 81, directory: ../etc }
        - { host: "web;rm", port: 82, directory: /srv/web-3, bastion: maybe }
      """
    #expect(
      problems(yaml) == [
        "f.yaml:1:8: group: 'shop web' is not allowed; use \(NameRule.name.allowed)",
        "f.yaml:3:1: colour: unknown key; a group has: " + Self.keys,
        "f.yaml:4:21: health.interval: '5' is not a duration; write \(DurationText.allowed)",
        "f.yaml:4:24: health.pth: unknown key; did you mean path? "
          + "health has: path, successes, interval, timeout, version",
        "f.yaml:6:26: servers[0].port: 70000 is not a port; use 1 to 65535",
        "f.yaml:7:13: servers[1].host: 'web-1' is servers[0] already; each server needs a name of its own",
        "f.yaml:7:41: servers[1].directory: '../etc' is not allowed; use an absolute path without '..'",
        "f.yaml:8:13: servers[2].host: 'web;rm' is not allowed; use \(NameRule.host.allowed)",
        "f.yaml:8:65: servers[2].bastion: 'maybe' is neither true nor false",
      ])
  }

  static let keys =
    "group, app, site, production, version, health, balancer, hosts, scripts, runs, config, servers, notify, packages"

  @Test(arguments: [
    ("", "f.yaml:1:1: the file is empty; a group needs at least group, app and servers"),
    ("- a\n- b\n", "f.yaml:1:1: expected keys and values (\(keys))"),
    ("group: [a\n", "f.yaml:2:1: not YAML: did not find expected ',' or ']'"),
    ("group: a\ngroup: b\n", "f.yaml:1:1: the key group is given twice; keep one"),
    (
      "group: g\napp: a\n",
      "f.yaml:1:1: servers: is missing; it is the list of the group's servers, or cmdb: { url: https://… }"
    ),
    ("group: g\napp: a\nservers: []\n", "f.yaml:3:10: servers: is empty; a group has at least one server"),
    (
      "group: g\napp: a\nservers: [ { } ]\n",
      "f.yaml:3:12: servers[0]: a server needs host, port and directory"
    ),
  ])
  func theFileAsAWhole(yaml: String, problem: String) {
    #expect(problems(yaml) == [problem])
  }

  @Test func serversThatCollide() {
    let yaml = """
      group: g
      app: a
      servers:
        - { host: a, port: 80, directory: /srv/a, bastion: true }
        - { host: A, port: 80, directory: /srv/a, bastion: true }
      """
    #expect(
      problems(yaml) == [
        "f.yaml:5:13: servers[1].host: 'A' is servers[0] already; each server needs a name of its own",
        "f.yaml:5:22: servers[1].port: 127.0.0.1:80 is servers[0] already; two servers can't listen on the same",
        "f.yaml:5:37: servers[1].directory: '/srv/a' is servers[0] already; each server needs its own",
        "f.yaml:5:54: servers[1].bastion: servers[0] is the bastion already; mark one server",
      ])
  }

  @Test func theRulesOfReleases() throws {
    let group = try GroupFile.parse(
      """
      group: g
      app: a
      config:
        maxPullOutRatio: 33
        brakeRatio: 10
        batches: 1, 10%,25%
        minInService: 50%
        batchWait: 30s
        tailWait: 0
        gates: { bake: auto, rollout: 5m, batches: manual }
        retries: 0
        batchDeadline: 1h
      servers: [ { host: h, port: 1, directory: /srv/h } ]
      """, file: "f.yaml")
    let expected = DeploymentConfig(
      maxPullOutRatio: 33, brakeRatio: 10, batches: [.count(1), .percent(10), .percent(25)],
      minInService: .percent(50), batchWait: 30_000, tailWait: 0,
      gates: Gates(bake: .auto(), rollout: .auto(after: 300_000), batches: .manual), retries: 0,
      batchDeadline: 3_600_000)
    #expect(group.config == expected)
  }

  @Test(arguments: [
    ("maxPullOutRatio: 0", true, "config.maxPullOutRatio: must be 1…50 percent in production, not 0"),
    ("maxPullOutRatio: 51", true, "config.maxPullOutRatio: must be 1…50 percent in production, not 51"),
    ("maxPullOutRatio: 51", false, nil),
    ("maxPullOutRatio: 101", false, "config.maxPullOutRatio: must be 1…100 percent, not 101"),
    ("maxPullOutRatio: many", true, "config.maxPullOutRatio: 'many' is not a whole number"),
    ("brakeRatio: 101", true, "config.brakeRatio: must be 1…100 percent, not 101"),
    (
      "batchWait: 30", true,
      "config.batchWait: '30' is not a duration; write a number and a unit: 500ms, 30s, 5m, 2h or 1m30s"
    ),
    (
      "gates: { bake: never }", true,
      "config.gates.bake: 'never' is no gate; write manual, auto, or the time it opens after: 5m"
    ),
    (
      "batches: [1, x]", true,
      "config.batches: is no list of batch sizes; write counts and percentages: [1, 10%, 25%]"
    ),
  ])
  func rulesThatAreRefused(rule: String, production: Bool, problem: String?) {
    let yaml = """
      group: g
      app: a
      production: \(production)
      config: { \(rule) }
      servers: [ { host: h, port: 1, directory: /srv/h } ]
      """
    let found = problems(yaml)
    #expect(found.count == (problem == nil ? 0 : 1))
    if let problem, let first = found.first {
      #expect(first.hasPrefix("f.yaml:4:") && first.hasSuffix(": " + problem), "\(first)")
    }
  }

  @Test func aScriptThatCannotBeReadIsAProblemOfTheFile() {
    struct Missing: Error, CustomStringConvertible { var description: String { "no such file" } }
    let yaml =
      "group: g\napp: a\nscripts: { start: s.sh }\nservers: [ { host: h, port: 1, directory: /srv } ]"
    let error = #expect(throws: InvalidFile.self) {
      try GroupFile.parse(yaml, file: "f.yaml") { _ in throw Missing() }
    }
    #expect(error?.description == "f.yaml:3:19: scripts.start: can't read 's.sh': no such file")
  }

  private func problems(_ yaml: String) -> [String] {
    do {
      _ = try GroupFile.parse(yaml, file: "f.yaml")
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  @Test func limitsOfStagesAreRead() throws {
    let yaml = """
      group: g
      app: a
      config: { keepVersions: 5, keepFor: 48h, scriptTimeout: 5m, markupTimeout: 90s }
      balancer: { haproxy: { socket: /run/h.sock, backend: a, stateFile: /var/lib/haproxy/state } }
      servers: [{ host: h, port: 80, directory: /srv/h, machine: rack-7 }]
      """
    let group = try GroupFile.parse(yaml, file: "g.yaml")
    #expect(
      group.limits
        == StageLimits(
          keepVersions: 5, keepFor: 48 * 3_600_000, scriptTimeout: 300_000, markupTimeout: 90_000))
    #expect(
      group.balancer
        == .haproxy(
          HAProxyEndpoint(
            address: .unix(path: "/run/h.sock"), backend: "a", stateFile: "/var/lib/haproxy/state")))
    #expect(group.servers[0].place == "rack-7")
  }

  @Test func limitsOfStagesThatCannotBeAreTold() {
    let yaml = """
      group: g
      app: a
      health: { successes: 5, interval: 2s }
      config:
        keepVersions: 1
        keepFor: soon
        scriptTimeout: 10ms
        markupTimeout: 48h
        startupTimeout: 8s
      servers: [{ host: h, port: 80, directory: /srv/h }]
      """
    var problems: [String] = []
    do { _ = try GroupFile.parse(yaml, file: "g.yaml") } catch {
      problems = error.problems.map(\.description)
    }
    #expect(
      problems == [
        "g.yaml:5:17: config.keepVersions: 1 is not a number of versions to keep; use 2 to 1000",
        "g.yaml:6:12: config.keepFor: 'soon' is not a duration; write \(DurationText.allowed)",
        "g.yaml:7:18: config.scriptTimeout: 10ms is not allowed; use 1s to 24h",
        "g.yaml:8:18: config.markupTimeout: 48h is not allowed; use 1s to 24h",
        "g.yaml:9:19: config.startupTimeout: 8s is too short: 5 checks in a row, 2s apart, take 8s at least",
      ])
  }

  private func policy(_ lines: String) -> String {
    "group: g\napp: a\nservers: [{ host: h, port: 80, directory: /srv/h }]\nconfig:\n  rollback:\n" + lines
  }

  @Test func aPolicyIsRead() throws {
    let yaml = policy(
      """
          name: canary
          onBrake: [failures, deadline]
          onBakeFailure: false
          marksBad: true
          watch:
            time: 5m
            every: 10s
            failures: 2
            checks:
              - { name: shop, health: "http://shop/health" }
              - { name: orders, command: [/bin/check, --last, 5m], timeout: 10s }
              - { name: errors, prometheus: { url: "http://p:9090", query: "rate(e[5m]) > 0", atMost: 0.5 } }
      """)
    let read = try GroupFile.parse(yaml, file: "g.yaml").config.rollback
    #expect(
      read
        == RollbackPolicy(
          name: "canary", onBrake: [.failures, .deadline], onBakeFailure: false,
          watch: Watch(
            checks: [
              Check(name: "shop", probe: .health(url: "http://shop/health")),
              Check(name: "orders", probe: .command(["/bin/check", "--last", "5m"]), timeout: 10_000),
              Check(
                name: "errors",
                probe: .prometheus(url: "http://p:9090", query: "rate(e[5m]) > 0", atMost: 0.5)),
            ], time: 300_000, every: 10_000, failures: 2), marksBad: true))
  }

  @Test(arguments: [
    ("    onBrake: [person]\n", "g.yaml:6:5: config.rollback.name: is missing"),
    ("    name: x\n    onBrake: [person]\n", "g.yaml:7:14: config.rollback.onBrake: is no list of brakes"),
    ("    name: x\n    watch: { time: 1m }\n", "g.yaml:7:12: config.rollback.watch.checks: expected a list"),
    (
      "    name: x\n    watch: { checks: [{ name: a }] }\n",
      "g.yaml:7:23: config.rollback.watch.checks[0]: give one of health"
    ),
    (
      "    name: x\n    watch: { checks: [{ name: a, health: shop }] }\n",
      "g.yaml:7:42: config.rollback.watch.checks[0].health: 'shop' is no URL"
    ),
  ])
  func aPolicyThatCannotBeIsTold(lines: String, problem: String) {
    var problems: [String] = []
    do { _ = try GroupFile.parse(policy(lines), file: "g.yaml") } catch {
      problems = error.problems.map(\.description)
    }
    #expect(problems.contains { $0.hasPrefix(problem) }, "\(problems)")
  }

  @Test func runsAreReadBesideHostScripts() throws {
    let yaml = """
      group: g
      app: a
      scripts: { start: start.sh }
      runs:
        warm-up: warm.sh
      servers: [{ host: h, port: 80, directory: /srv/h }]
      """
    let group = try GroupFile.parse(yaml, file: "g.yaml") { "read \($0)" }
    #expect(group.scripts == ["start": "read start.sh", "warm-up": "read warm.sh"])
    var problems: [String] = []
    do {
      _ = try GroupFile.parse(
        yaml.replacing("warm-up", with: "stop"), file: "g.yaml"
      ) { "read \($0)" }
    } catch {
      problems = error.problems.map(\.description)
    }
    #expect(problems == ["g.yaml:5:3: runs.stop: is the name of a host script; write it under scripts"])
  }
}
