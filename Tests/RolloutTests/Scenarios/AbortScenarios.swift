extension ScenarioTests {
  /// Aborts at edges.
  static let endings = """
    nothing new starts in an abort
    fleet:8 r:25 bastion:off wait:60
    > start move:1 abort run
    = REVOKED handed=1 | RR RR RR RR

    a graceful abort between two stages before Install puts back
    fleet:8 r:25 bastion:off
    > start move:1x2 abort run
    = REVOKED out=- version=- | RR RR RR RR

    a graceful abort between Install and Verify lets the chain end
    fleet:8 r:25 bastion:off
    > start move:1x6 abort run
    = REVOKED out=- version=1 | SR RR RR RR

    a graceful abort lets what fails after its Install stay out, and owes nothing
    fleet:8 r:25 bastion:off fails:1@VERIFY
    > start move:1x5 abort run
    = REVOKED left=1 owed=- | vR RR RR RR

    a Markup on the old version that fails is owed
    fleet:8 r:25 bastion:off fails:1@MARKUP
    > start move:1x3 abort run
    = REVOKED left=1 owed=1 | uR RR RR RR

    a smoking bastion whose Install has begun runs to its chain's end, and stays out
    fleet:4
    > start move:1x5 abort run
    = REVOKED left=1 version=1 owed=- | b:R R R R

    a bastion whose Markdown has not begun is not out
    fleet:4
    > start abort run
    = REVOKED left=- out=-

    a bake that a brake interrupted finishes its Markup
    fleet:4 gates:bake
    > start run bake move:1 brake abort run
    = REVOKED left=- out=- | b:S R R R

    a bake that had not started leaves the bastion out
    fleet:4 gates:bake
    > start run bake abort run
    = REVOKED left=1 | b:R R R R

    a braked one with work under way
    fleet:8 r:25 bastion:off
    > start move:1x5 move:2 brake abort
    = REVOKING
    > run
    = REVOKED left=- version=1 | SR RR RR RR

    braked before its start
    fleet:4
    > brake abort
    = REVOKED left=- | b:R R R R

    a forced abort kills a Markup too
    fleet:8 r:25 bastion:off
    > start move:1x9 kill run
    = REVOKED left=1 out=1 | RR RR RR RR

    a forced abort lists what failed before as well
    fleet:8 r:50 b:50 bastion:off fails:1@VERIFY
    > start move:1x10 move:2 kill run
    = REVOKED left=1,2 | vRRR RRRR

    with no worker there a forced abort ends at once
    fleet:8 r:25 bastion:off
    > start move:1x3 workers:off kill
    = REVOKED left=1 owed=-

    what hears no stop is left at the deadline, and listed
    fleet:8 r:25 bastion:off deaf:1 hangs:1@INSTALL revoke-deadline:30
    > start move:1x5 kill
    = REVOKING
    > run
    = REVOKED t=30 left=1

    what a forced abort could not kill is owed nothing either
    fleet:8 r:25 bastion:off deaf:1 hangs:1@DOWNLOAD revoke-deadline:30
    > start move:1x3 kill run
    = REVOKED t=30 left=1 owed=-

    with no worker there the deadline ends it, and those whose Install had not begun are owed their Markup
    fleet:12 r:25 bastion:off revoke-deadline:30
    > start move:1 move:2x5 workers:off abort run
    = REVOKED t=30 left=1,2 owed=1

    what was out before is not left out by an abort
    fleet:8 r:25 bastion:off out:8
    > start move:1 abort run
    = REVOKED left=- out=8

    a rollback that is aborted
    fleet:6 rollback
    > start move:1x3 abort run
    = REVOKED left=- out=- | RRR RRR

    what the queue lost in mid-chain is taken to be out
    fleet:8 r:25 bastion:off
    > start move:1 forget:1 abort run
    = REVOKED left=1 | mR RR RR RR

    it says who aborted, and why
    fleet:4
    > start abort
    = REVOKED log~abort_by_ann:_because
    """

  /// Rollbacks, scale-outs and runs of scripts at edges.
  static let takingsBack = """
    a rollback of three: two and one
    fleet:3 rollback
    = PENDING hosts=1,2/3 M=2

    a rollback of two: one and one
    fleet:2 rollback
    = PENDING hosts=1/2 M=1 L=1

    a rollback pays no heed to the list, nor to the marked bastion
    fleet:6 rollback list:1,10% marked:4
    = PENDING M=3 hosts=1,2,3/4,5,6

    a rollback takes only what was touched
    fleet:10 rollback:2,4,6
    = PENDING n=3 M=2 hosts=2,4/6

    a rollback leaves out what is pulled out
    fleet:4 rollback:1,2 pulled:1
    = PENDING n=1 hosts=2

    a rollback with nothing eligible of what was touched is refused
    fleet:4 rollback:1,2 pulled:1,2
    = refused none of the group's 2 servers is eligible

    a rollback keeps its halves with a batch's gate that opens by itself late
    fleet:4 rollback batches-after:100
    > start run
    = SUCCESS t=0

    a rollback's failure below its limit
    fleet:7 rollback fails:1@VERIFY
    > start run
    = FAILURE F=1/3 | vSSS SSS

    a rollback puts back what was out, by its Markup
    fleet:4 rollback out:1,2
    > start run
    = SUCCESS out=- | SS SS

    a scale-out where all are out takes them
    fleet:4 r:50 out:1…4 scale-out
    > start run
    = SUCCESS n=4 out=- | SS SS

    a scale-out has no bastion, marked or not
    fleet:4 r:50 marked:3 at-version:1,2 scale-out
    = PENDING bastion=- hosts=3/4

    a scale-out goes by its list
    fleet:12 r:50 at-version:1,2 scale-out list:1,50%
    = PENDING n=10 M=5 hosts=3/4,5,6,7,8/9,10,11,12

    a scale-out waits for nobody and for no time
    fleet:6 r:50 at-version:1,2 wait:60 batches-after:60 gates:rollout scale-out
    > start run
    = SUCCESS t=0

    a scale-out skips what has the version already
    fleet:4 r:50 at-version:1,2 scale-out
    > on-version:3 start run
    = SUCCESS | K S

    a run of a script waits between batches, with its tail
    fleet:8 r:25 day-2 wait:60 tail:5
    > start run
    = SUCCESS t=70

    a run of a script waits for people
    fleet:4 r:50 day-2 gates:batches
    > start run
    = ROLLING_OUT allowed=pause,continue,brake,abort
    > continue run
    = SUCCESS

    a run of a script leaves out what is pulled out
    fleet:4 r:50 day-2 pulled:2
    > pull:4 start run
    = SUCCESS n=3 | S S X

    a server that comes up badly after its script counts
    fleet:8 r:25 b:12 day-2 fails:1@VERIFY
    > start run
    = BRAKED F=1/1 out=1 | v- -- -- --

    the run alone is not skipped at a retry where it failed, and asks nobody else
    fleet:4 r:50 b:100 day-2:alone fails:1@RUN#1
    > on-version:1…4 start run retry
    = ROLLING_OUT last=1
    > run
    = SUCCESS
    """
}
