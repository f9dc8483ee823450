extension Deployment {
  /// F: the failures that count towards the limit.
  ///
  /// Rolling targets now in a failure, and those that ended well but are reported out of service and are
  /// not pulled out, or whose Markup is owed. A rollback doesn't count servers that were out already when it was planned.
  public func failures(balancer: BalancerFacts, pulledOut: [String: String] = [:]) -> Int {
    var failures = 0
    for b in batches.indices {
      // By indices: what is neither failed nor done is not even copied.
      for t in batches[b].targets.indices
      where batches[b].targets[t].state.isFailure || batches[b].targets[t].state.isGood {
        let counts =
          batches[b].kind == .bastion
          ? bastionIsOwed(batches[b].targets[t])
          : counts(batches[b].targets[t], balancer: balancer, pulledOut: pulledOut)
        if counts { failures += 1 }
      }
    }
    return failures
  }

  /// F as it was at the last look, with what the queue says now: what people are shown.
  public var failuresSeen: Int {
    let down = Set(down)
    return failures(balancer: .none)
      + rollingBatches.flatMap(\.targets).count { $0.state.isGood && !$0.out && down.contains($0.host) }
  }

  /// The servers that ended well and whose Markup is owed: the load balancer was left out on purpose when it
  /// was due, and has not been heard to send them requests since.
  public var owedMarkups: [String] { targets.filter { $0.state.isGood && $0.out }.map(\.host) }

  /// A bastion counts only where its Markup is owed: it is out beside whatever the batches take out.
  private func bastionIsOwed(_ target: Target) -> Bool {
    rolloutOpenedAt != nil && target.state.isGood && target.out
  }

  private func counts(_ target: Target, balancer: BalancerFacts, pulledOut: [String: String]) -> Bool {
    if kind == .rollback && target.wasOut { return false }
    return target.state.isFailure || countsAsDown(target, balancer: balancer, pulledOut: pulledOut)
  }

  /// Whether a target that ended well counts as a failure.
  func countsAsDown(_ target: Target, balancer: BalancerFacts, pulledOut: [String: String]) -> Bool {
    !(kind == .rollback && target.wasOut) && isDown(target, balancer: balancer, pulledOut: pulledOut)
  }

  /// Whether a target that ended well is reported out of service or its Markup is owed, and nobody pulled it
  /// out.
  func isDown(_ target: Target, balancer: BalancerFacts, pulledOut: [String: String]) -> Bool {
    guard target.state.isGood, pulledOut[target.host] == nil else { return false }
    // What puts nothing into service is not to blame for what was out before.
    if target.wasOut, dayTwo?.drained == false { return false }
    // A Markup that is owed counts as out until the load balancer says otherwise.
    guard case .inService(let hosts) = balancer else { return target.out }
    return !hosts.contains(target.host)
  }

  /// Whether a rolling target has not been started in this pass.
  var hasPending: Bool {
    batches.contains { $0.kind == .rolling && $0.targets.contains { $0.state == .pending } }
  }

  /// Whether every target of a rolling batch has failed, those not counted that were excluded.
  func failedWholly(_ index: Int, balancer: BalancerFacts, pulledOut: [String: String]) -> Bool {
    guard batches[index].kind == .rolling else { return false }
    let left = batches[index].targets.filter { $0.state != .excluded }
    return !left.isEmpty
      && left.allSatisfy { !$0.isUnderWay && counts($0, balancer: balancer, pulledOut: pulledOut) }
  }

  /// Why the brake rule holds: F reached the limit, or a batch of an explicit list failed wholly, and a
  /// target is still pending. Nil where it doesn't.
  func brakeReason(balancer: BalancerFacts, pulledOut: [String: String]) -> String? {
    guard rolloutOpenedAt != nil, hasPending else { return nil }
    let failures = failures(balancer: balancer, pulledOut: pulledOut)
    guard failures >= limit else { return listReason(balancer: balancer, pulledOut: pulledOut) }
    let down = down.isEmpty ? "" : " (\(down.joined(separator: ", ")) went out of service after success)"
    let owed = owedMarkups.isEmpty ? "" : " (Markup owed: \(owedMarkups.joined(separator: ", ")))"
    return "\(failures) failed of \(numbers.rolling)\(down)\(owed), the limit is \(limit)"
  }

  /// A list begins with small batches so that they tell what the large ones would do: where all of one
  /// failed, the next doesn't start, whatever the limit is.
  private func listReason(balancer: BalancerFacts, pulledOut: [String: String]) -> String? {
    guard config.batches != nil else { return nil }
    let failed = batches.indices.first {
      !batches[$0].overridden && failedWholly($0, balancer: balancer, pulledOut: pulledOut)
    }
    return failed.map { "batch \(rollingNumber(of: $0)) of the list failed wholly" }
  }

  /// Why a batch may not go out by the second gate: too few would stay in service. Nil where it may.
  func inServiceReason(pulling hosts: [String], balancer: BalancerFacts) -> String? {
    switch balancer {
    case .none: return nil
    case .unreachable(let why):
      return "the load balancer could not be asked how many servers are in service: \(why)"
    case .inService(let live):
      let pulled = hosts.count { live.contains($0) }
      guard pulled > 0, live.count - pulled < numbers.minInService else { return nil }
      return
        "\(live.count) in service, \(pulled) about to be pulled: fewer than \(numbers.minInService) would stay"
    }
  }
}
