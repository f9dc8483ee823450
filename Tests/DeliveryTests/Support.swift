import Delivery
import DemoFleet
import Fleet
import FoundationEssentials
import Rollout
import Testing
import Workflows

#if canImport(Glibc)
  import Glibc
#endif

func write(_ text: String, to path: String, executable: Bool = false) throws {
  let folder = path.split(separator: "/").dropLast().joined(separator: "/")
  try FileManager.default.createDirectory(atPath: "/\(folder)", withIntermediateDirectories: true)
  try Data(text.utf8).write(to: URL(filePath: path))
  if executable {
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }
}

func text(of path: String) throws -> String {
  String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
}

/// The failure that the body throws.
func failure(_ body: () async throws -> Void) async throws -> DeliveryFailure {
  do { try await body() } catch let failure as DeliveryFailure { return failure }
  struct NothingThrown: Error {}
  throw NothingThrown()
}

func token(_ generation: Int, deployment: Int = 1) -> FenceToken {
  FenceToken(epoch: 0, deployment: deployment, attempt: 1, order: 0, generation: generation)
}

extension DemoFleet {
  /// What the stages of one server are given.
  func input(_ index: Int, _ package: PublishedPackage, rules: StageRules = StageRules()) -> StageInput {
    let group = group(config: DeploymentConfig())
    return StageInput(
      deployment: "shop-1", number: 1, attempt: 1, group: group.name, server: servers[index],
      package: package.reference, health: group.health, balancer: group.balancer,
      scripts: HostScripts.defaults, rules: rules)
  }
}

/// What people say, as a test has them say it.
struct Said: StageOrders {
  var off: Degradation.System?
  var pulledOut: String?
  var told = ToldLife.any

  func leftOut(_ system: Degradation.System) async throws -> Degradation.Switch? {
    var said = Degradation()
    guard let off else { return nil }
    try said.degrade([off], by: "ann", reason: "fire", now: 0, for: 1_000)
    return said.inForce(system, at: 1)
  }

  func pulledOut(_ host: String, of group: String) async throws -> String? { pulledOut }
  func toldLife(of balancer: HAProxyEndpoint) async throws -> ToldLife { told }
}

extension DemoFleet {
  /// The stages, with people who say something.
  func stages(_ said: Said) -> Stages {
    let balancers = Balancers()
    return Stages(
      Drivers(
        packages: packages, hosts: { _ in LocalHost() }, balancers: { balancers.balancer($0) }, orders: said,
        balancerPatience: .seconds(1)))
  }
}
