/// One of the five steps that put a version on a server, in the order in which they run.
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

  /// The place of the stage in the order, from 0.
  public var index: Int {
    switch self {
    case .markdown: 0
    case .download: 1
    case .install: 2
    case .verify: 3
    case .markup: 4
    }
  }

  /// The stage at a place of the order; nil where there is none.
  init?(index: Int) {
    guard Stage.allCases.indices.contains(index) else { return nil }
    self = Stage.allCases[index]
  }

  /// Earlier stages are less than later ones.
  public static func < (a: Stage, b: Stage) -> Bool { a.index < b.index }

  /// What a rolling target runs: all five.
  public static let rolling = Stage.allCases
  /// What the bastion runs first: everything but Markup, which is the bake.
  public static let smoke: [Stage] = [.markdown, .download, .install, .verify]
  /// What the bake runs: Verify once more, then Markup.
  public static let bake: [Stage] = [.verify, .markup]
}
