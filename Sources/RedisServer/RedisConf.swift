internal import RedisClient

/// The text of a redis.conf.
struct RedisConf: Equatable {
  let text: String

  init(files: ServerFiles, options: RedisServer.Options, port: Int?) {
    var settings: [(String, [String])] = [
      ("port", [options.network?.tls == nil ? "\(port ?? 0)" : "0"]),
      ("bind", ["127.0.0.1"]),
      ("unixsocket", [files.socket]),
      ("unixsocketperm", ["700"]),
      ("dir", [files.directory]),
      ("save", [""]),
      // Chains are hashes of a few fields, of which one has the arguments: kept as one piece of memory, and not as a
      // table with a piece for each, a chain takes Redis half as much. By the name that 6.2 knows, too.
      ("hash-max-ziplist-value", ["1024"]),
      ("maxmemory-policy", ["noeviction"]),
      ("appendonly", [options.appendOnly == .off ? "no" : "yes"]),
      ("appendfsync", [options.appendOnly == .always ? "always" : "everysec"]),
    ]
    if let tls = options.network?.tls {
      settings += [
        ("tls-port", ["\(port ?? 0)"]),
        ("tls-cert-file", [tls.certificate]),
        ("tls-key-file", [tls.privateKey]),
        ("tls-ca-cert-file", [tls.certificateAuthorities]),
        ("tls-auth-clients", [tls.clientsNeedCertificates ? "yes" : "no"]),
      ]
    }
    if let password = options.password { settings.append(("requirepass", [password.value])) }
    for (name, value) in options.settings.sorted(by: { $0.key < $1.key }) {
      settings.append((name, [value]))
    }
    text = settings.map { name, values in
      ([name] + values.map(Self.quoted)).joined(separator: " ") + "\n"
    }.joined()
  }

  /// A value as redis.conf takes it, whatever bytes are in it: no value can end its line.
  static func quoted(_ value: String) -> String {
    var text = "\""
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
      case 0x20..<0x7f: text += String(UnicodeScalar(byte))
      default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text + "\""
  }
}
