import AsyncHTTPClient
import Fleet
import NIOCore
import NIOHTTP1

/// One GET of something that lies at an origin of packages. Redirects are followed, as to a store of objects; a token is
/// sent to the origin alone.
struct OriginRequest: Sendable {
  struct Failed: Error, CustomStringConvertible {
    let description: String
    /// Whether the origin failed, and not what was asked of it.
    let isOfOrigin: Bool
    /// Whether there is no such thing.
    let isMissing: Bool

    init(_ description: String, isOfOrigin: Bool = true, isMissing: Bool = false) {
      self.description = description
      self.isOfOrigin = isOfOrigin
      self.isMissing = isMissing
    }
  }

  private let origin: PackageOrigin
  private let name: String

  init(_ origin: PackageOrigin, _ name: String) {
    self.origin = origin
    self.name = name
  }

  /// A short text.
  func text(within limit: Duration) async throws -> String {
    try await answering(within: limit) { body in
      String(buffer: try await body.collect(upTo: 64 * 1024))
    }
  }

  /// A file, written as it comes.
  ///
  /// - Returns: its SHA-256, in lower-case hexadecimal, and its size in bytes. It is on the disk then.
  func download(
    to file: String, atMost most: Int, within limit: Duration
  ) async throws -> (sha256: String, size: Int) {
    try await answering(within: limit) { body in
      let draft = try DraftFile(file)
      for try await part in body {
        guard draft.size + part.readableBytes <= most else {
          throw Failed(
            "\(name) is larger than \(most) bytes, the most that is fetched; push it by hand",
            isOfOrigin: false)
        }
        try await Disk.offloaded { try draft.append(Array(part.readableBytesView)) }
      }
      return try await Disk.offloaded { (try draft.finish(), draft.size) }
    }
  }

  private func answering<T: Sendable>(
    within limit: Duration, _ body: @escaping @Sendable (HTTPClientResponse.Body) async throws -> T
  ) async throws -> T {
    var request = HTTPClientRequest(url: "\(origin.url)/\(name)")
    request.headers.add(name: "User-Agent", value: "drawbar")
    if let tokenFile = origin.tokenFile {
      request.headers.add(name: "Authorization", value: "Bearer \(try BearerToken.read(tokenFile))")
    }
    let sent = request
    do {
      return try await withThrowingTaskGroup(of: T?.self) { group in
        group.addTask {
          let response = try await OutsideClient.following.execute(sent, timeout: TimeAmount(limit))
          try check(Int(response.status.code))
          return try await body(response.body)
        }
        group.addTask {
          try await Task.sleep(for: limit)
          return nil
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() ?? nil else {
          throw Failed("\(name) did not come within \(limit)")
        }
        return result
      }
    } catch {
      try Task.checkCancellation()
      switch error {
      case is Failed, is DeliveryFailure: throw error
      case is DiskError: throw Failed("the package store can't be written: \(error)", isOfOrigin: false)
      default: throw Failed("no answer to \(name): \(OutsideClient.words(error))")
      }
    }
  }

  private func check(_ status: Int) throws(Failed) {
    switch status {
    case 200: return
    case 404, 410: throw Failed("there is no \(name) (status \(status))", isOfOrigin: false, isMissing: true)
    case 401, 403:
      throw Failed(
        "\(name) is not given to us (status \(status)); see to the token in packages.tokenFile",
        isOfOrigin: false)
    case 429, 500...: throw Failed("\(name): status \(status)")
    default: throw Failed("\(name): status \(status)", isOfOrigin: false)
    }
  }
}
