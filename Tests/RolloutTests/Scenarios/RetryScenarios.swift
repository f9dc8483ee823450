extension ScenarioTests {
  /// What is skipped, what is asked, what is done again.
  static let skips = """
    a server at the version that doesn't pass Verify is released
    fleet:4 r:50 b:100 bastion:off fails:1@VERIFY
    > on-version:1,2 start run
    = FAILURE | vK SS

    a server at the version that is only out of the balancer gets Markup alone
    fleet:4 r:50 bastion:off out:1
    > on-version:1,2 start run
    = SUCCESS out=- hosts=2,3/1,4 | KS SS

    nobody is left out of the asking, in the tail as well
    fleet:8 r:25 bastion:off
    > on-version:1…8 start run
    = SUCCESS handed=4 | KK KK KK KK

    the bastion is not skipped in a retry either
    fleet:4 fails:1@MARKUP#1 gates:rollout
    > on-version:1 start run
    = BAKE_FAILURE | b:u - - -
    > brake retry run
    = BAKE_SUCCESS | b:S - - -

    what succeeded and no longer passes Verify is released again in its retried batch
    fleet:4 r:50 b:100 bastion:off fails:1@VERIFY#1
    > start run fails:2@VERIFY#2 retry run
    = FAILURE | Sv SS
    > retry run
    = SUCCESS attempt=3

    what succeeded and was pulled out since is not asked
    fleet:4 r:50 b:100 bastion:off fails:1@VERIFY#1
    > start run pull:2 retry
    = ROLLING_OUT last=1
    > run
    = SUCCESS

    what succeeded and went down since is put back by the retry, with Markup alone
    fleet:8 r:25 b:50 bastion:off wait:60 fails:3@VERIFY#1
    > start run
    = FAILURE
    > down:1 retry run
    = SUCCESS out=- | SK SK SS SS

    a batch with an excluded server and no failure is not touched
    fleet:8 r:25 b:100 bastion:off fails:5@VERIFY#1
    > pull:3 start run
    = FAILURE handed=4 | SS XS vS SS
    > retry run
    = SUCCESS handed=5 | SS XS SK SS

    asked again and taken back before it was asked: it stays what it was
    fleet:4 r:50 b:100 bastion:off fails:1@VERIFY#1
    > on-version:2 start run retry brake run
    = BRAKED | -K SS
    > resume run
    = SUCCESS | SK SS

    three passes: each does only what is left
    fleet:8 r:25 bastion:off fails:1,2@VERIFY#1 fails:3,4@VERIFY#2
    > start run retry run
    = BRAKED attempt=2 | SS vv -- --
    > retry run
    = SUCCESS attempt=3 handed=6 | SS SS SS SS

    in each batch of a retry the failed ones go first, those that never ran next, those that only prove it last
    fleet:12 r:25 b:25 bastion:off fails:1,3,5@MARKDOWN#1
    > start move:1x10 move:2x10 move:3x10 look move:5x10 run
    = BRAKED | mSm -m- --- ---
    > up:1 retry
    = ROLLING_OUT last=1,3,2
    > move:1x10 move:2x10 move:3x10 look
    = ROLLING_OUT last=5,4,6

    a FAILURE whose failed server is pulled out ends well with a retry
    fleet:4 r:50 b:100 bastion:off fails:1@VERIFY
    > start run pull:1 look
    = FAILURE F=0/4 | XS SS
    > retry
    = SUCCESS handed=2

    a FAILURE whose failed server is pulled out can be accepted
    fleet:4 r:50 b:100 bastion:off fails:1@VERIFY
    > start run pull:1 accept
    = SUCCESS | XS SS

    an accept gives up all that failed, and those that went down, and says who did it
    fleet:6 r:34 b:100 bastion:off min:0 fails:1@VERIFY fails:3@MARKDOWN
    > start run down:6 look accept
    = SUCCESS flagged=1,3,6 log~accept_by_ann:_because | XS XS SX

    one pulled out in mid-chain is out of service at its end, and no failure
    fleet:8 r:25 b:12 bastion:off
    > start move:1 pull:1 run
    = SUCCESS F=0/1 out=1 | SS SS SS SS

    one pulled out in mid-chain that fails is excluded
    fleet:8 r:25 b:12 bastion:off fails:1@VERIFY
    > start move:1 pull:1 run
    = SUCCESS F=0/1 out=1 | XS SS SS SS

    an excluded server stays so, also when it is pulled in again
    fleet:8 r:25 b:100 bastion:off fails:3@VERIFY#1
    > pull:1 start run unpull:1 retry run
    = SUCCESS | XS SK SS SS
    """

  /// The list of servers that a retry records.
  static let revisions = """
    without a retry the list stays as it was frozen
    fleet:8 r:25 bastion:off wait:60
    > start waits gone:7 scrap:8 new:9 run
    = SUCCESS | SS SS SS SS

    a server that is scrapped is EXCLUDED by the retry, and recorded
    fleet:8 r:25 bastion:off fails:1,2@VERIFY#1
    > start run scrap:5 retry run
    = SUCCESS log~EXCLUDED_by_coordinator:_web-05:_no_longer | SS SS XS SS

    new ones form batches of M, in their order, and are recorded
    fleet:8 r:25 bastion:off fails:1,2@VERIFY#1
    > start run new:13,12,11,10,9 retry
    = ROLLING_OUT n=8 M=2 L=2 log~added_by_coordinator:_web-13 hosts=1,2/3,4/5,6/7,8/9,10/11,12/13

    a new one that is pulled out does not join
    fleet:4 r:50 b:100 bastion:off fails:1@VERIFY#1
    > start run new:5,6 pull:5 retry
    = ROLLING_OUT hosts=1,2/3,4/6

    a new one that is scrapped does not join
    fleet:4 r:50 b:100 bastion:off fails:1@VERIFY#1
    > start run new:5,6 scrap:6 retry
    = ROLLING_OUT hosts=1,2/3,4/5

    a new one that fails counts, by the limit of the plan
    fleet:4 r:50 bastion:off fails:1@MARKDOWN#1 fails:5,6@VERIFY
    > start move:1x2 brake run new:5,6,7 retry run
    = BRAKED F=2/2 n=4 L=2 | SS SS vv -

    one that comes back after it was gone stays EXCLUDED
    fleet:8 r:25 bastion:off fails:1,2@VERIFY
    > start run gone:7 retry run
    = BRAKED | vv -- -- X-
    > new:7 mend retry run
    = SUCCESS | SS SS SS XS

    a server that left while it failed no longer counts
    fleet:8 r:25 b:12 bastion:off fails:1@VERIFY
    > start run gone:1 retry run
    = SUCCESS F=0/1 out=1 | XS SS SS SS

    a retry at the bastion takes the list along
    fleet:4 fails:1@INSTALL#1
    > start run gone:4 new:5 retry run
    = SUCCESS | b:S S S X S

    a new one may become the bastion, when all others have left
    fleet:2 fails:1@INSTALL#1
    > start run gone:1,2 new:3 retry run
    = SUCCESS bastion=3 | b:XS X

    new ones join a run of a script
    fleet:4 r:50 b:100 day-2 fails:1@RUN#1
    > start run new:5 retry run
    = SUCCESS | SS SS S

    new ones are no matter of a rollback
    fleet:4 rollback fails:1@VERIFY#1
    > start run new:5 retry run
    = SUCCESS | SK SS

    those gone are EXCLUDED in a rollback as well
    fleet:4 rollback fails:1@VERIFY#1
    > start run gone:3 retry run
    = SUCCESS | SK XS

    a new one at the version is no matter of a scale-out
    fleet:4 r:50 at-version:1,2 scale-out fails:3@VERIFY#1
    > start run new-at-version:5 retry run
    = SUCCESS | S S
    """
}
