import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Tells a webhook, by a POST of JSON.
public enum Webhook {
  /// It wasn't told, or has not said that it was.
  public struct Refused: Error, Sendable, CustomStringConvertible {
    public let description: String
    /// Whether the webhook's system has failed, and not what was sent to it.
    public let isFailureOfSystem: Bool

    init(_ description: String, isFailureOfSystem: Bool = true) {
      self.description = description
      self.isFailureOfSystem = isFailureOfSystem
    }
  }

  /// Sends a body, and waits for an answer of 2xx. Redirects are not followed: a token is for who was named.
  ///
  /// - Parameters:
  ///   - key: the same for each try, so that a receiver can tell a repetition.
  ///   - tokenFile: of the token that is sent.
  ///   - limit: for all of it.
  /// - Throws: ``Refused``; ``DeliveryFailure`` where the token can't be read; `CancellationError`.
  public static func post(
    _ body: [UInt8], key: String, to url: String, tokenFile: String?, within limit: Duration
  ) async throws {
    var request = HTTPClientRequest(url: url)
    request.method = .POST
    request.headers.add(name: "Content-Type", value: "application/json")
    request.headers.add(name: "User-Agent", value: "drawbar")
    request.headers.add(name: "Idempotency-Key", value: key)
    if let tokenFile {
      request.headers.add(name: "Authorization", value: "Bearer \(try BearerToken.read(tokenFile))")
    }
    request.body = .bytes(ByteBuffer(bytes: body))
    let status: Int
    do {
      status = Int(
        try await OutsideClient.stayingThere.execute(request, timeout: TimeAmount(limit)).status.code)
    } catch {
      try Task.checkCancellation()
      throw Refused("no answer: \(OutsideClient.words(error))")
    }
    guard (200...299).contains(status) else {
      // One that is away or overloaded says 5xx or 429; what else it says is about what was sent.
      throw Refused("it answered with status \(status)", isFailureOfSystem: status >= 500 || status == 429)
    }
  }
}
