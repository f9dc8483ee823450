import Yams

extension GroupFile {
  /// `servers: { cmdb: { url: … } }`; nil where the file lists the servers, or says nothing that can be used.
  static func cmdb(_ group: YAMLFields) -> CMDB? {
    guard let node = group.node("servers"), node.mapping != nil else { return nil }
    let outer = YAMLFields(node, path: "servers", known: ["cmdb"], problems: group.problems)
    outer.required("cmdb", "where the list is asked for: { url: https://… }")
    guard let inner = outer.node("cmdb") else { return nil }
    let fields = YAMLFields(
      inner, path: "servers.cmdb", known: ["url", "tokenFile", "timeout", "refresh"],
      problems: group.problems)
    guard inner.mapping != nil else { return nil }
    fields.required("url", "the address that answers with the list of the group's servers")
    var cmdb = CMDB(url: webURL(fields, "url") ?? "")
    cmdb.tokenFile = fields.path("tokenFile")
    if cmdb.tokenFile != nil, cmdb.url.hasPrefix("http://") {
      fields.problems.warn(
        "servers.cmdb.url", at: fields.mark("url"),
        "is http: everybody on the way can read the token; use https")
    }
    cmdb.timeout = fields.duration("timeout") ?? cmdb.timeout
    cmdb.refresh = fields.duration("refresh") ?? cmdb.refresh
    for (key, value, least, most) in [
      ("timeout", cmdb.timeout, Int64(100), Int64(120_000)),
      ("refresh", cmdb.refresh, 10_000, 7 * 86_400_000),
    ] where value < least || value > most {
      fields.wrong(
        key,
        "\(DurationText.text(value)) is not allowed; use \(DurationText.text(least)) to \(DurationText.text(most))"
      )
    }
    return cmdb
  }
}
