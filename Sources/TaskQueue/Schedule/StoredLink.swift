/// A link of a stored schedule: a task, or a group of members.
struct StoredLink: Codable {
  var task: String?
  /// The task's own input, as JSON text.
  var input: String?
  /// Its input is the result before it; else, without an input of its own, the chain's shared one.
  var previous: Bool?
  var members: [[StoredLink]]?
  var goesOn: Bool?

  var retry: RetryPolicy?
  var timeLimit: Int?
  var hardLimit: Int?
  var queue: String?
  var priority: Priority?
  var delay: Int?
  var concurrency: Bound?
  var rate: Rate?
  var forgetsResult: Bool?
  var sparesBrake: Bool?

  struct Bound: Codable {
    var key: String
    var atMost: Int
  }

  struct Rate: Codable {
    var key: String
    var interval: Double
    var burst: Int
  }

  struct NotText: Error {}

  /// Stored by another version.
  struct Unreadable: Error, CustomStringConvertible {
    let what: String
    var description: String { "it holds what this version can't read (\(what))" }
  }

  init(_ link: Link) throws(NotText) {
    switch link.work {
    case .task(let name, let source):
      task = name
      switch source {
      case .own(let bytes): input = try Self.text(bytes)
      case .previous: previous = true
      case .shared: break
      }
    case .group(let lists, let policy):
      var members: [[StoredLink]] = []
      for list in lists {
        var member: [StoredLink] = []
        for link in list { member.append(try StoredLink(link)) }
        members.append(member)
      }
      self.members = members
      goesOn = policy == .goesOn ? true : nil
    }
    let options = link.options
    retry = options.retry == .never ? nil : options.retry
    timeLimit = options.timeLimit?.milliseconds
    hardLimit = options.hardLimit?.milliseconds
    queue = options.queue?.rawValue
    priority = options.priority
    delay = options.delay > .zero ? options.delay.milliseconds : nil
    concurrency = options.concurrency.map { Bound(key: $0.key.rawValue, atMost: $0.atMost) }
    rate = options.rate.map { Rate(key: $0.key.rawValue, interval: $0.interval, burst: $0.burst) }
    forgetsResult = options.keepsResult ? nil : true
    sparesBrake = options.countsForBrake ? nil : true
  }

  func link() throws -> Link {
    var link: Link
    if let members {
      link = .group(
        try members.map { try $0.map { try $0.link() } }, failing: goesOn == true ? .goesOn : .fails)
    } else if let task {
      link = Link(
        named: task, json: input.map { Array($0.utf8) }, from: previous == true ? .previous : .shared)
    } else {
      throw Unreadable(what: "a link that is neither a task nor a group")
    }
    link.options.retry = retry ?? .never
    link.options.timeLimit = timeLimit.map { .milliseconds($0) }
    link.options.hardLimit = hardLimit.map { .milliseconds($0) }
    link.options.queue = try queue.map { try QueueName($0) }
    link.options.priority = priority
    link.options.delay = .milliseconds(delay ?? 0)
    link.options.concurrency = try concurrency.map {
      ConcurrencyLimit(key: try Identifier($0.key), atMost: $0.atMost)
    }
    link.options.rate = try rate.map {
      RateLimit(key: try Identifier($0.key), interval: $0.interval, burst: $0.burst)
    }
    link.options.keepsResult = forgetsResult != true
    link.options.countsForBrake = sparesBrake != true
    return link
  }

  static func text(_ bytes: [UInt8]) throws(NotText) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw NotText() }
    return text
  }
}

extension RateLimit {
  /// As it was stored.
  fileprivate init(key: Identifier<Gate>, interval: Double, burst: Int) {
    self.key = key
    self.interval = interval
    self.burst = burst
  }
}
