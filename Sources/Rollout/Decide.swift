/// Decides what follows from an event: the one place where a deployment moves.
///
/// It is a function of its arguments: it reads no clock, makes no random number and does nothing. The
/// caller stores the deployment and does the effects in one transaction, or throws both away.
/// - Throws: ``Refusal`` where the event is an action that can't be done now.
public func decide(
  _ deployment: Deployment, _ event: Event, _ situation: Situation
) throws(Refusal) -> Decision {
  Decision(deployment: deployment, effects: [])
}
