extension ScenarioTests {
  /// The load balancer left out on purpose.
  static let degradations = """
    a balancer that can't be asked brakes, unless it is left out on purpose
    fleet:4
    > balancer:off start
    = BRAKED cause=inService
    > degrade resume run
    = SUCCESS out=- | b:S S S S

    what was never taken out owes nothing
    fleet:9 r:25 bastion:off
    > degrade start run
    = SUCCESS F=0/2 out=-

    a Markup that is owed counts as out
    fleet:9 r:25 bastion:off
    > start move:1x8 move:2x8 balancer:off degrade run
    = BRAKED F=2/2 out=1,2 cause=failures | SS -- -- -- -
    > restore balancer:on !resume
    = BRAKED F=2/2
    > up:1,2 resume run
    = SUCCESS out=-

    fewer Markups owed than the limit, and the release ends well
    fleet:9 r:25 bastion:off
    > start move:1x8 degrade run
    = SUCCESS F=1/2 out=1

    a retry makes the Markups that are owed
    fleet:9 r:25 bastion:off
    > start move:1x8 move:2x8 degrade run
    = BRAKED F=2/2
    > restore retry run
    = SUCCESS out=- F=0/2

    a bastion whose Markup is owed counts too
    fleet:5 r:25 gates:bake
    > start run degrade bake run
    = BRAKED F=1/1 out=1 why~Markup_owed | b:S - - - -
    > restore up:1 resume run
    = SUCCESS

    a Markup is owed to what was out before as well
    fleet:9 r:25 bastion:off out:1,2
    > degrade start run
    = BRAKED F=2/2 out=1,2

    a switch that has expired no longer holds
    fleet:8 r:25 bastion:off wait:60
    > balancer:off degrade:30 start waits
    = ROLLING_OUT handed=1
    > run
    = BRAKED cause=inService handed=1
    """

  /// The group's version for servers that don't run it yet.
  static let scaleOuts = """
    only servers that are not at the version, no bastion, no wait
    fleet:6 r:50 wait:60 gates:bake,rollout,batches at-version:1…4 scale-out
    = PENDING n=2 M=1 hosts=5/6
    > start run
    = SUCCESS t=0 | S S

    with nothing to do it is refused
    fleet:3 at-version:1…3 scale-out
    = refused there is nothing to do: every server runs 2 already

    pulled out servers are left out of it too
    fleet:4 at-version:1,2 pulled:3 scale-out
    = PENDING hosts=4

    servers that came meanwhile join at a retry
    fleet:4 r:50 at-version:1,2 scale-out fails:3@VERIFY#1
    > start run new:5 retry run
    = SUCCESS | S S S

    those that were left alone are left alone by the retry
    fleet:6 r:50 at-version:1…4 scale-out fails:5@VERIFY#1
    > start run new:7 retry run
    = SUCCESS hosts=5/6/7 handed=4

    one that has lost the version since joins at a retry
    fleet:6 r:50 at-version:1…4 scale-out fails:5@VERIFY#1
    > start run loses-version:3 retry run
    = SUCCESS hosts=5/6/3

    a scale-out brakes as every release does
    fleet:8 r:25 at-version:1…3 scale-out fails:4@INSTALL
    > start run
    = BRAKED F=1/1 | i - - - -
    """

  /// Scripts over a fleet.
  static let dayTwos = """
    a restart goes in batches, without a bastion
    fleet:7 r:33 day-2 min:4
    > start run
    = SUCCESS n=7 M=2 | SS SS SS S

    nothing is skipped, although every server is on the version
    fleet:4 r:50 day-2
    > on-version:1…4 start run
    = SUCCESS | SS SS

    the script fails: the brake
    fleet:8 r:25 day-2 fails:1,2@RUN
    > start run
    = BRAKED F=2/2 out=1,2 | rr -- -- --

    a retry runs it where it failed, and nowhere a second time
    fleet:8 r:50 b:100 day-2 fails:1@RUN#1
    > start run
    = FAILURE | rSSS SSSS
    > retry
    = ROLLING_OUT last=1
    > run
    = SUCCESS handed=3 out=-

    a list begins carefully
    fleet:20 r:25 list:1,10%,25% day-2 fails:1@RUN
    > start run
    = BRAKED F=1/5 why~batch_1_of_the_list | r -- ----- ----- ----- --

    the run alone takes nothing out of service
    fleet:8 r:50 b:25 day-2:alone min:8 fails:1,2@RUN
    > start move:3 run
    = BRAKED F=2/2 out=- | rrS- ----

    the run alone is not to blame for what was out before
    fleet:6 r:50 b:50 day-2:alone out:1…3
    > start run
    = SUCCESS F=0/3 out=1,2,3

    the run alone, to its end
    fleet:4 r:50 day-2:alone
    > start run
    = SUCCESS handed=2 | SS SS

    a graceful abort puts back what the script has not begun on
    fleet:4 r:50 day-2
    > start move:1 move:2x3 abort run
    = REVOKED out=- left=- | RS RR

    a graceful abort of the run alone lets what runs end
    fleet:4 r:50 day-2:alone
    > start move:1 abort
    = REVOKING
    > run
    = REVOKED | SR RR
    """
}
