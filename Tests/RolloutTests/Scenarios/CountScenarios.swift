extension ScenarioTests {
  /// What is counted in F, and when the rule is looked at.
  static let counts = """
    a failure counts at any stage
    fleet:20 r:25 bastion:off fails:1@MARKDOWN fails:2@DOWNLOAD fails:3@INSTALL fails:4@VERIFY fails:5@MARKUP
    > start run
    = BRAKED F=5/5 | mdivu ----- ----- -----

    a failure doesn't stop its batch: the others are tried
    fleet:8 r:50 b:50 bastion:off fails:1@MARKDOWN
    > start run
    = FAILURE F=1/4 | mSSS SSSS

    just under the limit nothing brakes
    fleet:20 r:25 bastion:off fails:1…4@VERIFY
    > start run
    = FAILURE F=4/5

    in the last batch as well: what has not started there is PENDING, and the rule holds
    fleet:4 r:50 b:25 bastion:off fails:3@MARKDOWN
    > start move:1x10 move:2x10 look move:3x2 run
    = BRAKED F=1/1 | SS m-

    a skipped server that goes down counts
    fleet:9 r:25 b:12 bastion:off wait:60
    > on-version:1,2 start waits
    = ROLLING_OUT | KK -- -- -- -
    > down:1 run
    = BRAKED F=1/1 why~web-01_went_out_of_service

    what comes up again no longer counts
    fleet:9 r:25 b:25 bastion:off wait:60
    > start waits down:1 look
    = ROLLING_OUT F=1/2
    > up:1 run
    = SUCCESS F=0/2

    a server that failed and one that went down make two
    fleet:9 r:25 bastion:off wait:60 fails:1@VERIFY
    > start waits down:2 run
    = BRAKED F=2/2 | vS -- -- -- -

    what nobody has released yet may be down without counting
    fleet:9 r:25 bastion:off wait:60
    > start waits down:7,8 run
    = SUCCESS F=0/2 out=-

    what is under retry doesn't count until it has failed again
    fleet:8 r:25 bastion:off fails:1,2@VERIFY
    > start run retry move:1
    = ROLLING_OUT F=0/2 | >- -- -- --
    > run
    = BRAKED F=2/2 attempt=2

    failures in a pause reach the limit
    fleet:8 r:50 b:25 bastion:off fails:1,2@VERIFY
    > start move:1 move:2 pause run
    = BRAKED F=2/2 from=PAUSED cause=failures | vv-- ----

    a continue that finds the limit reached brakes
    fleet:9 r:25 b:12 bastion:off wait:60
    > start waits pause down:1 continue
    = BRAKED F=1/1 from=ROLLING_OUT cause=failures

    the rule is not looked at before the roll-out
    fleet:5 r:25 gates:rollout fails:1@VERIFY#1
    > start run retry run
    = BAKE_SUCCESS F=0/1

    a FAILURE goes on being one, whoever goes down
    fleet:4 r:50 b:50 bastion:off fails:4@VERIFY
    > start run down:1 look
    = FAILURE F=2/2

    an override below the limit lowers it
    fleet:12 r:25 bastion:off
    > start move:1 brake resume+1
    = ROLLING_OUT F=0/1 log~override_by_ann:_limit_set_to_1:_because

    an override counts from the failures that there are
    fleet:20 r:25 bastion:off fails:1…5@VERIFY
    > start run pull:1 resume+2
    = ROLLING_OUT F=4/6

    who pulled out what failed stands in the record
    fleet:12 r:25 fails:2,7@VERIFY
    > start run pull:2 look
    = BRAKED F=1/2 log~EXCLUDED_by_coordinator:_web-02:_operator:_bob

    a list's batch that went down wholly after its success brakes
    fleet:20 r:25 bastion:off list:1,10%,25% wait:60
    > start waits down:1 run
    = BRAKED F=1/5 why~batch_1_of_the_list_failed_wholly

    a list's batch of which one lives goes on
    fleet:20 r:25 bastion:off list:2 fails:1@VERIFY
    > start run
    = FAILURE F=1/5

    a list's batch counts without those that were pulled out before it
    fleet:20 r:25 bastion:off list:2 fails:1@VERIFY
    > pull:2 start run
    = BRAKED F=1/5 | vX -- -- -- -- -- -- -- -- --

    a list's batch that was let pass brakes again in the next pass
    fleet:20 r:25 bastion:off list:1,10%,25% fails:1@VERIFY
    > start run resume+4 brake retry run
    = BRAKED F=1/5 attempt=2 why~batch_1_of_the_list_failed_wholly

    brake --all finds a pause
    fleet:8 r:25 bastion:off wait:60
    > start waits pause brake-all look
    = BRAKED cause=all from=PAUSED

    brake --all holds a gate that would open by itself
    fleet:4 bake-after:60
    > start until:SMOKE_SUCCESS brake-all look run
    = BRAKED cause=all from=SMOKE_SUCCESS | b:V - - -
    > !retry~every_deployment_is_braked lift retry
    = SMOKE_SUCCESS

    brake --all refuses what would start something at a failure, and lets it be accepted
    fleet:4 r:50 b:100 bastion:off fails:2@VERIFY
    > start run brake-all !retry accept
    = SUCCESS

    brake --all holds a successor
    fleet:4
    > successor start brake-all predecessor-ended look
    = PENDING
    > lift look
    = SMOKING
    """

  /// What must stay in service, in each kind of deployment.
  static let gatesOfKinds = """
    none needs to stay where the config says so
    fleet:4 r:50 b:100 bastion:off min:0 fails:1,2@VERIFY
    > start run
    = FAILURE F=2/4 | vv SS

    all must stay: nothing goes out
    fleet:4 min:100%
    > start
    = BRAKED cause=inService min=4

    outside production one batch of all needs the leave to take all out
    fleet:4 r:100 bastion:off staging
    > start
    = BRAKED cause=inService why~4_in_service,_4_about_to_be_pulled:_fewer_than_1

    outside production one batch of all, with the leave
    fleet:4 r:100 bastion:off staging min:0
    > start run
    = SUCCESS | SSSS

    a scale-out pulls what serves only where enough stay, of all eligible servers
    fleet:8 r:50 at-version:1…4 scale-out min:7
    > start
    = BRAKED cause=inService min=7 M=2

    a percentage in a scale-out is of all eligible servers
    fleet:8 r:50 at-version:1…4 scale-out min:75%
    > start run
    = SUCCESS min=6

    a run of a script pulls only where enough stay
    fleet:7 r:33 day-2 min:6
    > start
    = BRAKED cause=inService

    what must stay in a rollback is of the group, not of what was touched
    fleet:10 rollback:1…4 min:75%
    = PENDING min=8 n=4 M=2
    > start run
    = SUCCESS

    a rollback of one server takes not the last that serves
    fleet:2 rollback:1
    > down:2 start
    = BRAKED cause=inService min=1 n=1
    > up:2 resume run
    = SUCCESS

    the rest of an interrupted batch is asked for again
    fleet:8 r:50 bastion:off min:4
    > start move:1 brake run down:7,8 !resume
    = BRAKED | S--- ----
    > up:7,8 resume run
    = SUCCESS

    a retry from FAILURE that finds too few brakes
    fleet:6 r:50 b:100 bastion:off min:2 fails:1@MARKDOWN
    > start run
    = FAILURE F=1/6
    > up:1 down:2…5 retry
    = BRAKED cause=inService from=ROLLING_OUT attempt=2

    a balancer that can't be asked between batches brakes
    fleet:8 r:25 bastion:off wait:60
    > start waits balancer:off run
    = BRAKED cause=inService why~batch_2:_the_load_balancer_could_not_be_asked handed=1

    a balancer that can't be asked doesn't hold a bake up
    fleet:4 gates:bake,rollout
    > start run balancer:off bake run
    = BAKE_SUCCESS
    """
}
