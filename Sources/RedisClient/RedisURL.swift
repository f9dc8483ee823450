extension RedisConfiguration {
  /// Reads a URL.
  ///
  /// - `redis://[[user]:password@]host[:port][/database]`, port 6379
  /// - `rediss://…` the same through TLS
  /// - `unix://[[user]:password@]/path/to/socket[?db=number]`
  ///
  /// Options follow `?` and are joined by `&`: `db` database, `name` client name, `timeout` seconds for a
  /// command, `connect-timeout` seconds for an attempt; for TLS `ca`, `cert` and `key` PEM files and
  /// `server-name`. What means something in a URL itself is written in percent form: `p%40ss` for `p@ss`.
  ///
  /// - Throws: ``RedisError`` with code ``RedisError/Code/invalid`` that names the faulty part, and never
  ///   repeats the password.
  public init(url: String) throws(RedisError) {
    let parts = try URLParts(url)
    switch parts.scheme {
    case "redis", "rediss":
      self.init(try parts.tcpAddress(), tls: parts.scheme == "rediss" ? TLS() : nil)
      if !parts.path.isEmpty, parts.path != "/" {
        database = try URLParts.number(String(parts.path.dropFirst()), of: "the database after /", 0...65_535)
      }
    case "unix", "redis+unix":
      guard parts.host.isEmpty, parts.path.utf8.count > 1 else {
        throw URLParts.invalid("unix:// needs an absolute path: unix:///run/redis.sock")
      }
      self.init(.unix(path: parts.path))
    default:
      throw URLParts.invalid("the scheme must be redis, rediss or unix")
    }
    username = parts.username
    password = parts.password.map(Password.init(_:))
    for (name, value) in parts.options { try set(option: name, to: value) }
  }

  private mutating func set(option name: String, to value: String) throws(RedisError) {
    switch name {
    case "db": database = try URLParts.number(value, of: "db", 0...65_535)
    case "name":
      guard !value.isEmpty, value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
        throw URLParts.invalid("name must be printable ASCII without spaces")
      }
      clientName = value
    case "timeout": commandTimeout = .seconds(try URLParts.number(value, of: name, 1...86_400))
    case "connect-timeout": connectTimeout = .seconds(try URLParts.number(value, of: name, 1...86_400))
    case "ca" where tls != nil: tls?.certificateAuthorities = value
    case "cert" where tls != nil: tls?.certificate = value
    case "key" where tls != nil: tls?.privateKey = value
    case "server-name" where tls != nil: tls?.serverName = value
    case "ca", "cert", "key", "server-name":
      throw URLParts.invalid("\(name) belongs to TLS: write rediss:// in place of redis://")
    default:
      throw URLParts.invalid(
        "there is no option '\(name)'; there are db, name, timeout, connect-timeout, ca, cert, key, server-name"
      )
    }
  }
}

/// A URL taken apart, percent forms resolved.
private struct URLParts {
  var scheme = ""
  var username: String?
  var password: String?
  var host = ""
  var port: String?
  var path = ""
  var options: [(String, String)] = []

  static func invalid(_ what: String) -> RedisError {
    RedisError(.invalid, "This is no usable Redis URL: \(what).")
  }

  static func number(_ text: String, of name: String, _ range: ClosedRange<Int>) throws(RedisError) -> Int {
    guard let number = Int(text), range.contains(number) else {
      throw invalid("\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  init(_ url: String) throws(RedisError) {
    guard let mark = url.firstRange(of: "://") else {
      throw Self.invalid("it must begin with redis://, rediss:// or unix://")
    }
    scheme = url[..<mark.lowerBound].lowercased()
    var rest = url[mark.upperBound...]
    if let hash = rest.firstIndex(of: "#") {
      throw Self.invalid(
        "'#' after \(url.distance(from: url.startIndex, to: hash)) characters; write it as %23")
    }
    if let question = rest.firstIndex(of: "?") {
      for option in rest[question...].dropFirst().split(separator: "&") {
        let pair = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard pair.count == 2 else { throw Self.invalid("an option without a value; write name=value") }
        options.append((try Self.decode(pair[0]), try Self.decode(pair[1])))
      }
      rest = rest[..<question]
    }
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    path = try Self.decode(rest[slash...])
    var authority = rest[..<slash]
    if let at = authority.lastIndex(of: "@") {
      let user = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      if !user[0].isEmpty { username = try Self.decode(user[0]) }
      if user.count == 2 { password = try Self.decode(user[1]) }
      if username != nil, password == nil { throw Self.invalid("there is a user name and no password") }
      authority = authority[authority.index(after: at)...]
    }
    if authority.first == "[", let end = authority.firstIndex(of: "]") {
      host = String(authority[authority.index(after: authority.startIndex)..<end])
      authority = authority[authority.index(after: end)...]
      guard authority.isEmpty || authority.first == ":" else { throw Self.invalid("text after ]") }
    } else {
      let end = authority.firstIndex(of: ":") ?? authority.endIndex
      host = try Self.decode(authority[..<end])
      authority = authority[end...]
    }
    if authority.first == ":" { port = String(authority.dropFirst()) }
  }

  func tcpAddress() throws(RedisError) -> RedisConfiguration.Address {
    guard !host.isEmpty else { throw Self.invalid("there is no host") }
    guard let port else { return .tcp(host: host, port: 6379) }
    return .tcp(host: host, port: try Self.number(port, of: "the port", 1...65_535))
  }

  /// Resolves `%41` to `A`. Works on bytes, as percent forms are bytes of UTF-8.
  static func decode(_ text: Substring) throws(RedisError) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      else {
        throw invalid("after % there must be two hexadecimal digits; write % itself as %25")
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else { throw invalid("it is not UTF-8") }
    return decoded
  }
}
