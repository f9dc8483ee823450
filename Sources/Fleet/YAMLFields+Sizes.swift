package import Rollout
import Yams

extension YAMLFields {
  package func quantity(_ key: String) -> Quantity? {
    guard let text = text(key) else { return nil }
    guard let quantity = Quantity(text) else {
      wrong(key, "'\(text)' is neither a count nor a percentage; write 3 or 25%")
      return nil
    }
    return quantity
  }

  /// A YAML list, or one text with commas: `1,10%,25%`.
  package func sizes(_ key: String) -> [BatchSize]? {
    guard let node = node(key) else { return nil }
    let texts: [String]
    if let list = node.sequence {
      texts = list.map { $0.scalar?.string ?? "" }
    } else if let text = node.scalar?.string {
      texts = text.split(separator: ",", omittingEmptySubsequences: false).map {
        String($0).trimmingSpaces
      }
    } else {
      texts = [""]
    }
    let sizes = texts.map(BatchSize.init(_:))
    guard !sizes.contains(nil) else {
      wrong(key, "is no list of batch sizes; write counts and percentages: [1, 10%, 25%]")
      return nil
    }
    return sizes.compactMap(\.self)
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    let body = drop { $0 == " " }
    return String(body.reversed().drop { $0 == " " }.reversed())
  }
}
