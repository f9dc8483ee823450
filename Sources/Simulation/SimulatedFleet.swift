import Rollout

/// A server as it really is.
struct SimulatedServer {
  let host: String
  /// The version on it; nil while it is half installed.
  var version: String?
  /// Whether the load balancer would send it requests if it answered.
  var inRotation = true
  /// Unreachable.
  var gone = false
  /// Says that it runs whatever is asked for.
  var lies = false
  /// Whether a Markdown of ours wants it out: what is asserted again after the balancer's restart.
  var isDrained = false
  /// Which deployment took it out of service and has not put it back.
  var outBy: Int?
  /// Why it is pulled out.
  var flag: String?
  /// The newest run that it has seen: older ones are refused.
  var fence = Fence()
  /// Who works on it, or did last.
  var worker: (chain: Int, generation: Int)?
  /// Whether anything but us changed what it runs or whether it serves.
  var meddled = false

  var isInService: Bool { inRotation && !gone && version != nil }

  /// What it says it runs.
  func says(_ wanted: String) -> Bool { lies || version == wanted }
}

/// What a host keeps of the runs that it has seen.
struct Fence: Comparable {
  var number = 0
  var attempt = 0
  var ticket = 0
  var generation = 0

  static func < (a: Fence, b: Fence) -> Bool {
    (a.number, a.attempt, a.ticket, a.generation) < (b.number, b.attempt, b.ticket, b.generation)
  }
}

/// What becomes of one stage on one server.
enum Fate {
  case works
  case stumbles
  case fails
  case hangs
}

/// The load balancer.
struct SimulatedBalancer {
  var away = false
  /// Until its intended states stand again after a restart.
  var forgetful = false

  /// Nothing goes on before its intended states stand again.
  var answers: Bool { !away && !forgetful }
}
