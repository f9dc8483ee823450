import TaskQueue

/// Chains by the thousand, of one kind.
enum Workload: Sendable {
  /// Five links that do nothing, 200 bytes of arguments.
  case chain
  /// The same, each link decodes the arguments and encodes a result.
  case codable(keepsResult: Bool)
  /// One link without arguments.
  case single
  /// A hundred members side by side, then a callback that takes their results.
  case group
  /// Five links as in `chain`, made with a feature.
  case with(Feature)

  var links: Int {
    switch self {
    case .single: 1
    case .group: Sum.members
    default: 5
    }
  }

  /// - Parameter name: what the ids begin with; an id is never used again in a server's life.
  func chains(_ count: Int, named name: String) throws -> [Chain] {
    let links = try links(of: self)
    let text = String(repeating: "x", count: 198)
    return try (0..<count).map { index in
      let id = try ChainID("\(name)-\(index)")
      switch self {
      case .single, .group: return try Chain(id: id, links: links)
      case .codable: return try Chain(id: id, sharedInput: Echo.Order(), links: links)
      case .chain: return try Chain(id: id, sharedInput: text, links: links)
      case .with(let feature):
        var chain = try Chain(id: id, sharedInput: text, links: links)
        try feature.change(&chain)
        return chain
      }
    }
  }

  private func links(of workload: Workload) throws -> [Link] {
    switch workload {
    case .chain: return (0..<5).map { _ in Link(NoOp.self) }
    case .single: return [Link(NoOp.self)]
    case .codable(let keepsResult):
      return (0..<5).map { _ in
        var link = Link(Echo.self)
        link.options.keepsResult = keepsResult
        return link
      }
    case .group:
      return [.group((0..<Sum.members).map { _ in [Link(One.self)] }), Link(Sum.self, from: .previous)]
    case .with(let feature): return try feature.links()
    }
  }
}
