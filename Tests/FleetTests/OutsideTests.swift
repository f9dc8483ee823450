import Fleet
import Testing

/// What a group's file says of systems outside.
@Suite struct OutsideTests {
  private func file(_ line: String) -> String {
    "group: g\napp: a\nservers: [{ host: h, port: 80, directory: /srv/h }]\n" + line
  }

  private func problems(_ line: String) -> [String] {
    do { _ = try GroupFile.parse(file(line), file: "g.yaml") } catch {
      return error.problems.map(\.description)
    }
    return []
  }

  @Test func webhooksAreRead() throws {
    let group = try GroupFile.parse(
      file(
        """
        notify:
          - { webhook: "https://chat.internal/hooks/drawbar?room=1", tokenFile: /etc/drawbar/token, on: [ended, braked] }
          - webhook: http://10.0.0.7:8080
        """), file: "g.yaml")
    #expect(
      group.notify == [
        NoticeHook(
          webhook: "https://chat.internal/hooks/drawbar?room=1", tokenFile: "/etc/drawbar/token",
          on: [.braked, .ended]),
        NoticeHook(webhook: "http://10.0.0.7:8080"),
      ])
    #expect(group.notify[1].on == [.braked, .gate, .failure, .rollback, .ended])
    #expect(try GroupFile.parse(file(""), file: "g.yaml").notify == [])
  }

  @Test func anOriginOfPackagesIsRead() throws {
    let line = "packages: { origin: https://artifacts.internal/shop/, tokenFile: /etc/drawbar/token }"
    #expect(
      try GroupFile.parse(file(line), file: "g.yaml").packages
        == PackageOrigin(url: "https://artifacts.internal/shop", tokenFile: "/etc/drawbar/token"))
    #expect(try GroupFile.parse(file(""), file: "g.yaml").packages == nil)
  }

  @Test(arguments: [
    ("packages: { tokenFile: /x }", "g.yaml:4:11: packages.origin: is missing"),
    ("packages: { origin: artifacts }", "g.yaml:4:21: packages.origin: 'artifacts' is no URL"),
    ("packages: { origin: 'https://a/b?c=d' }", "g.yaml:4:21: packages.origin: has a query"),
    ("packages: https://a/b", "g.yaml:4:11: packages: expected keys and values"),
    ("notify: https://chat/x", "g.yaml:4:9: notify: expected a list"),
    ("notify:\n  - { on: [ended] }", "g.yaml:5:5: notify[0].webhook: is missing"),
    ("notify:\n  - { webhook: ftp://chat }", "g.yaml:5:16: notify[0].webhook: 'ftp://chat' is no URL"),
    ("notify:\n  - { webhook: 'https://' }", "g.yaml:5:16: notify[0].webhook: 'https://' names no host"),
    (
      "notify:\n  - { webhook: 'https://ann:pw@chat/x' }",
      "g.yaml:5:16: notify[0].webhook: holds a user or a password"
    ),
    (
      "notify:\n  - { webhook: https://chat, tokenFile: token }",
      "g.yaml:5:41: notify[0].tokenFile: 'token' is not allowed; use an absolute path"
    ),
    (
      "notify:\n  - { webhook: https://chat, on: [end] }",
      "g.yaml:5:34: notify[0].on: is no list of what is told; use some of [braked, gate, failure, rollback, ended]"
    ),
    ("notify:\n  - { webhook: https://chat, on: [] }", "g.yaml:5:34: notify[0].on: is no list"),
    (
      "notify:\n  - { webhok: https://chat }",
      "g.yaml:5:7: notify[0].webhok: unknown key; did you mean webhook?"
    ),
  ])
  func whatCannotBeIsTold(line: String, problem: String) {
    let problems = problems(line)
    #expect(problems.contains { $0.hasPrefix(problem) }, "\(problems)")
  }
}
