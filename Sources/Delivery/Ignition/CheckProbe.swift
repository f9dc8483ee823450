import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Processes
public import Rollout
import Subprocess

/// Makes the checks that watch a group after its release.
public struct CheckProbe: Sendable {
  public init() {}

  /// Makes one check.
  ///
  /// - Returns: why it failed; nil where it passed. Never throws but for cancellation.
  public func make(_ check: Check) async throws -> String? {
    try await withThrowingTaskGroup(of: String?.self) { group in
      group.addTask {
        do { return try await ask(check) } catch {
          try Task.checkCancellation()
          return "\(error)"
        }
      }
      group.addTask {
        try await Task.sleep(for: .milliseconds(check.timeout))
        return "no answer within \(check.timeout) ms"
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
  }

  private func ask(_ check: Check) async throws -> String? {
    switch check.probe {
    case .health(let url):
      let (status, _) = try await get(url, check.timeout)
      return (200...299).contains(status) ? nil : "status \(status)"
    case .command(let words): return try await run(words)
    case .prometheus(let url, let query, let atLeast, let atMost):
      let base = url.hasSuffix("/") ? String(url.dropLast()) : url
      let (status, body) = try await get("\(base)/api/v1/query?query=\(Self.encoded(query))", check.timeout)
      guard status == 200 else { return "Prometheus answered with status \(status)" }
      return try Self.verdict(body, atLeast: atLeast, atMost: atMost)
    }
  }

  private func get(_ url: String, _ limit: Int64) async throws -> (Int, [UInt8]) {
    var request = HTTPClientRequest(url: url)
    request.headers.add(name: "User-Agent", value: "drawbar")
    let response = try await HTTPClient.shared.execute(request, timeout: .milliseconds(limit))
    let body = try await response.body.collect(upTo: 1 << 20)
    return (Int(response.status.code), Array(body.readableBytesView))
  }

  private func run(_ words: [String]) async throws -> String? {
    guard let program = words.first else { return "it names no program" }
    let result = try await Subprocess.run(
      .name("sh"), arguments: Arguments(["-c", #"exec "$@""#, "check"] + words),
      platformOptions: .ownProcessGroup,
      output: .discarded, error: .string(limit: 4_096))
    guard !result.terminationStatus.isSuccess else { return nil }
    let said = result.standardError.split(whereSeparator: \.isNewline).last.map { ": \($0)" } ?? ""
    return "\(program) ended with \(result.terminationStatus)\(said)"
  }

  /// What a Prometheus answered to an instant query: every value within the bounds, and one at least.
  static func verdict(_ body: [UInt8], atLeast: Double?, atMost: Double?) throws -> String? {
    let answer = try JSONDecoder().decode(Answer.self, from: Data(body))
    guard !answer.data.values.isEmpty else { return "the query found no value" }
    for text in answer.data.values {
      guard let value = Double(text), !value.isNaN else { return "the query's value is \(text)" }
      if let atLeast, value < atLeast { return "\(text) is less than \(atLeast)" }
      if let atMost, value > atMost { return "\(text) is more than \(atMost)" }
    }
    return nil
  }

  private struct Answer: Decodable {
    var data: Values

    struct Values: Decodable {
      /// As text, as Prometheus writes them.
      var values: [String]

      private enum CodingKeys: CodingKey { case resultType, result }
      private struct Sample: Decodable { var value: Pair }

      init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        switch try fields.decode(String.self, forKey: .resultType) {
        case "scalar": values = [try fields.decode(Pair.self, forKey: .result).text]
        case "vector": values = try fields.decode([Sample].self, forKey: .result).map(\.value.text)
        default:
          throw DecodingError.dataCorruptedError(
            forKey: .resultType, in: fields, debugDescription: "only scalars and vectors can be checked")
        }
      }
    }

    /// A time and a value.
    struct Pair: Decodable {
      var text: String

      init(from decoder: any Decoder) throws {
        var pair = try decoder.unkeyedContainer()
        _ = try pair.decode(Double.self)
        text = try pair.decode(String.self)
      }
    }
  }

  /// Percent-encodes all but what may stand in a query unescaped (RFC 3986).
  private static func encoded(_ text: String) -> String {
    let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
    return text.utf8.map { byte in
      plain.contains(byte)
        ? String(UnicodeScalar(byte)) : "%" + Disk.hexadecimal([byte]).uppercased()
    }.joined()
  }
}
