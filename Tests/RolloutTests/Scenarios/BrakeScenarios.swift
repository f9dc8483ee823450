extension ScenarioTests {
  /// The brake's rule over the batches.
  static let brakes = """
    two failures, in batches 1 and 3, brake there
    fleet:12 r:25 fails:2,7@VERIFY
    > start run
    = BRAKED F=2/2 from=ROLLING_OUT cause=failures out=2,7 | b:S vS SS Sv -- -- -
    > !resume mend retry run
    = SUCCESS attempt=2 F=0/2 | b:S SK SS KS SS SS S

    a failure in each batch that no single batch reveals
    fleet:20 r:25 bastion:off fails:1,6,11,16@VERIFY
    > start run
    = FAILURE F=4/5 out=1,6,11,16 | vSSSS vSSSS vSSSS vSSSS

    the failure that reaches the limit brakes, also in the last batch but one
    fleet:20 r:25 bastion:off fails:1,2,6,7,11@VERIFY
    > start run
    = BRAKED F=5/5 | vvSSS vvSSS v---- -----

    reached, not exceeded: at n = 100 and r = 10 the tenth failure brakes
    fleet:100 r:10 bastion:off fails:1,11,21,31,41,51,61,71,81,91@INSTALL
    > start run
    = BRAKED F=10/10 handed=10

    the limit doesn't shrink as servers fail
    fleet:100 r:10 bastion:off fails:*@INSTALL
    > start run
    = BRAKED F=10/10 handed=1 out=1,2,3,4,5,6,7,8,9,10

    with nothing left to stop the end is FAILURE
    fleet:4 r:50 bastion:off fails:4@VERIFY b:25
    > start run
    = FAILURE F=1/1 | SS Sv

    everything fails: the first batch, and no more
    fleet:9 r:25 bastion:off fails:*@VERIFY
    > start run
    = BRAKED F=2/2 out=1,2 | vv -- -- -- -
    > retry run
    = BRAKED F=2/2 attempt=2 out=1,2 | vv -- -- -- -

    n = 1 without a bastion, and it fails
    fleet:1 bastion:off fails:1@VERIFY
    > start run
    = FAILURE F=1/1 | v

    a wholly failed batch of a list brakes, below the limit
    fleet:20 r:25 bastion:off list:1,10%,25% fails:1@VERIFY
    > start run
    = BRAKED F=1/5 cause=failures why~batch_1_of_the_list_failed_wholly | v -- ----- ----- ----- --

    without a list a wholly failed batch is only its failures
    fleet:6 r:25 b:100 bastion:off fails:1@VERIFY
    > start run
    = FAILURE F=1/6 | v S S S S S

    a wholly failed batch of a list can be overridden
    fleet:20 r:25 bastion:off list:1,10%,25% fails:1@VERIFY
    > start run !resume resume+4 run
    = FAILURE F=1/5 | v SS SSSSS SSSSS SSSSS SS

    a wholly failed batch of a list whose server is pulled out no longer holds
    fleet:20 r:25 bastion:off list:1,10%,25% fails:1@VERIFY
    > start run pull:1 resume run
    = SUCCESS F=0/5 | X SS SSSSS SSSSS SSSSS SS

    a failed server that is pulled out while braked leaves the count
    fleet:12 r:25 fails:2,7@VERIFY
    > start run pull:2 resume run
    = FAILURE F=1/2 flagged=2 | b:S XS SS Sv SS SS S

    resume without anything changed is refused
    fleet:12 r:25 fails:2,7@VERIFY
    > start run !resume~the_brake's_rule_still_holds
    = BRAKED F=2/2 allowed=retry,resume,abort

    an override takes a reason
    fleet:12 r:25 fails:2,7@VERIFY
    > start run !resume+1?
    = BRAKED F=2/2

    an override by none is refused
    fleet:12 r:25 fails:2,7@VERIFY
    > start run !resume+0~at_least_1,_not_0
    = BRAKED F=2/2

    an override sets the limit to F and so many more
    fleet:12 r:25 fails:2,7,8@VERIFY
    > start run resume+1
    = ROLLING_OUT F=2/3
    > run
    = BRAKED F=3/3 | b:S vS SS Sv v- -- -
    > resume+ run
    = FAILURE F=3/6 | b:S vS SS Sv vS SS S

    an override lasts until the next retry
    fleet:12 r:25 fails:2,7,8@VERIFY
    > start run resume+4 run retry
    = ROLLING_OUT F=0/2 attempt=2

    lost workers count
    fleet:9 r:25 bastion:off lost:*@DOWNLOAD
    > start run
    = BRAKED F=2/2 | dd -- -- -- -

    runs that the queue no longer knows count as lost
    fleet:9 r:50 b:25 bastion:off
    > start move:1 move:2 forget:1,2 look run
    = BRAKED F=2/2 | mm-- ---- -

    a server that went down after its success counts
    fleet:9 r:25 b:12 bastion:off wait:60
    > start waits down:1 run
    = BRAKED F=1/1 why~web-01 | SS -- -- -- -
    > retry run
    = SUCCESS out=- | SK SS SS SS S

    a server that went down and is pulled out does not count
    fleet:9 r:25 b:12 bastion:off wait:60
    > start waits down:1 pull:1 run
    = SUCCESS F=0/1 out=1

    servers that went down after the last batch, as many as the limit: FAILURE
    fleet:4 r:50 b:50 bastion:off
    > start move:1x10 move:2x10 look move:3x10 move:4x10 down:1,2 look
    = FAILURE F=2/2 | SS SS
    > accept
    = SUCCESS flagged=1,2 | XX SS

    servers that went down, fewer than the limit
    fleet:8 r:25 b:50 bastion:off wait:60
    > start waits down:1 run
    = SUCCESS F=1/4

    the brake's rule is looked at in PAUSED too
    fleet:9 r:25 b:12 bastion:off wait:60
    > start waits pause down:1 look
    = BRAKED F=1/1 from=PAUSED

    where no balancer is asked, servers that went down don't count
    fleet:9 r:25 b:12 bastion:off wait:60 no-balancer
    > start waits down:1 run
    = SUCCESS F=0/1

    a person brakes, and nothing new starts
    fleet:9 r:25 bastion:off
    > start move:1 brake run
    = BRAKED cause=person F=0/2 out=- | S- -- -- -- -
    > resume run
    = SUCCESS | SS SS SS SS S

    brake --all stops what could start something, until it is lifted
    fleet:9 r:25 bastion:off
    > start move:1 brake-all look run
    = BRAKED cause=all | S- -- -- -- -
    > !resume !retry lift resume run
    = SUCCESS

    brake --all before the start
    fleet:4
    > brake-all !start
    = PENDING
    > lift start run
    = SUCCESS

    brake --all leaves a failure as it is
    fleet:4 fails:1@VERIFY
    > start run brake-all look
    = SMOKE_FAILURE
    """

  /// The brake while a batch is out.
  static let insideBatches = """
    what was handed over and had not started is PENDING again
    fleet:20 r:50 b:10 bastion:off fails:1,2@MARKDOWN
    > start move:3 run
    = BRAKED F=2/2 handed=1 out=1,2 | mmS------- ----------

    chains under way run to their end, well or not
    fleet:20 r:50 b:10 bastion:off fails:1,2,3@VERIFY
    > start move:1 move:2 move:3 move:4 run
    = BRAKED F=3/2 out=1,2,3 | vvvS------ ----------

    an interrupted batch stays DEPLOYING
    fleet:8 r:50 b:25 bastion:off fails:1,2@MARKDOWN
    > start run
    = BRAKED F=2/2 states=DEPLOYING,PENDING | mm-- ----

    results are taken in while it is braked
    fleet:9 r:50 bastion:off
    > start move:1 move:2 brake
    = BRAKED | >>-- ---- -
    > run
    = BRAKED handed=1 | SS-- ---- -
    > resume run
    = SUCCESS handed=4

    a batch that was interrupted goes on with what was left
    fleet:9 r:50 bastion:off
    > start move:1 brake run resume
    = ROLLING_OUT last=2,3,4

    F at the end is at most L − 1 + M
    fleet:20 r:25 bastion:off fails:1…4,6…10@VERIFY
    > start move:1x8 move:2x8 move:3x8 move:4x8 move:5x10 look
    = ROLLING_OUT F=4/5 | vvvvS ----- ----- -----
    > move:6 move:7 move:8 move:9 move:10 run
    = BRAKED F=9/5 out=1,2,3,4,6,7,8,9,10 | vvvvS vvvvv ----- -----

    all of a batch started before the first failed
    fleet:20 r:25 b:5 bastion:off fails:1…5@VERIFY
    > start move:1 move:2 move:3 move:4 move:5 run
    = BRAKED F=5/1 out=1,2,3,4,5 | vvvvv ----- ----- -----
    """

  /// What must stay in service, by the load balancer's truth.
  static let secondGates = """
    enough stay in service, to the last server
    fleet:9 r:50 bastion:off min:5
    > start run
    = SUCCESS

    one too few would stay
    fleet:9 r:50 bastion:off min:6
    > start
    = BRAKED cause=inService handed=0 why~fewer_than_6 | ---- ---- -

    an override doesn't move the second gate
    fleet:9 r:50 bastion:off min:6
    > start !resume !resume+5
    = BRAKED cause=inService

    the gate is asked before the bastion as well
    fleet:4 min:4
    > start
    = BRAKED from=SMOKING cause=inService handed=0

    of those about to be pulled only the ones in service count
    fleet:6 r:50 bastion:off min:1 out:1…3
    > start run
    = SUCCESS hosts=4,1,5/2,6,3

    those of them that are in service count
    fleet:6 r:50 bastion:off min:2 out:1…3
    > start
    = BRAKED handed=0 why~3_in_service,_2_about_to_be_pulled
    > up:2,3 resume run
    = SUCCESS

    servers that others took down close the gate
    fleet:9 r:25 bastion:off min:6 wait:60
    > start waits down:7,8 run
    = BRAKED cause=inService handed=1 | SS -- -- -- -
    > up:7,8 resume run
    = SUCCESS

    a balancer that can't be asked brakes
    fleet:9 r:25 bastion:off
    > balancer:off start
    = BRAKED cause=inService why~could_not_be_asked handed=0
    > !resume balancer:on resume run
    = SUCCESS

    a balancer that is left out on purpose doesn't
    fleet:9 r:25 bastion:off no-balancer min:9
    > start run
    = SUCCESS

    a release that repairs servers that are all down may start
    fleet:6 r:50 bastion:off out:1…6
    > start run
    = SUCCESS out=-
    """
}
