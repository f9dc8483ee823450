import Fleet
import FoundationEssentials

/// What one health check saw.
public struct HealthAnswer: Sendable, Equatable {
  /// The HTTP status; nil where there was no answer.
  public var status: Int?
  /// The version that the answer names; nil where it names none.
  public var version: String?
  /// Why there was no answer, or none that could be read.
  public var error: String?

  public init(status: Int?, version: String? = nil, error: String? = nil) {
    self.status = status
    self.version = version
    self.error = error
  }

  /// Whether it is 2xx and names this version; nil takes any.
  public func passes(_ wanted: String?) -> Bool {
    guard let status, (200...299).contains(status) else { return false }
    return wanted == nil || version == wanted
  }

  /// For people: `status 503, version 3`.
  public var told: String {
    let parts = [
      status.map { "status \($0)" }, version.map { "version \($0.prefix(80))" }, error,
    ].compactMap { $0 }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }
}

extension VersionReport {
  /// The version in an answer; nil where there is none.
  func version(inBody body: [UInt8], header: (String) -> String?) -> String? {
    switch self {
    case .header(let name): header(name)
    case .text: Self.trimmed(String(decoding: body, as: UTF8.self))
    case .json(let key):
      (try? JSONDecoder().decode([String: Field].self, from: Data(body)))?[key]?.text
    }
  }

  private static func trimmed(_ text: String) -> String? {
    let words = text.split(whereSeparator: \.isWhitespace)
    return words.count == 1 ? String(words[0]) : nil
  }

  /// A value of the answer's object: a version may be a string or a whole number; others are passed over.
  private struct Field: Decodable {
    var text: String?

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let string = try? value.decode(String.self) {
        text = string
      } else if let number = try? value.decode(Int.self) {
        text = "\(number)"
      }
    }
  }
}
