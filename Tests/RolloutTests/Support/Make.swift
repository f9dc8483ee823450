import Rollout

/// `web-01` … `web-n`.
func fleet(_ n: Int) -> [PlanServer] {
  (0..<n).map { PlanServer(host: "web-\($0 + 1 < 10 ? "0" : "")\($0 + 1)", inService: true) }
}

func deployment(
  _ n: Int, _ config: DeploymentConfig = DeploymentConfig(), production: Bool = true
) throws -> Deployment {
  deployment(try makePlan(servers: fleet(n), config: config, production: production))
}

func deployment(
  _ plan: Plan, kind: Deployment.Kind = .release, dayTwo: DayTwo? = nil
) -> Deployment {
  Deployment(
    id: "web-1", group: "web", number: 1, kind: kind,
    package: PackageVersion(app: "shop", version: "2", sha256: "00"), dayTwo: dayTwo, plan: plan,
    createdAt: 1_000,
    createdBy: "ann")
}

extension DeploymentConfig {
  /// Every gate opens by itself.
  static func automatic(
    ratio: Int = 25, brake: Int? = nil, bastion: Bool = true, wait: Milliseconds = 0,
    list: [BatchSize]? = nil,
    minInService: Quantity? = nil
  ) -> DeploymentConfig {
    DeploymentConfig(
      maxPullOutRatio: ratio, brakeRatio: brake, batches: list, minInService: minInService,
      batchWait: wait, bastion: bastion, gates: Gates(bake: .auto(), rollout: .auto(), batches: .auto()))
  }
}
