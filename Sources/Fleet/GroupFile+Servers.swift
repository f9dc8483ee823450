import Yams

extension GroupFile {
  /// What a server may have.
  static let serverKeys = ["host", "address", "port", "site", "directory", "bastion", "machine"]

  /// The server list; none where a source of record has it.
  static func servers(_ group: YAMLFields) -> [Server] {
    guard let node = group.node("servers"), node.mapping == nil else { return [] }
    guard let list = node.sequence else {
      group.wrong(
        "servers",
        "expected a list: - { host: …, address: …, port: …, directory: … }, or cmdb: { url: https://… }")
      return []
    }
    if list.isEmpty { group.wrong("servers", "is empty; a group has at least one server") }
    return servers(list.enumerated().map { ("servers[\($0)]", $1) }, group.problems)
  }

  /// Reads servers, each with the path that its problems are told under. Names must differ, and so must what they
  /// listen on and where they live: the local host driver keeps them all on this machine.
  static func servers(_ list: [(path: String, node: Node)], _ problems: ProblemList) -> [Server] {
    var seen = Seen(problems: problems)
    return list.map { path, node in
      let fields = YAMLFields(node, path: path, known: serverKeys, problems: problems)
      let server = server(fields)
      if node.mapping != nil { seen.check(server, fields) }
      return server
    }
  }

  private static func server(_ fields: YAMLFields) -> Server {
    if fields.node("host") != nil || fields.node("port") != nil || fields.node("directory") != nil {
      fields.required("host", "the server's name")
      fields.required("port", "the port its app listens on")
      fields.required("directory", "the absolute path that its versions live in")
    } else {
      fields.problems.add(fields.path, at: fields.mark, "a server needs host, port and directory")
    }
    return Server(
      host: fields.name("host", .host) ?? "",
      address: fields.name("address", .address) ?? "127.0.0.1",
      port: fields.integer("port", in: 1...65_535, what: "a port") ?? 0,
      site: fields.name("site", .name),
      directory: fields.path("directory") ?? "",
      bastion: fields.flag("bastion") ?? false,
      machine: fields.name("machine", .host))
  }

  /// What earlier servers of the file took, and where each says so.
  private struct Seen {
    let problems: ProblemList
    var hosts: [String: String] = [:]
    var endpoints: [String: String] = [:]
    var directories: [String: String] = [:]
    var bastion: String?

    mutating func check(_ server: Server, _ fields: YAMLFields) {
      let here = fields.path
      if !server.host.isEmpty, let other = hosts.updateValue(here, forKey: server.host.lowercased()) {
        fields.wrong("host", "'\(server.host)' is \(other) already; each server needs a name of its own")
      }
      let endpoint = "\(server.address):\(server.port)"
      if server.port != 0, let other = endpoints.updateValue(here, forKey: endpoint) {
        fields.wrong("port", "\(endpoint) is \(other) already; two servers can't listen on the same")
      }
      if !server.directory.isEmpty, let other = directories.updateValue(here, forKey: server.directory) {
        fields.wrong("directory", "'\(server.directory)' is \(other) already; each server needs its own")
      }
      if server.bastion {
        if let other = bastion { fields.wrong("bastion", "\(other) is the bastion already; mark one server") }
        bastion = here
      }
    }
  }
}
