/// Which run of a load balancer's process it is: another one after each start. What was said to the one before
/// is forgotten.
public struct BalancerLife: Sendable, Codable, Equatable {
  /// The process's number.
  public var process: Int
  /// When it started, in seconds since 1970 by its own clock. Tells lives apart where numbers are used again,
  /// as in containers.
  public var startedAt: Int64

  public init(process: Int, startedAt: Int64) {
    self.process = process
    self.startedAt = startedAt
  }

  /// Reads the answer to `show info`; other lines are passed over.
  ///
  /// - Throws: ``DeliveryFailure`` (`loadBalancer`) where it doesn't say.
  init(info answer: Substring) throws(DeliveryFailure) {
    func number(_ name: String) -> Int64? {
      for line in answer.split(whereSeparator: \.isNewline) where line.hasPrefix("\(name): ") {
        return Int64(line.dropFirst(name.count + 2))
      }
      return nil
    }
    guard let process = number("Pid"), let startedAt = number("Start_time_sec") else {
      throw DeliveryFailure(
        .loadBalancer,
        "HAProxy does not say which process it is; it answered \"\(answer.prefix(80))\". Use 2.4 or later")
    }
    self.init(process: Int(process), startedAt: startedAt)
  }
}
