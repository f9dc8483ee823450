import Console
import Fleet
import Rollout

/// The circuits that processes have open, as people are told of them: one word for each system and endpoint, however
/// many processes say so.
struct OpenCircuits {
  struct Told {
    var system: Degradation.System
    var endpoint: String
    /// Those who say so, the first to open it first.
    var reports: [ReportedCircuit]

    /// The first, and how many others.
    var sayers: String {
      let first = reports[0].process
      let others = reports.count - 1
      return "\(first.name) \(first.pid) on \(first.host)" + (others == 0 ? "" : " and \(others) more")
    }
  }

  let told: [Told]

  /// - Parameter reports: in the order in which the store gives them.
  init(_ reports: [ReportedCircuit]) {
    var told: [Told] = []
    for report in reports {
      if let last = told.last, last.system == report.system, last.endpoint == report.endpoint {
        told[told.count - 1].reports.append(report)
      } else {
        told.append(Told(system: report.system, endpoint: report.endpoint, reports: [report]))
      }
    }
    self.told = told
  }

  /// What every command says first.
  var banners: [String] {
    told.map {
      let why = $0.reports[0].why
      return "OPEN CIRCUIT: \($0.system.rawValue) at \($0.endpoint) is not asked, says \($0.sayers): "
        + (why.count <= 120 ? why : why.prefix(119) + "… See: drawbar degrade ls")
    }
  }

  /// - Parameter now: milliseconds since 1970, by Redis' clock.
  func table(now: Milliseconds) -> [Line] {
    var table = Table("circuit open", "at", "for", "says", "after")
    for one in told {
      table.add([
        Line(one.system.rawValue, .bold), Line(one.endpoint),
        Line(Board.elapsed(max(0, now - one.reports[0].since))), Line(one.sayers), Line(one.reports[0].why),
      ])
    }
    return table.lines
  }
}
