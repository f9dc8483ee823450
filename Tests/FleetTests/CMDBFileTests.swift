import Fleet
import Testing

/// `servers: { cmdb: … }` in a group's file, and what a source may answer.
@Suite struct CMDBFileTests {
  private static func file(_ servers: String) -> String { "group: g\napp: a\nservers:\n  \(servers)\n" }

  @Test func aFileNamesItsSource() throws {
    let group = try GroupFile.parse(
      Self.file(
        "cmdb: { url: 'https://cmdb.internal:8443/groups/g?all=1', tokenFile: /etc/drawbar/token, timeout: 2s, refresh: 1m }"
      ), file: "g.yaml")
    #expect(group.servers == [])
    #expect(
      group.cmdb
        == CMDB(
          url: "https://cmdb.internal:8443/groups/g?all=1", tokenFile: "/etc/drawbar/token", timeout: 2_000,
          refresh: 60_000))
    let short = try GroupFile.parse(Self.file("cmdb: { url: 'http://[::1]/g' }"), file: "g.yaml")
    #expect(short.cmdb == CMDB(url: "http://[::1]/g", timeout: 5_000, refresh: 600_000))
  }

  @Test(arguments: [
    ("cmdb:", "servers.cmdb: is missing; it is where the list is asked for"),
    ("cmbd: { url: http://c/g }", "g.yaml:4:3: servers.cmbd: unknown key; did you mean cmdb?"),
    ("cmdb: https://c/g", "g.yaml:4:9: servers.cmdb: expected keys and values"),
    ("cmdb: { timeout: 1s }", "g.yaml:4:9: servers.cmdb.url: is missing"),
    ("cmdb: { url: ftp://c/g }", "g.yaml:4:16: servers.cmdb.url: 'ftp://c/g' is no URL"),
    ("cmdb: { url: 'http://c/a b' }", "g.yaml:4:16: servers.cmdb.url: 'http://c/a b' is no URL"),
    ("cmdb: { url: 'http:///g' }", "g.yaml:4:16: servers.cmdb.url: 'http:///g' names no host"),
    (
      "cmdb: { url: 'http://c:0/g' }",
      "g.yaml:4:16: servers.cmdb.url: 'http://c:0/g' names no host, or a port that is none"
    ),
    ("cmdb: { url: 'http://u:p@c/g' }", "servers.cmdb.url: holds a user or a password"),
    (
      "cmdb: { url: http://c/g, tokenFile: token }",
      "g.yaml:4:39: servers.cmdb.tokenFile: 'token' is not allowed"
    ),
    ("cmdb: { url: http://c/g, timeout: 5 }", "g.yaml:4:37: servers.cmdb.timeout: '5' is not a duration"),
    ("cmdb: { url: http://c/g, timeout: 1ms }", "servers.cmdb.timeout: 1ms is not allowed; use 100ms to 2m"),
    ("cmdb: { url: http://c/g, refresh: 1s }", "servers.cmdb.refresh: 1s is not allowed; use 10s to 168h"),
    ("all of them", "g.yaml:4:3: servers: expected a list"),
  ]) func whatIsWrongIsToldWithItsPlace(servers: String, told: String) {
    let error = #expect(throws: InvalidFile.self) {
      try GroupFile.parse(Self.file(servers), file: "g.yaml")
    }
    #expect(error.map { "\($0)" }?.contains(told) == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test func aTokenInTheClearIsWarnedOf() throws {
    var warnings: [FileProblem] = []
    for url in ["https://c/g", "http://c/g"] {
      _ = try GroupFile.parse(
        Self.file("cmdb: { url: '\(url)', tokenFile: /t }"), file: "g.yaml", warn: { warnings.append($0) })
    }
    #expect(warnings.map(\.field) == ["servers.cmdb.url"])
  }

  // MARK: The answer

  @Test func anAnswerIsReadByTheRulesOfAFile() throws {
    let list = try ServerList(
      json: Array(
        """
        {"servers": [
          {"host": "web-2", "address": "10.0.0.2", "port": "8080", "directory": "/srv/2", "owner": {"a": [1]},
           "site": null, "machine": "rack-7", "bastion": true, "decommissioned": false},
          {"host": "web-0", "decommissioned": true, "port": "none"},
          {"host": "web-1", "port": 8080, "directory": "/srv/1", "site": "ams"}
        ], "next": null}
        """.utf8))
    #expect(
      list.servers == [
        Server(host: "web-1", address: "127.0.0.1", port: 8080, site: "ams", directory: "/srv/1"),
        Server(
          host: "web-2", address: "10.0.0.2", port: 8080, directory: "/srv/2", bastion: true,
          machine: "rack-7"),
      ])
    #expect(try ServerList(json: Array(#"{"servers": []}"#.utf8)).servers == [])
  }

  @Test(arguments: [
    ("no JSON", "the answer is not JSON"), (#"{"hosts": []}"#, "the answer is no JSON object with a list"),
    ("[]", "the answer is no JSON object with a list"), (#"{"servers": {}}"#, "no JSON object with a list"),
    (
      #"{"servers": [{"host": "a b", "port": 1, "directory": "/d"}]}"#,
      "servers[0] (a b).host: 'a b' is not allowed"
    ),
    (
      #"{"servers": [{"host": "a", "port": 70000, "directory": "/d"}]}"#,
      "servers[0] (a).port: 70000 is not a port"
    ),
    (#"{"servers": [{"host": "a", "port": 1, "directory": "/d/../e"}]}"#, "servers[0] (a).directory: "),
    (#"{"servers": [{"host": "a", "port": [1], "directory": "/d"}]}"#, "(a).port: expected one value"),
    (#"{"servers": [{"host": "", "port": 1, "directory": "/d"}]}"#, "servers[0] ().host: '' is not allowed"),
    (#"{"servers": [{"host": "a", "directory": "/d"}]}"#, "servers[0] (a).port: is missing"),
    (#"{"servers": [{}]}"#, "servers[0]: a server needs host, port and directory"),
    (#"{"servers": ["web-1"]}"#, "servers[0]: expected keys and values"),
    (#"{"servers": [{"host": "a", "decommissioned": "perhaps"}]}"#, "(a).decommissioned: is neither"),
    (
      #"{"servers": [{"host": "b", "decommissioned": true}, {"host": "a", "port": 1, "directory": "/d"}, {"host": "A", "port": 2, "directory": "/e"}]}"#,
      "servers[2] (A).host: 'A' is servers[1] (a) already"
    ),
  ]) func whatCantBeTakenIsToldWithItsServer(json: String, told: String) {
    let error = #expect(throws: InvalidServers.self) { try ServerList(json: Array(json.utf8)) }
    #expect(error.map { "\($0)" }?.contains(told) == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test func aSourceOfOnesOwnIsCheckedAsWell() throws {
    let fine = Server(
      host: "a", address: "::1", port: 1, site: "s", directory: "/a", bastion: true, machine: "m")
    #expect(try ServerList([fine]).servers == [fine])
    var bad = fine
    bad.port = 0
    #expect(throws: InvalidServers.self) { try ServerList([fine, fine]) }
    #expect(throws: InvalidServers.self) { try ServerList([bad]) }
  }
}
