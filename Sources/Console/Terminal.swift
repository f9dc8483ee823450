import FoundationEssentials
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where the answers go: a person's terminal, or a pipe.
public struct Terminal: Sendable {
  /// Whether a person is looking: lines may be redrawn in place.
  public var isInteractive: Bool
  /// Whether escape codes for colour are welcome: `NO_COLOR` and `TERM=dumb` say no, as does a pipe.
  public var colour: Bool
  private let descriptor: Int32
  /// As set by a test; nil asks the terminal each time, for its window may change.
  private let fixedSize: Size?

  public struct Size: Sendable, Equatable {
    public var columns: Int
    public var rows: Int

    public init(columns: Int, rows: Int) {
      self.columns = columns
      self.rows = rows
    }
  }

  /// A terminal that is told what it is; what is shown goes to standard output.
  public init(isInteractive: Bool, colour: Bool, size: Size? = nil) {
    descriptor = STDOUT_FILENO
    self.isInteractive = isInteractive
    self.colour = colour
    self.fixedSize = size
  }

  private init(_ descriptor: Int32) {
    let environment = ProcessInfo.processInfo.environment
    let isTerminal = isatty(descriptor) == 1 && environment["TERM"] != "dumb"
    self.descriptor = descriptor
    self.isInteractive = isTerminal
    self.colour = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty
    self.fixedSize = nil
  }

  /// What standard output is.
  public static func standardOutput() -> Terminal { Terminal(STDOUT_FILENO) }

  /// Whether a person can be asked something.
  public static var standardInputIsInteractive: Bool { isatty(STDIN_FILENO) == 1 }

  /// What standard error is.
  public static func standardError() -> Terminal { Terminal(STDERR_FILENO) }

  public var size: Size {
    if let fixedSize { return fixedSize }
    var window = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
      return Size(columns: 80, rows: 24)
    }
    return Size(columns: Int(window.ws_col), rows: Int(window.ws_row))
  }

  /// Writes lines.
  public func show(_ lines: [Line]) {
    write(lines.map { $0.render(colour: colour) + "\n" }.joined())
  }

  public func show(_ line: Line) { show([line]) }

  /// Unbuffered: a reader sees each piece as it is written. What can't be written is dropped, as is all that comes
  /// after it; see ``failure``.
  public func write(_ text: String) {
    if descriptor == STDOUT_FILENO, Self.failure != nil { return }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Self.systemWrite(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&wanted, 1, -1)
        continue
      }
      guard count > 0 else {
        if descriptor == STDOUT_FILENO {
          Self.failed(errno == EPIPE ? .closed : .failed(String(cString: strerror(errno))))
        }
        return
      }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Why standard output takes nothing more.
  public enum WriteFailure: Error, Sendable, Equatable {
    /// Whoever read it has gone.
    case closed
    /// In the system's words.
    case failed(String)
  }

  private static let firstFailure = Mutex<WriteFailure?>(nil)

  /// Why standard output could not be written to, once it could not.
  public static var failure: WriteFailure? { firstFailure.withLock { $0 } }

  private static func failed(_ failure: WriteFailure) {
    firstFailure.withLock { $0 = $0 ?? failure }
  }

  /// For loops that would go on for nobody.
  ///
  /// - Throws: ``WriteFailure``.
  public func checkOutput() throws(WriteFailure) {
    if descriptor == STDOUT_FILENO, let failure = Self.failure { throw failure }
  }

  private static func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Glibc)
      Glibc.write(file, bytes, count)
    #else
      Darwin.write(file, bytes, count)
    #endif
  }
}

/// A part of the terminal that is drawn again and again in the same place.
public struct Screen: Sendable {
  private let terminal: Terminal
  private var height = 0

  public init(_ terminal: Terminal) {
    self.terminal = terminal
  }

  /// Replaces what was drawn before. Lines are cut at the window's edge: a wrapped line would break the count.
  ///
  /// - Parameter below: lines that stay, written in its place; it is drawn below them.
  public mutating func draw(_ lines: [Line], below: [Line] = []) {
    let size = terminal.size
    let shown = lines.prefix(max(1, size.rows - 1))
    var out = height > 0 ? "\u{1b}[\(height)A\r" : ""
    if !below.isEmpty {
      out += "\u{1b}[J" + below.map { $0.render(colour: terminal.colour) + "\n" }.joined()
    }
    for line in shown {
      out += "\u{1b}[2K" + line.render(columns: size.columns - 1, colour: terminal.colour) + "\n"
    }
    terminal.write(out + "\u{1b}[J")
    height = shown.count
  }

  /// Leaves what was drawn above and goes on below it.
  public mutating func settle() { height = 0 }
}
