/// One of the steps that are run on a server, in the order in which they run: the five that put a version on
/// it, and the one that runs a script there instead.
public enum Stage: String, Codable, Sendable, CaseIterable, Hashable, Comparable {
  /// Out of the load balancer, and its requests drained.
  case markdown = "MARKDOWN"
  /// The package on the server's disk, its digest verified.
  case download = "DOWNLOAD"
  /// The package made the running version.
  case install = "INSTALL"
  /// Ignition: the health check passes and reports the wanted version.
  case verify = "VERIFY"
  /// Back into the load balancer.
  case markup = "MARKUP"
  /// A day-2 run's script. It stands where Install stands, and never beside it.
  case run = "RUN"

  /// The place of the stage in the order, from 0.
  public var index: Int {
    switch self {
    case .markdown: 0
    case .download: 1
    case .install, .run: 2
    case .verify: 3
    case .markup: 4
    }
  }

  /// The digit by which it is stored.
  var digit: Int { self == .run ? 5 : index }

  /// The stage of a digit; nil where there is none.
  init?(digit: Int) {
    guard Stage.allCases.indices.contains(digit) else { return nil }
    self = Stage.allCases[digit]
  }

  /// Earlier stages are less than later ones.
  public static func < (a: Stage, b: Stage) -> Bool { a.index < b.index }

  /// Whether it changes what runs on the server: what has begun it can't be put back as it was.
  var changesTheServer: Bool { self == .install || self == .run }

  /// What a rolling target of a release runs: all five.
  public static let rolling: [Stage] = [.markdown, .download, .install, .verify, .markup]
  /// What the bastion runs first: everything but Markup, which is the bake.
  public static let smoke: [Stage] = [.markdown, .download, .install, .verify]
  /// What the bake runs: Verify once more, then Markup.
  public static let bake: [Stage] = [.verify, .markup]
}
