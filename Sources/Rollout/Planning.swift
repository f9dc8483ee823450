/// Plans a release.
///
/// - Throws: ``PlanRefusal`` where the config is not valid or no server is eligible.
public func makePlan(
  servers: [PlanServer], config: DeploymentConfig, production: Bool
) throws(PlanRefusal) -> Plan {
  throw .nothingEligible(servers: servers.count)
}

/// Plans a rollback: no bastion, no wait, two halves, those out of service first.
///
/// - Parameter servers: the servers that the origin touched.
/// - Throws: ``PlanRefusal`` where there is none.
public func makeRollbackPlan(
  servers: [PlanServer], config: DeploymentConfig, production: Bool
) throws(PlanRefusal) -> Plan {
  throw .nothingEligible(servers: servers.count)
}
