import AsyncHTTPClient
public import Circuits
public import Fleet
import NIOCore
import NIOHTTP1
import Rollout

/// Asks a CMDB over HTTP: one GET of the group's own URL.
///
/// The answer is JSON as ``ServerList/init(json:)`` reads it, of 32 MiB at most. No redirect is followed: the token is
/// for the server that the file names. A URL that keeps failing is left alone for a while: the other
/// groups have theirs, and are asked for with their own patience.
public struct HTTPMetadata: MetadataSource {
  private static let largest = 32 << 20
  private let circuits: CircuitBreakers

  /// - Parameter circuits: those of this process; every request goes through one.
  public init(circuits: CircuitBreakers = CircuitBreakers()) { self.circuits = circuits }

  public func servers(of group: String, from cmdb: CMDB) async throws -> ServerList {
    let token: String?
    do { token = try cmdb.tokenFile.map(BearerToken.read) } catch {
      throw SyncFailure(.unreachable, error.message)
    }
    let breaker = circuits.breaker(
      before: .cmdb, at: CircuitEndpoint(url: cmdb.url),
      rules: Circuit.Rules(slow: .milliseconds(cmdb.timeout)))
    let answer: Answer
    do {
      answer = try await breaker.call(counting: Self.isUnanswered) {
        try await within(milliseconds: cmdb.timeout, or: SyncFailure.silent(cmdb)) {
          try await Self.get(cmdb, token)
        }
      }
    } catch let open as CircuitOpen {
      throw SyncFailure(.unreachable, "\(open)")
    }
    guard answer.status == .ok else { throw Self.refusal(answer.status) }
    return try ServerList(json: answer.body)
  }

  private static func isUnanswered(_ error: any Error) -> Bool {
    (error as? SyncFailure)?.code == .unreachable
  }

  private struct Answer: Sendable {
    var status: HTTPResponseStatus
    var body: [UInt8] = []
  }

  private static func get(_ cmdb: CMDB, _ token: String?) async throws -> Answer {
    var request = HTTPClientRequest(url: cmdb.url)
    request.headers.add(name: "User-Agent", value: "drawbar")
    request.headers.add(name: "Accept", value: "application/json")
    if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
    do {
      let response = try await OutsideClient.stayingThere.execute(
        request, timeout: .milliseconds(cmdb.timeout))
      guard response.status.code < 500 else { throw refusal(response.status) }
      guard response.status == .ok else { return Answer(status: response.status) }
      let body = try await response.body.collect(upTo: largest)
      return Answer(status: .ok, body: Array(body.readableBytesView))
    } catch let failure as SyncFailure {
      throw failure
    } catch is NIOTooManyBytesError {
      throw SyncFailure(.invalid, "the answer of the cmdb is larger than \(largest >> 20) MiB")
    } catch let error as HTTPClientError where error == .deadlineExceeded || error == .connectTimeout {
      throw SyncFailure.silent(cmdb)
    } catch {
      if Task.isCancelled { throw error }
      throw SyncFailure(.unreachable, "the cmdb can't be reached: \(OutsideClient.words(error))")
    }
  }

  private static func refusal(_ status: HTTPResponseStatus) -> SyncFailure {
    var words = "the cmdb answered with status \(status.code)"
    if (300...399).contains(status.code) {
      words += ", a redirect, and none is followed; write where it leads as the url"
    } else if [.unauthorized, .forbidden].contains(status) {
      words += "; see whether the token in tokenFile is right"
    }
    return SyncFailure(.unreachable, words)
  }
}
