/// Why a stage of one server did not end well: a code that scripts can rely on, a sentence for the operator
/// (what was refused, why, what to do), and the last lines of the log where there is one.
public struct DeliveryFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure.
  public enum Code: String, Sendable, Codable {
    /// A host script ended with an error.
    case script
    /// A time limit passed.
    case timeout
    /// The load balancer refused, or could not be asked.
    case loadBalancer
    /// The server, its disk or its app could not be reached.
    case unreachable
    /// A package, or a version on a disk, is not what was published.
    case checksum
    /// Newer work has been on this server: this one comes late and has changed nothing.
    case fenced
    /// What was asked for can't be done: a name, a path or an archive that is not allowed.
    case input
  }

  public var code: Code
  public var message: String
  /// The last lines, already capped; nil where there are none.
  public var log: String?
  /// Whether the same work may go well a little later.
  public var mayPass: Bool

  /// - Parameter mayPass: nil takes the code's own: what was refused for good (`fenced`, `input`) is not
  ///   worth another try.
  public init(_ code: Code, _ message: String, log: String? = nil, mayPass: Bool? = nil) {
    self.code = code
    self.message = Self.printable(message)
    self.log = log.flatMap { $0.isEmpty ? nil : Self.printable($0) }
    self.mayPass = mayPass ?? (code != .fenced && code != .input)
  }

  /// What apps and scripts wrote is shown on terminals, and must not steer them.
  private static func printable(_ text: String) -> String {
    func steers(_ scalar: Unicode.Scalar) -> Bool {
      scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
    }
    guard text.unicodeScalars.contains(where: steers) else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { steers($0) ? "\u{FFFD}" : $0 }))
  }

  public var description: String { "\(code.rawValue): \(message)" }

  /// One text of both: the sentence is the first line, the log's last lines are the others.
  public var text: String {
    let sentence = message.split(whereSeparator: \.isNewline).joined(separator: " ")
    return log.map { "\(sentence)\n\($0)" } ?? sentence
  }
}
