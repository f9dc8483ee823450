import RedisClient

/// A chain with groups, taken apart into what the scripts store: groups staged under the ids that follow from the
/// chain's, and the chain itself, which refers to them.
struct Workflow {
  struct Part {
    let group: GroupID
    /// The chain that waits for the group, and the index of the link; nil for an error callback.
    let waiting: (chain: ChainID, link: Int)?
    let goesOn: Bool
    let keepsResults: Bool
    let limit: LimitID?
    let members: [Chain]
  }

  let root: Chain
  private(set) var parts: [Part] = []

  /// - Throws: ``InvalidChain`` where a member is one.
  init(_ chain: Chain) throws {
    root = chain
    try takeApart(chain, limit: chain.brake == nil ? nil : Identifier(trusted: "\(chain.id)/brake"))
    if !chain.onFailure.isEmpty {
      var callback = try Chain(
        id: ChainID("\(chain.id)/failed"), queue: chain.queue, lane: "*\(chain.id)/failed",
        priority: chain.priority, shared: chain.shared, links: chain.onFailure)
      callback.headers = chain.headers
      callback.keptFor = chain.keptFor
      callback.cause = chain.id
      parts.append(
        Part(
          group: GroupID(trusted: "\(chain.id)/failed"), waiting: nil, goesOn: true, keepsResults: false,
          limit: nil, members: [callback]))
      try takeApart(callback, limit: nil)
    }
  }

  /// Groups and members: what the root must find staged.
  var size: Int { parts.reduce(0) { $0 + 1 + $1.members.count } }

  private mutating func takeApart(_ chain: Chain, limit: LimitID?) throws {
    for (index, link) in chain.links.enumerated() {
      guard case .group(let lists, let policy) = link.work else { continue }
      let group = try GroupID("\(chain.id)/\(index)")
      var members: [Chain] = []
      members.reserveCapacity(lists.count)
      for (number, links) in lists.enumerated() {
        var member = try Chain(
          id: ChainID("\(group)/\(number)"), queue: link.options.queue ?? chain.queue, lane: "*\(group)",
          priority: link.options.priority ?? chain.priority,
          shared: links.contains(where: \.takesShared) ? chain.shared : [], links: links)
        member.headers = chain.headers
        member.keptFor = chain.keptFor
        members.append(member)
      }
      parts.append(
        Part(
          group: group, waiting: (chain.id, index), goesOn: policy == .goesOn,
          keepsResults: link.options.keepsResult,
          limit: link.options.countsForBrake ? limit : nil, members: members))
      for member in members { try takeApart(member, limit: nil) }
    }
  }
}

extension Link {
  var isGroup: Bool { if case .group = work { true } else { false } }

  fileprivate var takesShared: Bool {
    switch work {
    case .task(_, let input): input == .shared
    case .group(let members, _): members.contains { $0.contains(where: \.takesShared) }
    }
  }
}

extension Chain {
  /// Whether it has parts that must be there before it.
  var isWorkflow: Bool { !onFailure.isEmpty || links.contains(where: \.isGroup) }

  /// Its rare fields, as `create.lua` reads them; nothing for most chains.
  ///
  /// - Parameter parts: how many groups and members must have been staged for it.
  func extra(parts: Int = 0) -> String {
    var fields: [String] = []
    if parts > 0 { fields.append("W=\(parts)") }
    for (index, link) in links.enumerated() {
      if link.isGroup {
        fields.append("p\(index)=g|\(id)/\(index)")
      } else if let plan = link.options.plan {
        fields.append("p\(index)=\(plan)")
      }
    }
    if let unique { fields.append("U=\(unique.text)") }
    if let expiresAfter { fields.append("X=\(expiresAfter.milliseconds)") }
    if !onFailure.isEmpty { fields.append("F=\(id)/failed") }
    if let brake { fields.append("B=\(max(1, brake))") }
    if let cause { fields.append("O=\(cause)") }
    return fields.joined(separator: " ")
  }

  /// The four arguments that `newcomers.lua` lists.
  func arguments(_ retention: Retention, parts: Int = 0) throws(PayloadTooLarge) -> [RedisArgument] {
    let spec = Spec.encode(self)
    guard spec.count <= PayloadTooLarge.limit else { throw PayloadTooLarge(chain: id, bytes: spec.count) }
    let retention = keptFor.map { Retention(ended: $0, dead: $0) } ?? retention
    let wait = notBefore.map { "@\($0)" } ?? "\(delay.milliseconds)"
    return [
      .string(id.rawValue),
      .string("\(queue.rawValue) \(priority.rawValue) \(lane) \(retention.text) \(linkCount) \(wait)"),
      .bytes(spec),
      isPlain ? "" : .string(extra(parts: parts)),
    ]
  }

  private var isPlain: Bool {
    unique == nil && expiresAfter == nil && brake == nil && cause == nil && onFailure.isEmpty
      && !links.contains { $0.isGroup || $0.options.plan != nil }
  }
}

/// How long what has ended is kept.
public struct Retention: Sendable, Equatable {
  /// Chains that ended well, or were cancelled. Within it a chain that is submitted again is known to be the same.
  public var ended: Duration
  /// Chains that were given up: long enough for a person to come and look.
  public var dead: Duration

  public init(ended: Duration, dead: Duration) {
    self.ended = ended
    self.dead = dead
  }

  var text: String { "\(max(1, ended.milliseconds))/\(max(1, dead.milliseconds))" }
}

/// A chain whose links and inputs are more than one MiB: store the data elsewhere, and pass on where it is.
public struct PayloadTooLarge: Error, Sendable, CustomStringConvertible {
  /// For a chain's links with their inputs, and for a link's result.
  public static let limit = 1 << 20
  public let chain: ChainID
  public let bytes: Int
  public var description: String {
    "chain \(chain) is refused: its links and inputs are \(bytes) bytes, \(Self.limit) are allowed; "
      + "store the data elsewhere and pass on where it is"
  }
}
