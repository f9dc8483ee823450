extension ScenarioTests {
  /// Aborts, graceful and forced, in each state.
  static let aborts = """
    PENDING
    fleet:4
    > abort
    = REVOKED left=- | b:R R R R

    graceful: before Install back to the old version, after it to the chain's end
    fleet:12 r:25 bastion:off
    > start move:1 move:2x3 move:3x5 abort
    = REVOKING allowed=abort
    > run
    = REVOKED left=- out=- version=3 | RRS RRR RRR RRR

    forced: killed, left out and listed
    fleet:12 r:25 bastion:off
    > start move:1x2 move:3x5 kill run
    = REVOKED left=1,3 out=1,3 | RRR RRR RRR RRR

    a graceful abort can become a forced one
    fleet:12 r:25 bastion:off
    > start move:3x5 abort !abort kill run
    = REVOKED left=3

    what an earlier pass has begun to install on is not put back
    fleet:4 r:50 b:100 bastion:off fails:1@INSTALL#1
    > start run retry move:1 abort run
    = REVOKED left=1 out=1 | RS SS

    SMOKING: the bastion stays out and is listed
    fleet:4
    > start move:1x3 abort run
    = REVOKED left=1 out=1 | b:R R R R

    SMOKE_SUCCESS: the bastion stays out and is listed
    fleet:4 gates:bake
    > start run abort
    = REVOKED left=1

    SMOKE_FAILURE
    fleet:4 fails:1@VERIFY
    > start run abort
    = REVOKED left=1 | b:v R R R

    BAKING: the Markup finishes
    fleet:4 gates:bake
    > start run bake move:1 abort
    = REVOKING
    > run
    = REVOKED left=- out=- | b:S R R R

    BAKING, forced
    fleet:4 gates:bake
    > start run bake move:1 kill run
    = REVOKED left=1

    BAKE_SUCCESS
    fleet:4 gates:rollout
    > start run abort
    = REVOKED left=- | b:S R R R

    BAKE_FAILURE
    fleet:4 fails:1@MARKUP
    > start run abort
    = REVOKED left=1 | b:u R R R

    between batches
    fleet:8 r:25 bastion:off wait:60
    > start waits abort
    = REVOKED left=- | SS RR RR RR

    PAUSED
    fleet:8 r:25 bastion:off wait:60
    > start waits pause abort
    = REVOKED | SS RR RR RR

    BRAKED: what failed stays out and is listed
    fleet:8 r:25 bastion:off fails:1,2@VERIFY
    > start run abort
    = REVOKED left=1,2 | vv RR RR RR

    FAILURE
    fleet:4 r:50 b:100 bastion:off fails:2@VERIFY
    > start run abort
    = REVOKED left=2 | Sv SS

    with nobody there it ends at its deadline, and the Markups owed are recorded
    fleet:8 r:25 bastion:off hangs:1@DOWNLOAD hangs:2@INSTALL
    > start move:1x3 move:2x5
    = ROLLING_OUT | >> -- -- --
    > abort run
    = REVOKED left=1,2 owed=1 | RR RR RR RR

    a forced abort owes nothing
    fleet:8 r:25 bastion:off hangs:1@DOWNLOAD
    > start move:1x3 kill
    = REVOKED left=1 owed=-

    an abort under brake --all ends
    fleet:8 r:25 bastion:off
    > start move:1 brake-all look abort run
    = REVOKED

    a brake is refused while it is being aborted
    fleet:8 r:25 bastion:off
    > start move:1 abort !brake
    = REVOKING
    """

  /// Rollbacks: two halves, those out of service first.
  static let rollbacks = """
    two halves, no bastion, no wait
    fleet:7 r:10 rollback wait:60
    = PENDING M=4 L=3 | ---- ---
    > start run
    = SUCCESS t=0 | SSSS SSS

    one server is one batch
    fleet:1 rollback
    > start run
    = SUCCESS | S

    those out of service go first
    fleet:6 rollback out:4,5
    = PENDING hosts=4,5,1/2,3,6

    those that were out already don't count when they fail
    fleet:6 rollback r:10 min:0 out:1…3 fails:1…3@VERIFY
    > start run
    = FAILURE F=0/3 | vvv SSS

    what came back before the rollback began counts when it fails
    fleet:6 rollback r:10 b:17 out:1,2 fails:1@VERIFY
    > successor start up:1,2 predecessor-ended look run
    = BRAKED F=1/1 out=1 | v-- ---

    what came back between two passes of a rollback counts in the second
    fleet:6 rollback r:10 b:17 out:1 fails:1@VERIFY
    > start run
    = FAILURE F=0/1 out=1 | vSS SSS
    > up:1 retry run
    = FAILURE F=1/1 out=1 | vSS SSS

    what went out before the rollback began doesn't
    fleet:6 rollback r:10 b:17 fails:1@VERIFY
    > successor start down:1 predecessor-ended look run
    = FAILURE F=0/1 out=1 | vSS SSS

    a rollback brakes at half
    fleet:8 r:10 rollback fails:1…4@VERIFY
    > start run
    = BRAKED F=4/4 | vvvv ----

    the brake's ratio of the config holds for a rollback too
    fleet:8 b:25 r:10 rollback fails:1,2@MARKDOWN
    > start run
    = BRAKED F=2/2 | mm-- ----

    manual gates don't hold a rollback up
    fleet:4 rollback gates:bake,rollout,batches
    > start run
    = SUCCESS

    servers that are on the earlier version already are skipped
    fleet:4 rollback
    > on-version:1,2 start run
    = SUCCESS | KK SS

    the second gate holds for a rollback
    fleet:4 rollback min:3
    > start
    = BRAKED cause=inService

    a rollback with no eligible server is refused
    fleet:2 rollback pulled:1,2
    = refused none of the group's 2 servers is eligible
    """

  /// Several coordinators, and deployments that follow one another.
  static let coordinators = """
    of two coordinators that decide from the same state the second decides anew
    fleet:8 r:25 bastion:off wait:60
    > start waits after:60 race:pause run
    = PAUSED | SS -- -- --

    a look that lost changes nothing
    fleet:8 r:25 bastion:off
    > start move:1 race:brake run
    = BRAKED handed=1 | S- -- -- --

    a successor waits for the end of the one it supersedes
    fleet:4
    > successor start look
    = PENDING allowed=brake,abort
    > !start predecessor-ended look
    = SMOKING

    a successor can be braked while it waits
    fleet:4
    > successor start brake predecessor-ended look
    = BRAKED allowed=resume,abort from=PENDING
    > resume
    = SMOKING

    a successor can be aborted while it waits
    fleet:4
    > successor start abort
    = REVOKED
    """
}
