/// Orders servers so that any stretch of the order holds its share of each kind: first the sites are
/// spread within those in service and those out of it, then both are interleaved.
func spread(_ servers: [PlanServer]) -> [PlanServer] {
  let live = spreadSites(servers.filter { $0.inService != false })
  let out = spreadSites(servers.filter { $0.inService == false })
  return interleave([live, out])
}

/// Orders servers so that sites take turns in proportion to their sizes.
private func spreadSites(_ servers: [PlanServer]) -> [PlanServer] {
  let bySite = Dictionary(grouping: servers) { $0.site ?? "" }
  return interleave(bySite.sorted { $0.key < $1.key }.map { $0.value.sorted { $0.host < $1.host } })
}

/// Merges lists so that each is spread evenly over the whole: element i of a list of c stands at the
/// place (2i + 1) / 2c of the way; ties keep the order of the lists.
func interleave<Element>(_ lists: [[Element]]) -> [Element] {
  let places = lists.enumerated().flatMap { list, elements in
    elements.indices.map { (odd: 2 * $0 + 1, count: elements.count, list: list, index: $0) }
  }
  return places.sorted { a, b in
    let (left, right) = (a.odd * b.count, b.odd * a.count)
    return left != right ? left < right : (a.list, a.index) < (b.list, b.index)
  }.map { lists[$0.list][$0.index] }
}
