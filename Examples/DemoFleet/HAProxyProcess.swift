import Fleet
import FoundationEssentials
import Subprocess
import Synchronization

/// A real HAProxy before the fleet, with its runtime API on a unix socket.
struct HAProxyProcess: Sendable {
  struct Ended: Error, CustomStringConvertible {
    let status: String
    let log: String
    var description: String { "haproxy ended (\(status)): \(log)" }
  }

  /// How it ended, where it did.
  private final class End: Sendable {
    let status = Mutex<TerminationStatus?>(nil)
  }

  let directory: String
  let backend: String
  let servers: [Server]
  let block: LoopbackBlock
  /// Whether it checks the servers' health.
  var checks = true

  var endpoint: HAProxyEndpoint {
    HAProxyEndpoint(address: .unix(path: "\(directory)/haproxy.sock"), backend: backend)
  }
  var url: String { "http://\(entrance)/" }
  private var entrance: String { "\(block.address(LoopbackBlock.entrance)):\(block.port)" }

  /// A request is tried on another server only where the connection could not be made, so none is done twice.
  /// A server in service that fails three checks in a row is taken for failed.
  private var configuration: String {
    let rows = servers.map { "  server \($0.host) \($0.address):\($0.port)" }
    return """
      global
        stats socket \(directory)/haproxy.sock mode 600 level admin
        stats maxconn 64
        maxconn 2000
        hard-stop-after 1s

      defaults
        mode http
        timeout connect 1s
        timeout client 60s
        timeout server 30s
        timeout queue 5s
        timeout check 2s
        option redispatch
        retries 3
        retry-on conn-failure

      frontend requests
        bind \(entrance)
        default_backend \(backend)

      backend \(backend)
        balance roundrobin
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
    try? FileManager.default.removeItem(atPath: "\(directory)/haproxy.sock")
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(3))]
    let end = End()
    return try await withThrowingTaskGroup { group in
      group.addTask { [options] in
        // Debian keeps it where only root looks.
        let result = try await Subprocess.run(
          .name("sh"),
          arguments: [
            "-c", #"PATH=$PATH:/usr/local/sbin:/usr/sbin; exec haproxy -db -f "$1" >"$2" 2>&1"#, "haproxy",
            file,
            log,
          ],
          platformOptions: options, output: .discarded, error: .discarded)
        end.status.withLock { $0 = result.terminationStatus }
      }
      defer { group.cancelAll() }
      while !FileManager.default.fileExists(atPath: "\(directory)/haproxy.sock") {
        if let status = end.status.withLock({ $0 }) {
          let text = try String(contentsOfFile: log, encoding: .utf8)
          throw Ended(status: "\(status)", log: text)
        }
        try await Task.sleep(for: .milliseconds(20))
      }
      return try await body()
    }
  }
}
