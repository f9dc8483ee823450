extension ScenarioTests {
  /// Releases that are taken back without a person, by the policy that their config declares.
  static let policies = """
    a reached limit is rolled back, once
    fleet:12 r:25 policy:failures fails:2,7@VERIFY
    > start run
    = BRAKED orders=1 told=brake,rollback log~rollback_by_policy_canary:_web-1_is_BRAKED:_2_failed
    > look look
    = BRAKED orders=1

    without a policy nothing is
    fleet:12 r:25 fails:2,7@VERIFY
    > start run
    = BRAKED orders=0

    a retry takes the order back, and the next failure orders anew
    fleet:12 r:25 policy:failures fails:2,7@VERIFY
    > start run retry
    = ROLLING_OUT orders=1
    > run
    = BRAKED orders=2

    a resume takes the order back
    fleet:12 r:25 policy:failures fails:2,7@VERIFY
    > start run resume+5 run
    = FAILURE orders=1 F=2/7

    after a resume the next brake orders anew
    fleet:12 r:25 policy:failures fails:2,7,8@VERIFY
    > start run resume+1 run
    = BRAKED orders=2 F=3/3

    a cause that it doesn't name is left to people
    fleet:12 r:25 policy:inService fails:2,7@VERIFY
    > start run
    = BRAKED orders=0 cause=failures

    a deadline is answered
    fleet:8 r:25 bastion:off wait:60 deadline:100 policy:deadline
    > start run
    = BRAKED cause=deadline orders=1

    the second gate is answered
    fleet:8 r:25 bastion:off wait:60 min:5 policy:inService
    > start waits down:7,8 run
    = BRAKED cause=inService orders=1

    where nothing was touched there is nothing to take back
    fleet:8 r:25 bastion:off min:8 policy:inService
    > start
    = BRAKED cause=inService orders=0

    a person's brake is never answered
    fleet:8 r:25 bastion:off wait:60 policy:failures,person,all
    > start waits brake look
    = BRAKED cause=person orders=0

    brake --all is never answered
    fleet:8 r:25 bastion:off wait:60 policy:failures,person,all
    > start waits brake-all look
    = BRAKED cause=all orders=0

    a bake that fails is answered
    fleet:4 policy:bake fails:1@MARKUP
    > start run
    = BAKE_FAILURE orders=1

    a bake that fails is left to people where the policy says so
    fleet:4 policy:failures fails:1@MARKUP
    > start run
    = BAKE_FAILURE orders=0

    a bastion that served nobody is left to people
    fleet:4 policy:bake,failures fails:1@VERIFY
    > start run
    = SMOKE_FAILURE orders=0

    a FAILURE is left to people
    fleet:4 r:50 b:100 bastion:off policy:failures fails:2@VERIFY
    > start run
    = FAILURE orders=0

    only releases are rolled back
    fleet:8 rollback policy:failures fails:1…4@VERIFY
    > start run
    = BRAKED orders=0

    checks are made for a time after SUCCESS, and as many failures in a row take it back
    fleet:4 policy:failures watch:60
    > start run
    = SUCCESS watched=60 orders=0
    > after:5 check:fails look
    = SUCCESS orders=0
    > after:5 check:fails look look
    = SUCCESS orders=1 log~the_check_errors_failed_2_times_in_a_row:_5_%

    a check that passes in between begins the count anew
    fleet:4 policy:failures watch:60
    > start run after:5 check:fails after:5 check:passes after:5 check:fails look
    = SUCCESS orders=0
    > after:5 check:fails look
    = SUCCESS orders=1

    checks after the watch no longer matter
    fleet:4 policy:failures watch:60
    > start run after:55 check:fails after:10 check:fails look
    = SUCCESS orders=0

    a look after the watch is too late
    fleet:4 policy:failures watch:60
    > start run after:50 check:fails after:5 check:fails after:20
    = SUCCESS orders=0

    checks before the end don't matter
    fleet:4 policy:failures watch:60
    > start check:fails run after:5 check:fails look
    = SUCCESS orders=0

    only releases are watched
    fleet:4 rollback policy:failures watch:60
    > start run
    = SUCCESS watched=-

    only SUCCESS is watched
    fleet:4 r:50 b:100 bastion:off policy:failures watch:60 fails:2@VERIFY
    > start run
    = FAILURE watched=-
    > accept
    = SUCCESS watched=60
    """
}
