public import Delivery
public import Fleet
public import Rollout
public import TaskQueue

/// Looks at servers as they are: what they answer, and what stands on their disks. Changes nothing.
public struct InspectTask: QueueTask {
  /// Some servers of one group.
  public struct Input: Codable, Sendable {
    public var servers: [Server]
    public var health: HealthCheck
    public var hosts: HostDriver

    public init(servers: [Server], health: HealthCheck, hosts: HostDriver) {
      self.servers = servers
      self.health = health
      self.hosts = hosts
    }
  }

  public static let name = "fleet.inspect"
  private let drivers: Drivers

  public init(_ drivers: Drivers) { self.drivers = drivers }

  /// - Returns: what was found of each, in their order; neither the load balancer nor flags are asked for.
  public func run(_ input: Input, _ context: TaskContext) async throws -> [ServerState] {
    var found: [ServerState] = []
    for server in input.servers {
      let answer = try await drivers.probe.ask(server, input.health)
      var state = ServerState(host: server.host, version: answer.version)
      do {
        let disk = try await drivers.host(input.hosts).inspect(server)
        if answer.status == nil {
          state.unreachable = answer.error ?? "no answer"
        } else if disk.version == answer.version {
          state.sha256 = disk.sha256
        } else if let version = disk.version {
          // What answers is not what the disk says should run.
          state.version = answer.version ?? version
        }
      } catch let failure as DeliveryFailure {
        state.unreachable = failure.message
      }
      found.append(state)
    }
    return found
  }
}
