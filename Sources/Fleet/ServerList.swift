import FoundationEssentials
import Yams

/// The servers of a group as a source of record has them, checked by the rules of a group's file.
public struct ServerList: Sendable, Equatable {
  /// By host name, so that a source that tells them in another order each time changes nothing.
  public let servers: [Server]

  /// Reads a source's answer:
  ///
  /// ```json
  /// {"servers": [
  ///   {"host": "web-1", "address": "10.0.0.1", "port": 8080, "directory": "/srv/web-1"},
  ///   {"host": "web-2", "decommissioned": true}
  /// ]}
  /// ```
  ///
  /// The fields are those of a group's file; `null` counts as not given. A decommissioned server is left out, whatever
  /// else is said of it. Keys that are not known are left to those who know them.
  ///
  /// - Throws: every problem of the answer at once.
  public init(json: [UInt8]) throws(InvalidServers) {
    let answer: Answer
    do {
      answer = try JSONDecoder().decode(Answer.self, from: Data(json))
    } catch DecodingError.dataCorrupted {
      throw InvalidServers(["the answer is not JSON"])
    } catch {
      throw InvalidServers(["the answer is no JSON object with a list 'servers'"])
    }
    let problems = ProblemList(file: "", subject: "a list of servers")
    var nodes: [(path: String, node: Node)] = []
    for (index, entry) in answer.servers.enumerated() {
      let path = "servers[\(index)]" + (entry.text("host").map { " (\($0.prefix(253)))" } ?? "")
      switch entry.text("decommissioned") ?? "false" {
      case "true": break
      case "false": nodes.append((path, entry.node))
      default: problems.add("\(path).decommissioned", at: nil, "is neither true nor false")
      }
    }
    try self.init(nodes, problems)
  }

  /// Checks servers that a source of one's own has found.
  ///
  /// - Throws: every problem of them at once.
  public init(_ servers: [Server]) throws(InvalidServers) {
    let nodes = servers.enumerated().map { index, server in
      var entry = Entry(fields: [:])
      for (key, value) in [
        ("host", server.host), ("address", server.address), ("port", "\(server.port)"),
        ("directory", server.directory), ("bastion", "\(server.bastion)"), ("site", server.site),
        ("machine", server.machine),
      ] {
        if let value { entry.fields?[key] = .text(value) }
      }
      return (path: "servers[\(index)] (\(server.host))", node: entry.node)
    }
    try self.init(nodes, ProblemList(file: "", subject: "a list of servers"))
  }

  private init(
    _ nodes: [(path: String, node: Node)], _ problems: ProblemList
  ) throws(InvalidServers) {
    let read = GroupFile.servers(nodes, problems)
    let found = problems.inOrder
    guard found.isEmpty else { throw InvalidServers(found.map { "\($0.field): \($0.message)" }) }
    servers = read.sorted { $0.host < $1.host }
  }

  private struct Answer: Decodable { var servers: [Entry] }

  /// One server as it came. What is of the wrong kind is kept as such, so that it is told with the rest.
  private struct Entry: Decodable {
    enum Value {
      case text(String)
      case other
    }

    /// nil for what is no object.
    var fields: [String: Value]?

    init(fields: [String: Value]?) { self.fields = fields }

    init(from decoder: any Decoder) throws {
      let values: KeyedDecodingContainer<Key>
      do { values = try decoder.container(keyedBy: Key.self) } catch {
        fields = nil
        return
      }
      var fields: [String: Value] = [:]
      for key in Key.all where try values.contains(key) && !values.decodeNil(forKey: key) {
        fields[key.stringValue] = Self.value(values, key)
      }
      self.fields = fields
    }

    private static func value(_ values: KeyedDecodingContainer<Key>, _ key: Key) -> Value {
      if let text = try? values.decode(String.self, forKey: key) { return .text(text) }
      if let flag = try? values.decode(Bool.self, forKey: key) { return .text("\(flag)") }
      if let number = try? values.decode(Int.self, forKey: key) { return .text("\(number)") }
      if let number = try? values.decode(Double.self, forKey: key) { return .text("\(number)") }
      return .other
    }

    func text(_ key: String) -> String? {
      if case .text(let text)? = fields?[key] { text } else { nil }
    }

    /// As a file would have it: so there is one place that says what a server may be.
    var node: Node {
      guard let fields else { return Node.scalar(.init("")) }
      let pairs = fields.compactMap { key, value -> (Node, Node)? in
        guard GroupFile.serverKeys.contains(key) else { return nil }
        switch value {
        // Quoted, as text: an empty one is not the same as none.
        case .text(let text): return (Node(key), Node.scalar(.init(text, Tag(.str), .doubleQuoted)))
        case .other: return (Node(key), Node.sequence(.init([])))
        }
      }
      return Node.mapping(.init(pairs))
    }
  }

  private struct Key: CodingKey {
    let stringValue: String
    init(stringValue: String) { self.stringValue = stringValue }
    var intValue: Int? { nil }
    init?(intValue: Int) { nil }
    static let all = (GroupFile.serverKeys + ["decommissioned"]).map(Key.init(stringValue:))
  }
}

/// Why a list of servers is not taken.
public struct InvalidServers: Error, Sendable, Equatable, CustomStringConvertible {
  /// Each names the server by its place and name, and the field: `servers[3] (web-4).port: 70000 is not a port; use 1
  /// to 65535`. Never empty.
  public var problems: [String]

  public init(_ problems: [String]) { self.problems = problems }

  /// The first few of them.
  public var description: String {
    let rest = problems.count - 3
    return problems.prefix(3).joined(separator: "; ") + (rest > 0 ? "; and \(rest) more" : "")
  }
}
