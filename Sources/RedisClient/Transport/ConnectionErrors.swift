internal import NIOCore
internal import NIOPosix
internal import NIOSSL

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

extension RedisError {
  static let closed = RedisError(.closed, "The Redis client is closed.")

  static func lost(_ cause: (any Error)? = nil) -> RedisError {
    RedisError(
      .connectionLost, "The connection to Redis was lost\(cause.map { ": \(words($0))" } ?? "").",
      cause: cause)
  }

  /// What the channel reported.
  static func connection(_ error: any Error) -> RedisError {
    switch error {
    case let error as RedisError: error
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
      RedisError(
        .tls, "TLS with Redis failed: \(error). Check the certificate authority and the server's name.",
        cause: error)
    default: lost(error)
    }
  }

  /// Why no connection came about.
  static func connecting(to address: RedisConfiguration.Address, _ error: any Error) -> RedisError {
    if let error = error as? RedisError { return error }
    var cause = error
    if let several = error as? NIOConnectionError {
      let first: (any Error)? =
        several.connectionErrors.first?.error ?? several.dnsAError ?? several.dnsAAAAError
      cause = first ?? error
    }
    return RedisError(.connectFailed, "There is no Redis at \(address): \(words(cause)).", cause: error)
  }

  /// The system's own words, without those of the layers between.
  private static func words(_ error: any Error) -> String {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case let error as SocketAddressError.UnknownHost: error.errorDescription
    default: "\(error)"
    }
  }

  /// A command whose time passed before there was a connection for it.
  static func unsent(within time: Duration, _ failure: RedisError?) -> RedisError {
    guard let failure else {
      return RedisError(.timeout, "The command was not sent within \(time): the connection is busy.")
    }
    return RedisError(
      failure.code, "The command was not sent within \(time). \(failure.message)", reply: failure.reply,
      cause: failure)
  }

  /// The same failure for a command that was already on its way.
  var afterSending: RedisError {
    RedisError(code, message, mayHaveRun: true, reply: reply, cause: cause)
  }
}

extension TimeAmount {
  /// A duration for the event loop; what exceeds 292 years is cut there.
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    self = .nanoseconds(overflow ? .max / 2 : whole + attoseconds / 1_000_000_000)
  }
}
