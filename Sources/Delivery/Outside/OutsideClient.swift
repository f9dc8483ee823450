import AsyncHTTPClient
import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The HTTP clients for what groups' files name. They live as long as the process.
enum OutsideClient {
  /// For secrets that are meant for who was named, and nobody else.
  static let stayingThere = HTTPClient(
    eventLoopGroupProvider: .singleton, configuration: configuration(redirects: .disallow))

  /// Follows redirects, without a token to another host. What comes is taken as it lies there: some servers say of a `.gz`
  /// that it is an encoding, and undoing that would give another file.
  static let following = HTTPClient(
    eventLoopGroupProvider: .singleton, configuration: configuration(redirects: nil))

  /// One that can't be connected to is told of at once; whoever asks knows best when to try again.
  private static func configuration(
    redirects: HTTPClient.Configuration.RedirectConfiguration?
  ) -> HTTPClient.Configuration {
    var configuration = HTTPClient.Configuration(redirectConfiguration: redirects, decompression: .disabled)
    configuration.connectionPool.retryConnectionEstablishment = false
    return configuration
  }

  /// Why there was no answer, in words.
  static func words(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
      error.connectionErrors.first.map { words($0.error) } ?? "\(error.host) was not found"
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case let error as HTTPClientError where error == .deadlineExceeded || error == .connectTimeout:
      "none in time"
    default: "\(error)"
    }
  }
}
