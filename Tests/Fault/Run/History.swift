import Glibc

/// One run of one link, as the worker that ran it wrote it down.
public struct Run: Sendable, Equatable {
  public enum Ending: String, Sendable {
    /// The task returned, or said how its chain goes on.
    case done
    /// It threw an error of its own.
    case failed
    /// It was told to stop, and did.
    case stopped
  }

  public var chain: String
  public var link: Int
  public var attempt: Int
  public var generation: Int
  public var session: String
  public var pid: Int32
  public var began: Moment
  public var ended: Moment?
  public var ending: Ending?

  public init(
    chain: String, link: Int, attempt: Int, generation: Int, session: String, pid: Int32, began: Moment,
    ended: Moment? = nil, ending: Ending? = nil
  ) {
    self.chain = chain
    self.link = link
    self.attempt = attempt
    self.generation = generation
    self.session = session
    self.pid = pid
    self.began = began
    self.ended = ended
    self.ending = ending
  }
}

/// A time in which a process didn't get to run, by the boot clock: it was stopped, or the machine was busy.
public struct Pause: Sendable, Equatable {
  public var pid: Int32
  public var from: Int64
  public var to: Int64

  public init(pid: Int32, from: Int64, to: Int64) {
    self.pid = pid
    self.from = from
    self.to = to
  }
}

/// A file that a process appends to, a line with one write(2): whatever was written is there when the process
/// has been killed, and no line is cut in two.
public final class HistoryFile: Sendable {
  private let descriptor: Int32

  public init(_ path: String) throws {
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Unwritable(path: path, reason: String(cString: strerror(errno))) }
  }

  public struct Unwritable: Error { public let path: String, reason: String }

  public func append(_ words: any CustomStringConvertible...) {
    let bytes = Array((words.map { "\($0)" }.joined(separator: " ") + "\n").utf8)
    guard write(descriptor, bytes, bytes.count) == bytes.count else {
      fatalError("the history can't be written")
    }
  }

  deinit { close(descriptor) }
}

extension HistoryFile {
  public func began(_ run: Run) {
    append("B", run.key, run.began.boot, run.began.wall, run.attempt, run.session)
  }

  public func ended(_ run: Run, _ ending: Run.Ending, at moment: Moment) {
    append("E", run.key, moment.boot, moment.wall, ending.rawValue)
  }

  /// What a link got as its input: results of a group's members, in their order.
  public func took(_ values: [Int?], _ run: Run) {
    append("V", run.key, "[" + values.map { $0.map(String.init) ?? "null" }.joined(separator: ",") + "]")
  }

  public func paused(_ pause: Pause) { append("P", pause.pid, pause.from, pause.to) }
}

extension Run {
  /// A grant has a generation of its own, so that this names one run.
  fileprivate var key: String { "\(pid) \(chain) \(link) \(generation)" }
}

/// What all worker processes wrote.
public struct History: Sendable {
  public private(set) var runs: [Run] = []
  public private(set) var pauses: [Pause] = []
  /// Lines that nobody should have written.
  public private(set) var unread: [String] = []
  /// By chain and link.
  public private(set) var taken: [Link: [String]] = [:]
  private var open: [Substring: [Int]] = [:]

  public struct Link: Hashable, Sendable {
    public var chain: String
    public var link: Int
    public init(_ chain: String, _ link: Int) { (self.chain, self.link) = (chain, link) }
  }

  public init() {}
  public init(runs: [Run], pauses: [Pause] = []) { (self.runs, self.pauses) = (runs, pauses) }

  public mutating func read(_ text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if !read(words, line) { unread.append(String(line)) }
    }
  }

  private mutating func read(_ words: [Substring], _ line: Substring) -> Bool {
    switch words.first {
    case "B" where words.count == 9:
      guard let pid = Int32(words[1]), let link = Int(words[3]), let generation = Int(words[4]),
        let boot = Int64(words[5]), let wall = Int64(words[6]), let attempt = Int(words[7])
      else { return false }
      open[Self.key(words), default: []].append(runs.count)
      runs.append(
        Run(
          chain: String(words[2]), link: link, attempt: attempt, generation: generation,
          session: String(words[8]), pid: pid, began: Moment(boot: boot, wall: wall)))
    case "E" where words.count == 8:
      guard let boot = Int64(words[5]), let wall = Int64(words[6]),
        let ending = Run.Ending(rawValue: String(words[7])),
        let index = open[Self.key(words)]?.popLast()
      else { return false }
      runs[index].ended = Moment(boot: boot, wall: wall)
      runs[index].ending = ending
    case "P" where words.count == 4:
      guard let pid = Int32(words[1]), let from = Int64(words[2]), let to = Int64(words[3]) else {
        return false
      }
      pauses.append(Pause(pid: pid, from: from, to: to))
    case "V" where words.count == 6:
      guard let link = Int(words[3]) else { return false }
      taken[Link(String(words[2]), link), default: []].append(String(words[5]))
    default: return false
    }
    return true
  }

  private static func key(_ words: [Substring]) -> Substring {
    words[1].base[words[1].startIndex..<words[4].endIndex]
  }
}

extension Step {
  /// What every task of a chain returns: told from any other chain's.
  public static func result(of chain: String) -> Int {
    Int(chain.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 } % 1_000_000)
  }
}
