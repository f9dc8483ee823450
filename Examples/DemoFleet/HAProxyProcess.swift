import Fleet
import FoundationEssentials
import Subprocess

/// A real HAProxy before the fleet, with its runtime API on a unix socket.
struct HAProxyProcess: Sendable {
  struct Ended: Error, CustomStringConvertible {
    let status: String
    let log: String
    var description: String { "haproxy ended (\(status)): \(log)" }
  }

  let directory: String
  let backend: String
  let servers: [Server]
  let block: LoopbackBlock
  /// Whether it checks the servers' health.
  var checks = true
  /// Whether it reads the servers' states from a file when it starts.
  var keepsStates = false
  let control: HAProxyControl

  var endpoint: HAProxyEndpoint {
    HAProxyEndpoint(
      address: .unix(path: "\(directory)/haproxy.sock"), backend: backend,
      stateFile: keepsStates ? "\(directory)/haproxy.state" : nil)
  }
  var url: String { "http://\(entrance)/" }
  private var entrance: String { "\(block.address(LoopbackBlock.entrance)):\(block.port)" }

  /// A request is tried on another server where the connection could not be made, and a GET also where the server ended
  /// before it answered: it may be done twice without harm.
  /// A server in service that fails three checks in a row is taken for failed.
  private var configuration: String {
    let rows = servers.map { "  server \($0.host) \($0.address):\($0.port)" }
    let global = keepsStates ? "server-state-file \(directory)/haproxy.state" : ""
    let defaults = keepsStates ? "load-server-state-from-file global" : ""
    return """
      global
        stats socket \(directory)/haproxy.sock mode 600 level admin
        stats maxconn 64
        maxconn 2000
        hard-stop-after 1s
        \(global)

      defaults
        mode http
        timeout connect 1s
        timeout client 60s
        timeout server 30s
        timeout queue 5s
        timeout check 2s
        option redispatch
        retries 3
        retry-on conn-failure empty-response
        \(defaults)

      frontend requests
        bind \(entrance)
        default_backend \(backend)

      backend \(backend)
        balance roundrobin
        http-request disable-l7-retry unless METH_GET
        option httpchk GET /health
        http-check expect status 200
        default-server \(checks ? "check inter 200ms fall 3 rise 2" : "no-check")
      \(rows.joined(separator: "\n"))

      """
  }

  /// Runs HAProxy while the body runs. It answers on its socket when the body begins.
  ///
  /// - Throws: ``Ended`` with the end of its log, where it ends before the body; what the body throws.
  func run<T>(_ body: () async throws -> T) async throws -> T {
    let file = "\(directory)/haproxy.cfg"
    let log = "\(directory)/haproxy.log"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Data(configuration.utf8).write(to: URL(filePath: file), options: .atomic)
    if keepsStates, !FileManager.default.fileExists(atPath: "\(directory)/haproxy.state") {
      // HAProxy warns of a file that is not there, and begins with what its configuration says.
      try Data().write(to: URL(filePath: "\(directory)/haproxy.state"))
    }
    return try await withThrowingTaskGroup { group in
      group.addTask {
        while true {
          try await control.untilWanted()
          try await start(file, log)
        }
      }
      defer { group.cancelAll() }
      while !FileManager.default.fileExists(atPath: "\(directory)/haproxy.sock") {
        if let status = control.endedBy {
          let text = try String(contentsOfFile: log, encoding: .utf8)
          throw Ended(status: "\(status)", log: text)
        }
        try await Task.sleep(for: .milliseconds(20))
      }
      return try await body()
    }
  }

  /// Runs one life of it.
  private func start(_ file: String, _ log: String) async throws {
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(3))]
    // Debian keeps it where only root looks.
    let result = try await Subprocess.run(
      .name("sh"),
      arguments: [
        "-c", #"PATH=$PATH:/usr/local/sbin:/usr/sbin; echo $$ >"$3"; exec haproxy -db -f "$1" >>"$2" 2>&1"#,
        "haproxy", file, log, control.pidFile,
      ],
      platformOptions: options, output: .discarded, error: .discarded)
    control.ended(result.terminationStatus)
  }
}
