import Yams

// What a group's file says of systems outside: whom to tell, and where packages come from.
extension GroupFile {
  /// `notify: [ { webhook: URL, tokenFile: PATH, on: [braked, …] } ]`
  static func notify(_ group: YAMLFields) -> [NoticeHook] {
    guard let node = group.node("notify") else { return [] }
    guard let list = node.sequence else {
      group.wrong("notify", "expected a list: - { webhook: https://chat.internal/hooks/drawbar }")
      return []
    }
    if list.count > mostHooks {
      group.wrong("notify", "has \(list.count) webhooks; use \(mostHooks) at most")
    }
    return list.enumerated().compactMap { index, node in
      let fields = YAMLFields(
        node, path: "notify[\(index)]", known: ["webhook", "tokenFile", "on"], problems: group.problems)
      guard node.mapping != nil else { return nil }
      fields.required("webhook", "where notices are sent: https://…")
      var hook = NoticeHook(webhook: webURL(fields, "webhook") ?? "", tokenFile: fields.path("tokenFile"))
      hook.on = events(fields) ?? hook.on
      return hook
    }
  }

  /// `packages: { origin: URL, tokenFile: PATH }`
  static func packages(_ group: YAMLFields) -> PackageOrigin? {
    guard let node = group.node("packages") else { return nil }
    let fields = YAMLFields(
      node, path: "packages", known: ["origin", "tokenFile"], problems: group.problems)
    guard node.mapping != nil else { return nil }
    fields.required("origin", "below which <version>.tar.gz and <version>.tar.gz.sha256 lie: https://…")
    let url = webURL(fields, "origin") ?? ""
    if url.contains("?") {
      fields.wrong("origin", "has a query, to which no name can be added; leave it out")
    }
    return PackageOrigin(url: url, tokenFile: fields.path("tokenFile"))
  }

  /// Every notice is a chain for each of them.
  private static let mostHooks = 16

  private static func events(_ hook: YAMLFields) -> [NoticeHook.Event]? {
    guard let node = hook.node("on") else { return nil }
    let words = node.sequence.map { $0.map { $0.scalar?.string ?? "" } } ?? [node.scalar?.string ?? ""]
    let events = words.map(NoticeHook.Event.init(rawValue:))
    guard !words.isEmpty, !events.contains(nil) else {
      let all = NoticeHook.Event.allCases.map(\.rawValue).joined(separator: ", ")
      hook.wrong("on", "is no list of what is told; use some of [\(all)], or leave it out for all")
      return nil
    }
    return NoticeHook.Event.allCases.filter { events.contains($0) }
  }

  /// An `http` or `https` URL that can be shown to everybody who may read the group: no user, no password.
  static func webURL(_ fields: YAMLFields, _ key: String) -> String? {
    guard let text = fields.text(key) else { return nil }
    let fine = text.unicodeScalars.allSatisfy { $0.isASCII && $0.value > 32 && $0.value != 127 }
    guard fine, let scheme = ["http://", "https://"].first(where: text.hasPrefix) else {
      fields.wrong(key, "'\(text.prefix(100))' is no URL; write http://… or https://…")
      return nil
    }
    let authority = text.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
    guard !authority.contains("@") else {
      fields.wrong(
        key, "holds a user or a password, and would be kept in Redis; give the secret by tokenFile")
      return nil
    }
    guard let host = host(of: authority), NameRule.address.accepts(host), !text.contains("#") else {
      fields.wrong(
        key,
        "'\(text.prefix(100))' names no host, or a port that is none, or has a #; write https://host/path")
      return nil
    }
    return text
  }

  /// What stands before the port, without the brackets of an IPv6 address; nil where what is said to be a port is none.
  private static func host(of authority: Substring) -> String? {
    var host = authority
    if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
      guard let port = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(port) else {
        return nil
      }
      host = authority[..<colon]
    }
    return host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
  }
}
