public import Rollout

/// A deployment at one moment, as `watch` and `show` draw it. Drawing is a pure function of this value.
public struct Board: Sendable, Equatable {
  /// The deployment, its targets as they are just now.
  public var deployment: Deployment
  /// The server's time.
  public var now: Milliseconds
  /// F: the failures that count towards the limit.
  public var failures: Int
  /// When the coordinator goes on by itself; nil where it waits for work that runs, or for a person.
  public var nextStepAt: Milliseconds?
  /// What a person may do now.
  public var allowed: [ActionName]

  public init(
    deployment: Deployment, now: Milliseconds, failures: Int, nextStepAt: Milliseconds? = nil,
    allowed: [ActionName] = []
  ) {
    self.deployment = deployment
    self.now = now
    self.failures = failures
    self.nextStepAt = nextStepAt
    self.allowed = allowed
  }

  /// The header, then a line a target.
  /// - Parameter rows: how many lines there may be; nil for all. Where targets don't fit, those that run or
  ///   failed are shown first and the rest is counted.
  public func lines(rows: Int? = nil) -> [Line] {
    let head = header + [Line()]
    let room = rows.map { max(0, $0 - head.count - 1) }
    return head + targets(room: room)
  }
}

// MARK: The header

extension Board {
  var header: [Line] {
    var lines = [title, Line("  ") + progress]
    if let reason { lines.append(Line("  why   ", .faint) + reason) }
    if let next { lines.append(Line("  next  ", .faint) + next) }
    return lines
  }

  private var title: Line {
    var line = Line(deployment.id, .bold) + Line("  \(deployment.package.app) ")
    if let run = deployment.dayTwo {
      line += Line(([run.script] + run.arguments).joined(separator: " "), .bold)
    } else {
      line += Line("\(deployment.fromVersion ?? "?") → ") + Line(deployment.package.version, .bold)
    }
    line += Line("  ") + Line(deployment.state.rawValue, deployment.state.paint)
    switch deployment.kind {
    case .scaleOut: line += Line("  scale-out", .faint)
    case .heal: line += Line("  healing", .faint)
    case .dayTwo: line += Line("  day-2 run", .faint)
    case .release, .rollback: break
    }
    if let campaign = deployment.campaign { line += Line("  of \(campaign)", .faint) }
    if deployment.kind == .rollback {
      line += Line("  rollback" + (deployment.origin.map { " of \($0)" } ?? ""), .faint)
    }
    if deployment.attempt > 1 { line += Line("  attempt \(deployment.attempt)", .faint) }
    return line
  }

  private var progress: Line {
    let targets = deployment.batches.flatMap(\.targets)
    let done = targets.count { $0.state.isGood }
    return stand + Line("   brake ", .faint) + meter
      + Line("   done ", .faint) + Line("\(done)/\(targets.count)")
      + (deployment.startedAt.map {
        Line("   for ", .faint) + Line(Self.elapsed((deployment.endedAt ?? now) - $0))
      }
        ?? Line())
  }

  /// Where the roll-out stands: `batch 2 of 4`.
  private var stand: Line {
    let rolling = deployment.batches.filter { $0.kind == .rolling }
    let started = rolling.count { $0.state != .pending }
    if started == 0, let bastion = deployment.batches.first, bastion.kind == .bastion {
      return Line("bastion ", .faint) + Line(bastion.targets.first?.host ?? "")
    }
    return Line("batch ", .faint) + Line("\(started)") + Line(" of ", .faint) + Line("\(rolling.count)")
  }

  /// One mark a failure up to the limit: `▮▮▯ 2/3`.
  private var meter: Line {
    let limit = max(deployment.limit, 1)
    let width = min(limit, 10)
    let filled = failures >= limit ? width : min(width - 1, (failures * width + limit - 1) / limit)
    let paint: Paint = failures >= limit ? .red : (failures > 0 ? .yellow : .green)
    return Line(String(repeating: "▮", count: max(0, filled)), paint)
      + Line(String(repeating: "▯", count: width - max(0, filled)), .faint)
      + Line(" \(failures)/\(limit)", paint)
  }

  /// One sentence on why it stands where it stands; nil where that needs none.
  public var reason: Line? {
    switch deployment.state {
    case .braked:
      return deployment.braked.map { Line($0.reason, .red) }
    case .smokeFailure, .bakeFailure:
      let target = deployment.batches.first?.targets.first
      return target?.failure.map { Line("\(target?.host ?? ""): \($0.code.rawValue): \($0.message)", .red) }
    case .failure:
      let failed = deployment.batches.flatMap(\.targets).filter(\.state.isFailure).map(\.host)
      return Line("\(failed.count) failed: \(failed.prefix(5).joined(separator: ", "))", .red)
        + Line(failed.count > 5 ? ", …" : "", .red)
    case .paused, .revoking, .revoked:
      return deployment.log.last { $0.state == deployment.state }.map { entry in
        Line("\(entry.what) by \(entry.by)" + (entry.why.map { ": \($0)" } ?? ""))
      }
    default: return nil
    }
  }

  /// What comes next, and who does it; nil where it runs.
  public var next: Line? {
    if let nextStepAt, nextStepAt > now {
      let what =
        switch deployment.state {
        case .smokeSuccess: "bake opens"
        case .bakeSuccess: "roll-out opens"
        default: "next batch"
        }
      return Line("\(what) in ") + Line(Self.countdown(nextStepAt - now), .cyan)
    }
    guard !moves.isEmpty else { return nil }
    return Line("waits for you: ")
      + Line(moves.map { "drawbar \($0) \(deployment.id)" }.joined(separator: ", or "), .cyan)
  }

  /// What leads on from a state that waits for a person.
  private var moves: [String] {
    let words: [ActionName] =
      switch deployment.state {
      case .pending: [.start]
      case .smokeSuccess: [.bake]
      case .bakeSuccess: [.rollout]
      case .paused: [.continue]
      case .rollingOut: [.continue]
      case .smokeFailure, .bakeFailure: [.retry]
      case .failure: [.retry, .accept]
      case .braked: [.retry, .resume]
      default: []
      }
    let failed: Set<DeploymentState> = [.smokeFailure, .bakeFailure, .failure, .braked]
    return words.filter(allowed.contains).map(\.rawValue)
      + (failed.contains(deployment.state) && deployment.mayBeRolledBack ? ["rollback"] : [])
  }

  /// `250ms`, `4.2s`, `3m12s`.
  public static func elapsed(_ milliseconds: Milliseconds) -> String {
    switch max(0, milliseconds) {
    case let short where short < 1_000: "\(short)ms"
    case let short where short < 60_000: "\(short / 1_000).\(short % 1_000 / 100)s"
    case let long where long < 3_600_000: "\(long / 60_000)m\(twoDigits(long / 1_000 % 60))s"
    case let long: "\(long / 3_600_000)h\(twoDigits(long / 60_000 % 60))m"
    }
  }

  /// Whole seconds, rounded up, so that it reads 1 until the moment has come.
  static func countdown(_ milliseconds: Milliseconds) -> String {
    let seconds = (max(0, milliseconds) + 999) / 1_000
    return seconds < 60 ? "\(seconds)s" : "\(seconds / 60)m\(twoDigits(seconds % 60))s"
  }

  private static func twoDigits(_ number: Milliseconds) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension DeploymentState {
  /// Green has gone well, red needs a person, cyan is under way.
  public var paint: Paint {
    switch self {
    case .success: .green
    case .smokeFailure, .bakeFailure, .failure: .red
    case .braked: .alarm
    case .paused, .smokeSuccess, .bakeSuccess, .revoked, .revoking: .yellow
    case .smoking, .baking, .rollingOut: .cyan
    case .pending: .faint
    }
  }
}
