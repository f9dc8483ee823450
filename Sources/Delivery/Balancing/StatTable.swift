/// The servers in an answer to `show stat`: CSV whose first line names its columns. Columns are found by name,
/// so versions of HAProxy that add some are read as well.
struct StatTable: Sendable, Equatable {
  struct Row: Sendable, Equatable {
    /// HAProxy's number of the server in its backend.
    var number: Int
    var server: BalancedServer
    /// Whether its checks are configured and run now. They rest while it is in maintenance.
    var isChecked: Bool
    /// Whether no check has ended since HAProxy started: its state is then what HAProxy supposes.
    var isUnproven: Bool
  }

  var rows: [Row]

  /// - Throws: ``DeliveryFailure`` (`loadBalancer`) for an answer that is no such table; what HAProxy said
  ///   instead is quoted.
  init(_ answer: String) throws(DeliveryFailure) {
    let lines = answer.split(whereSeparator: \.isNewline)
    guard let header = lines.first, header.hasPrefix("# ") else {
      throw DeliveryFailure(
        .loadBalancer,
        "HAProxy answered \"\(answer.prefix(200).split(whereSeparator: \.isNewline).joined(separator: " "))\";"
          + " check the backend's name, and that the socket has `level admin`")
    }
    let names = Self.cells(header.dropFirst(2))
    func column(_ name: String) throws(DeliveryFailure) -> Int {
      guard let index = names.firstIndex(of: name) else {
        throw DeliveryFailure(.loadBalancer, "HAProxy's statistics have no column \(name)")
      }
      return index
    }
    let (host, status, type) = (try column("svname"), try column("status"), try column("type"))
    let (sessions, queued) = (try column("scur"), try column("qcur"))
    let (number, check, told) = (try column("sid"), try column("check_status"), try column("last_chk"))
    rows = []
    for line in lines.dropFirst() {
      let cells = Self.cells(line)
      guard cells.count >= names.count - 1, cells.indices.contains(told) else {
        throw DeliveryFailure(.loadBalancer, "HAProxy's statistics are cut short: \(line.prefix(80))")
      }
      guard cells[type] == "2" else { continue }
      guard let sid = Int(cells[number]), let now = Int(cells[sessions]), let waiting = Int(cells[queued])
      else {
        throw DeliveryFailure(.loadBalancer, "HAProxy's statistics are not numbers: \(line.prefix(80))")
      }
      let words = [cells[check], cells[told]].filter { !$0.isEmpty }.joined(separator: " ")
      rows.append(
        Row(
          number: sid,
          server: BalancedServer(
            host: cells[host], state: Self.state(cells[status]), sessions: now + waiting,
            check: words.isEmpty ? nil : words),
          isChecked: !cells[check].isEmpty, isUnproven: cells[check].hasPrefix("INI")))
    }
  }

  /// `UP`, `UP 1/3`, `no check`; `DRAIN`, `DRAIN (agent)`, `NOLB`; `MAINT`, `MAINT (via b/s)`,
  /// `MAINT (resolution)`; `DOWN`, `DOWN 1/2`, `DOWN (agent)`.
  static func state(_ status: String) -> BalancedServer.State {
    if status.hasPrefix("UP") || status == "no check" { return .up }
    if status.hasPrefix("MAINT") { return .maint }
    if status.hasPrefix("DRAIN") || status.hasPrefix("NOLB") { return .drain }
    return .down
  }

  /// The cells of a line; a quoted one may hold commas, and doubled quotes for one.
  static func cells(_ line: Substring) -> [String] {
    var cells: [String] = []
    var cell = ""
    var quoted = false
    var rest = line[...]
    while let character = rest.popFirst() {
      switch character {
      case "\"" where quoted && rest.first == "\"": cell.append(rest.removeFirst())
      case "\"": quoted.toggle()
      case "," where !quoted:
        cells.append(cell)
        cell = ""
      default: cell.append(character)
      }
    }
    return cells + [cell]
  }
}
