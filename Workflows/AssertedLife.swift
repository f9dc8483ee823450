public import Delivery
public import Fleet
import FoundationEssentials
public import TaskQueue

/// Which life of a load balancer has been told all that is wanted of it, as Redis has it.
///
/// A balancer that was restarted has forgotten who was out, and says that all are in service. So whoever takes its word
/// reads this first, and then believes only an answer of this very life. (The other way round, states could be read before
/// they were asserted, and be believed because they were asserted a moment later.)
public enum AssertedLife {
  /// Where it is kept.
  public static func record(_ endpoint: HAProxyEndpoint) throws -> RecordID {
    let place =
      switch endpoint.address {
      case .unix(let path): path
      case .tcp(let host, let port): "\(host):\(port)"
      }
    return try RecordID("balancer/\(endpoint.backend)/" + ShortDigest.of(place))
  }

  /// The life that a record holds; nil where none was ever told anything.
  public static func life(_ record: Record) throws -> BalancerLife? {
    guard let bytes = record.fields["life"] else { return nil }
    return try JSONDecoder().decode(BalancerLife.self, from: Data(bytes))
  }
}
