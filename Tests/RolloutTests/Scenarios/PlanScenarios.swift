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

    1 % of few is one at a time
    fleet:4 r:1 bastion:off
    = PENDING n=4 M=1 L=1 | - - - -

    the brake's ratio is of n, whatever the batches are
    fleet:21 r:50 b:10
    = PENDING n=20 M=10 L=2 | b:- ---------- ----------

    a list of sizes: the last repeats, each capped at M
    fleet:41 r:25 list:1,10%,25%
    = PENDING n=40 M=10 | b:- - ---- ---------- ---------- ---------- -----

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

    where only one serves, it goes last
    fleet:4 r:50 bastion:off out:2…4
    > start run
    = SUCCESS hosts=2,3/4,1 | SS SS

    a percentage in service is of the eligible servers, rounded up
    fleet:10 min:75%
    = PENDING min=8
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

    all servers pulled out before the start
    fleet:3
    > pull:1…3 start run
    = FAILURE handed=0 | b:X X X

    a bake is refused while the bastion is pulled out
    fleet:4 gates:bake
    > start run pull:1 !bake
    = SMOKE_SUCCESS out=1
    > unpull:1 bake run
    = SUCCESS

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
