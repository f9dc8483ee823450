import AsyncHTTPClient
public import Fleet
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Asks a CMDB over HTTP: one GET of the group's own URL.
///
/// The answer is JSON as ``ServerList/init(json:)`` reads it, of 32 MiB at most. No redirect is followed: the token is
/// for the server that the file names.
public struct HTTPMetadata: MetadataSource {
  private static let largest = 32 << 20

  public init() {}

  public func servers(of group: String, from cmdb: CMDB) async throws -> ServerList {
    var request = HTTPClientRequest(url: cmdb.url)
    request.headers.add(name: "User-Agent", value: "drawbar")
    request.headers.add(name: "Accept", value: "application/json")
    if let file = cmdb.tokenFile {
      request.headers.add(name: "Authorization", value: "Bearer \(try Self.token(file))")
    }
    var settings = HTTPClient.Configuration(redirectConfiguration: .disallow)
    // What is refused at once is told at once, and not at the end of the time.
    settings.connectionPool.retryConnectionEstablishment = false
    return try await HTTPClient.withHTTPClient(configuration: settings) { client in
      let response = try await Self.reached(cmdb) {
        try await client.execute(request, timeout: .milliseconds(cmdb.timeout))
      }
      guard response.status == .ok else { throw Self.refusal(response) }
      let body = try await Self.reached(cmdb) {
        do { return try await response.body.collect(upTo: Self.largest) } catch is NIOTooManyBytesError {
          throw SyncFailure(.invalid, "the answer of the cmdb is larger than \(Self.largest >> 20) MiB")
        }
      }
      return try ServerList(json: Array(body.readableBytesView))
    }
  }

  private static func refusal(_ response: HTTPClientResponse) -> SyncFailure {
    var words = "the cmdb answered with status \(response.status.code)"
    if (300...399).contains(response.status.code) {
      words += ", a redirect, and none is followed; write where it leads as the url"
    } else if [.unauthorized, .forbidden].contains(response.status) {
      words += "; see whether the token in tokenFile is right"
    }
    return SyncFailure(.unreachable, words)
  }

  /// Says in words what kept from an answer.
  private static func reached<T>(_ cmdb: CMDB, _ body: () async throws -> T) async throws -> T {
    let why: String
    do { return try await body() } catch let error as NIOConnectionError {
      why = error.connectionErrors.first.map { "\($0.error)" } ?? "\(error.host) was not found"
    } catch let error as IOError {
      why = String(cString: strerror(error.errnoCode))
    } catch let error as HTTPClientError where [.deadlineExceeded, .connectTimeout].contains(error) {
      throw SyncFailure.silent(cmdb)
    }
    throw SyncFailure(.unreachable, "the cmdb can't be reached: \(why)")
  }

  /// What the file holds now: a token that is changed there holds from the next request on.
  private static func token(_ path: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw SyncFailure(
        .unreachable, "the token can't be read: there is no file \(path), or this user may not read it")
    }
    let text = String(decoding: data.prefix(16_384), as: UTF8.self)
    guard let token = text.split(whereSeparator: \.isWhitespace).first, data.count <= 16_384,
      text.split(whereSeparator: \.isWhitespace).count == 1,
      token.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 32 && $0.value != 127 })
    else { throw SyncFailure(.unreachable, "\(path) holds no token: one word is expected, without spaces") }
    return String(token)
  }
}
