import Rollout

/// A deployment as it is stored, with what the queue keeps beside it.
struct SimulatedRecord {
  var deployment: Deployment
  var revision = 0
  var limit = Limit()
  /// The latest chain of each server.
  var chains: [String: Int] = [:]
  /// The instants for which a look has been asked: asked for twice, it comes once.
  var wakes: Set<Milliseconds> = []
  /// Chains of the present work that are not over.
  var left = 0
  /// The events since it was created, replayed.
  var replaying = Replaying()
  /// The largest limit that was ever in force.
  var largestLimit: Int
  /// The deployment that takes it back.
  var rollback: Int?
  var checks: [CheckResult] = []
  /// Servers that it has out of service.
  var out = 0
  /// Whether work of a rolling batch was ever handed over.
  var rolled = false

  struct Limit {
    var bound = 1
    var failures = 0
    var tripped = false
  }

  init(_ deployment: Deployment) {
    self.deployment = deployment
    largestLimit = deployment.limit
    replaying.apply(.created(deployment))
  }
}
