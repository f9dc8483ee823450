import Logging
import Rollout
import TaskQueue

extension Releases {
  /// How long a group waits that could not be begun, until it is tried again.
  private static let heldFor: Milliseconds = 5_000

  /// Remembers why a group of a campaign could not be begun (what a plan needs is away, somebody else's deployment is
  /// active), and sees to it that it is tried again: nothing else would wake the campaign.
  func hold(_ group: String, of id: String, because reason: String) async throws {
    let stored = try await stored(campaign: id)
    // Where it was begun, or is no longer to be, the next look sees that.
    guard stored.deployments[group] == nil, stored.view.campaign.mayStart(group) else { return }
    // Asked for by several groups and coordinators, a round exists once.
    let round = stored.view.now / Self.heldFor + 1
    let delay: Duration = .milliseconds(round * Self.heldFor - stored.view.now)
    try await queue.submit(look(campaign: id, at: "held/\(round)", after: delay))
    guard stored.view.held[group].map(Self.lasting) != Self.lasting(reason) else { return }
    logger.warning("campaign \(id): \(group) can't begin yet: \(reason)")
    var commit = Commit()
    commit.changes = [
      Commit.Change(
        try Names.campaign(id), expecting: stored.revision, set: [Self.heldField(group): Array(reason.utf8)])
    ]
    // Who came first has changed more than a reason; the next try says it again.
    _ = try await queue.commit(commit)
  }

  /// A reason without its numbers: the same one says at each try for how long it has been so.
  private static func lasting(_ reason: String) -> String { reason.filter { !$0.isNumber } }
}
