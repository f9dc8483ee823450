extension ScenarioTests {
  /// What is planned, and what is refused.
  static let planning = """
    r = 0 is refused
    fleet:10 r:0
    = refused maxPullOutRatio must be 1…50 percent in production, not 0

    r = 51 is refused in production
    fleet:10 r:51
    = refused maxPullOutRatio must be 1…50 percent in production, not 51

    r = 51 is good enough outside production
    fleet:10 r:51 staging
    = PENDING n=9 M=4 L=4 | b:- ---- ---- -

    r = 100 outside production is one batch
    fleet:5 r:100 staging
    = PENDING n=4 M=4 L=4 | b:- ----

    r = 101 is refused everywhere
    fleet:10 r:101 staging
    = refused maxPullOutRatio must be 1…100 percent, not 101

    a brake of 0 % is refused
    fleet:10 b:0
    = refused brakeRatio must be 1…100 percent, not 0

    a brake of 101 % is refused
    fleet:10 b:101
    = refused brakeRatio must be 1…100 percent, not 101

    a list without a size that can be is refused
    fleet:10 list:0
    = refused batches a size must be at least 1, not 0

    a list's percentages are of the rolling servers: none, or more than all, is refused
    fleet:10 list:1,0%,101%
    = refused batches a size must be 1%…100%, not 0%; batches a size must be 1%…100%, not 101%

    more than all in service is refused
    fleet:10 min:101%
    = refused minInService must be 0%…100%, not 101%

    a group without servers is refused
    fleet:0
    = refused the group has no servers

    a group whose servers are all pulled out is refused
    fleet:3 pulled:1,2 scrapped:3
    = refused none of the group's 3 servers is eligible

    10 by 25 %
    fleet:11 r:25
    = PENDING n=10 M=2 L=2 min=1 | b:- -- -- -- -- --

    11 by 25 %
    fleet:12 r:25
    = PENDING n=11 M=2 L=2 | b:- -- -- -- -- -- -

    12 by 25 %
    fleet:13 r:25
    = PENDING n=12 M=3 L=3 | b:- --- --- --- ---

    7 by 33 %
    fleet:8 r:33
    = PENDING n=7 M=2 L=2 | b:- -- -- -- -

    7 by 50 %
    fleet:8 r:50
    = PENDING n=7 M=3 L=3 | b:- --- --- -

    100 by 10 %
    fleet:101 r:10
    = PENDING n=100 M=10 L=10 | b:- ---------- ---------- ---------- ---------- ---------- ---------- ---------- ---------- ---------- ----------

    the limit is by the same ratio where it has none of its own, rounded down
    fleet:12 r:50 bastion:off b:33
    = PENDING n=12 M=6 L=3

    1 % of few is one at a time
    fleet:4 r:1 bastion:off
    = PENDING n=4 M=1 L=1 | - - - -

    the brake's ratio is of n, whatever the batches are
    fleet:21 r:50 b:10
    = PENDING n=20 M=10 L=2 | b:- ---------- ----------

    a list of sizes: the last repeats, each capped at M
    fleet:41 r:25 list:1,10%,25%
    = PENDING n=40 M=10 | b:- - ---- ---------- ---------- ---------- -----

    a list's percentages are rounded down, and at least 1
    fleet:13 r:50 list:5%,30%
    = PENDING n=12 M=6 | b:- - --- --- --- --

    a list that asks for more than M gets M
    fleet:11 r:20 list:9
    = PENDING n=10 M=2 | b:- -- -- -- -- --

    n = 0: one server is the bastion alone, and nothing has to stay in service
    fleet:1 r:25
    > start run
    = SUCCESS n=0 M=1 L=1 min=0 handed=2 | b:S

    n = 1 without a bastion
    fleet:1 bastion:off
    > start run
    = SUCCESS n=1 min=0 handed=1 | S

    pulled out, drained by hand and scrapped servers are left out
    fleet:8 pulled:2 drained:3 scrapped:4
    = PENDING n=4 bastion=1 hosts=5/6/7/8

    sites are spread over the batches
    fleet:8 r:50 bastion:off east:1…4 west:5…8
    = PENDING hosts=1,5,2,6/3,7,4,8

    servers in and out of service are interleaved
    fleet:8 r:50 bastion:off out:1…4
    = PENDING hosts=5,1,6,2/7,3,8,4

    two that serve are never in one batch
    fleet:7 r:50 bastion:off out:3…7
    = PENDING hosts=3,1,4/5,6,2/7

    sites are spread among those that serve and those that don't
    fleet:8 r:50 bastion:off east:1…4 west:5…8 out:3,4,7,8
    = PENDING hosts=1,3,5,7/2,4,6,8

    where only one serves, it goes last
    fleet:4 r:50 bastion:off out:2…4
    > start run
    = SUCCESS hosts=2,3/4,1 | SS SS

    a percentage in service is of the eligible servers, rounded up
    fleet:10 min:75%
    = PENDING min=8

    in service by default: one, and none of a single server
    fleet:2
    = PENDING min=1

    what is out counts among the eligible, what is pulled out doesn't
    fleet:10 min:50% out:1 pulled:2…5
    = PENDING min=3
    """

  /// Who goes first, and what becomes of it.
  static let bastions = """
    the first by hostname goes first
    fleet:4 r:25
    > start
    = SMOKING bastion=1 last=1 | b:- - - -

    the server that is marked goes first
    fleet:4 marked:3
    = PENDING bastion=3 hosts=1/2/4

    a marked server that is pulled out doesn't
    fleet:4 marked:3 pulled:3
    = PENDING bastion=1 hosts=2/4

    of those that don't serve the marked one goes first, where only one serves
    fleet:4 marked:3 out:2…4
    = PENDING bastion=3 hosts=2/4/1

    where two serve, the marked one goes first
    fleet:4 marked:1 out:3,4
    = PENDING bastion=1

    the only server in service doesn't go first, marked or not
    fleet:3 marked:1 out:2,3
    = PENDING bastion=2

    the bastion's chain ends at Verify; Markup is the bake
    fleet:4 gates:bake,rollout
    > start run
    = SMOKE_SUCCESS out=1 allowed=bake,brake,abort | b:V - - -
    > bake run
    = BAKE_SUCCESS out=- allowed=rollout,brake,abort | b:S - - -
    > rollout run
    = SUCCESS | b:S S S S

    the bastion's failure touches no other
    fleet:12 r:25 fails:1@INSTALL
    > start run
    = SMOKE_FAILURE out=1 handed=1 allowed=retry,brake,abort | b:i -- -- -- -- -- -
    > mend retry run
    = SUCCESS attempt=2 | b:S SS SS SS SS SS S

    the bastion's failure doesn't count towards the limit
    fleet:4 fails:1@VERIFY
    > start run
    = SMOKE_FAILURE F=0/1

    a bake that fails at Markup bakes again
    fleet:4 fails:1@MARKUP#1
    > start run
    = BAKE_FAILURE | b:u - - -
    > retry
    = BAKING
    > run
    = SUCCESS | b:S S S S

    a bake whose Verify no longer passes smokes again
    fleet:4 gates:bake
    > start run fails:1@VERIFY bake run
    = BAKE_FAILURE | b:v - - -
    > mend retry
    = SMOKING
    > run
    = SMOKE_SUCCESS attempt=2 | b:V - - -

    a bastion that is pulled out is replaced at the retry by the next
    fleet:4 fails:1@VERIFY
    > start run pull:1 retry run
    = SUCCESS bastion=2 n=3 | b:XS S S

    a bastion that has left the group is replaced at the retry
    fleet:4 fails:1@VERIFY
    > start run gone:1 retry run
    = SUCCESS bastion=2 | b:XS S S

    a baked bastion that has left the group is replaced, and the next one baked
    fleet:4 gates:rollout
    > start run
    = BAKE_SUCCESS | b:S - - -
    > brake gone:1 retry
    = SMOKING
    > run
    = BAKE_SUCCESS bastion=2 | b:XS - -

    a bastion that is pulled out before the start is replaced
    fleet:4
    > pull:1 start
    = SMOKING bastion=2 last=2 log~EXCLUDED_by_coordinator:_web-01:_operator:_bob | b:X- - -

    the next bastion by the rule is one that is out, where only one serves
    fleet:4 out:3
    > pull:1 down:4 start
    = SMOKING bastion=3 last=3

    a bastion that is pulled out after its Verify is replaced at a retry from a brake
    fleet:4 gates:bake
    > start run pull:1 brake retry
    = SMOKING bastion=2 | b:X- - -

    a gate that opens by itself brakes where the bastion is pulled out
    fleet:4 bake-after:60
    > start until:SMOKE_SUCCESS pull:1 run
    = BRAKED why~the_bastion_web-01_was_pulled_out t=60
    > unpull:1 resume run
    = SUCCESS

    all servers pulled out before the start
    fleet:3
    > pull:1…3 start run
    = FAILURE handed=0 | b:X X X

    nobody is released without a bastion, whoever is pulled in again
    fleet:4 wait:60
    > pull:1…4 start unpull:1…4 run
    = FAILURE handed=0 | b:X X X X

    a bake is refused while the bastion is pulled out
    fleet:4 gates:bake
    > start run pull:1 !bake
    = SMOKE_SUCCESS out=1
    > unpull:1 bake run
    = SUCCESS

    the bastion that went down after its bake is not of the rolling servers' failures
    fleet:5 r:25 wait:60
    > start until:ROLLING_OUT down:1 run
    = SUCCESS F=0/1 out=1

    a bastion that was down already goes out although nothing would stay in service
    fleet:2 out:1,2
    > start run
    = SUCCESS

    a roll-out with nobody left to roll out to is a success
    fleet:2 gates:rollout
    > start run brake gone:2 retry run
    = SUCCESS | b:S X
    """
}
