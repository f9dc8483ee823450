extension ScenarioTests {
  /// Each state with the actions that it allows; all others are refused, say so, and change nothing.
  static let states = """
    the actions of PENDING
    fleet:4
    > !bake !rollout !pause !continue !retry~the_state !resume~it_is_not_braked !accept
    = PENDING allowed=start,brake,abort

    the actions of PENDING, and told to start
    fleet:4
    > successor start !start~starts_by_itself !bake !retry
    = PENDING allowed=brake,abort

    the actions of SMOKING
    fleet:4
    > start !start~started_already !bake !rollout !pause !continue !retry !resume !accept
    = SMOKING allowed=brake,abort

    the actions of SMOKE_SUCCESS
    fleet:4 gates:bake
    > start run !start !rollout !pause !continue !retry !resume !accept
    = SMOKE_SUCCESS allowed=bake,brake,abort

    the actions of SMOKE_FAILURE
    fleet:4 fails:1@VERIFY
    > start run !start !bake !rollout !pause !continue !resume !accept
    = SMOKE_FAILURE allowed=retry,brake,abort

    the actions of BAKING
    fleet:4 gates:bake
    > start run bake !start !bake !rollout !pause !continue !retry !resume !accept
    = BAKING allowed=brake,abort

    the actions of BAKE_SUCCESS
    fleet:4 gates:rollout
    > start run !start !bake !pause !continue !retry !resume !accept
    = BAKE_SUCCESS allowed=rollout,brake,abort

    the actions of BAKE_FAILURE
    fleet:4 fails:1@MARKUP
    > start run !start !bake !rollout !pause !continue !resume !accept
    = BAKE_FAILURE allowed=retry,brake,abort

    the actions of ROLLING_OUT
    fleet:8 bastion:off
    > start !start !bake !rollout !continue~starts_by_itself !retry~brake_or_pause_it !resume !accept
    = ROLLING_OUT allowed=pause,brake,abort

    the actions of ROLLING_OUT, at a batch that waits for a person
    fleet:8 bastion:off gates:batches
    > start run !start !bake !rollout !retry !resume !accept
    = ROLLING_OUT allowed=pause,continue,brake,abort

    the actions of PAUSED
    fleet:8 bastion:off
    > start pause !start !bake !rollout !pause !resume !accept
    = PAUSED allowed=continue,retry,brake,abort

    the actions of BRAKED
    fleet:8 bastion:off
    > start brake !start !bake !rollout !pause !continue !brake~braked_already !accept
    = BRAKED allowed=retry,resume,abort

    the actions of BRAKED before its start
    fleet:8 bastion:off
    > brake !start !retry~nothing_has_run_yet !brake
    = BRAKED allowed=resume,abort from=PENDING
    > resume
    = PENDING allowed=start,brake,abort

    the actions of FAILURE
    fleet:4 r:50 b:100 bastion:off fails:2@VERIFY
    > start run !start !bake !rollout !pause !continue !resume
    = FAILURE allowed=retry,accept,brake,abort

    the actions of REVOKING
    fleet:8 bastion:off
    > start move:1 abort !start !bake !rollout !pause !continue !brake !retry !resume !accept
    = REVOKING allowed=abort
    > !abort~only_a_forced_one
    = REVOKING

    the actions of REVOKING by force
    fleet:8 bastion:off deaf:1
    > start move:1 kill !abort~forced_abort_is_under_way !kill !brake~it_is_being_aborted
    = REVOKING allowed=

    the actions of REVOKED
    fleet:4
    > abort !start~it_has_ended !brake !retry !resume !accept !abort
    = REVOKED allowed= told=REVOKED
    """

  /// A brake in each state, and a resume from it: to where the targets say it stands.
  static let resumptions = """
    from SMOKING: what had not started is taken back, and begins again
    fleet:4
    > start brake run
    = BRAKED from=SMOKING handed=1 out=- | b:- - - -
    > resume run
    = SUCCESS handed=6

    from SMOKING: the bastion went on meanwhile, and its gate is reached
    fleet:4 gates:bake
    > start move:1 brake run
    = BRAKED from=SMOKING | b:V - - -
    > resume
    = SMOKE_SUCCESS handed=1

    from SMOKING: the bastion failed meanwhile
    fleet:4 fails:1@INSTALL
    > start move:1 brake run
    = BRAKED | b:i - - -
    > resume
    = SMOKE_FAILURE

    from SMOKE_FAILURE
    fleet:4 fails:1@VERIFY
    > start run brake
    = BRAKED from=SMOKE_FAILURE
    > resume
    = SMOKE_FAILURE

    from BAKING: what had not started is taken back, and its gate stays open
    fleet:4 gates:bake
    > start run bake brake run
    = BRAKED from=BAKING out=1 | b:V - - -
    > resume
    = BAKING
    > run
    = SUCCESS

    from BAKING: the Markup went on meanwhile
    fleet:4 gates:bake,rollout
    > start run bake move:1 brake run
    = BRAKED out=- | b:S - - -
    > resume
    = BAKE_SUCCESS

    from BAKE_FAILURE
    fleet:4 fails:1@MARKUP
    > start run brake
    = BRAKED from=BAKE_FAILURE
    > resume
    = BAKE_FAILURE

    from ROLLING_OUT: every server ended meanwhile
    fleet:2 r:50 bastion:off b:100
    > start move:1x10 look move:2 brake run
    = BRAKED from=ROLLING_OUT | S S
    > resume
    = SUCCESS

    from PAUSED: the release goes on
    fleet:8 r:25 bastion:off wait:60
    > start waits pause brake
    = BRAKED from=PAUSED
    > resume
    = ROLLING_OUT next=60

    a retry from a brake in SMOKE_SUCCESS leaves the bastion as it is
    fleet:4 gates:bake
    > start run brake retry
    = SMOKE_SUCCESS attempt=2 handed=1 | b:V - - -

    what ended in a pause is seen by continue
    fleet:4 r:50 b:100 bastion:off fails:3@VERIFY
    > start move:1x10 move:2x10 look move:3 move:4 pause run
    = PAUSED F=1/4 | SS vS
    > continue
    = FAILURE
    """

  /// A target's failures, stage by stage, with their codes.
  static let failures = """
    the bastion may fail at Markdown
    fleet:4 loadBalancer:1@MARKDOWN
    > start run
    = SMOKE_FAILURE codes=1:loadBalancer | b:m - - -

    the bastion may fail at Download
    fleet:4 checksum:1@DOWNLOAD
    > start run
    = SMOKE_FAILURE codes=1:checksum | b:d - - -

    a failure has the code of what failed
    fleet:6 r:17 b:100 min:0 bastion:off loadBalancer:1@MARKDOWN checksum:2@DOWNLOAD unreachable:3@INSTALL timeout:4@VERIFY lost:5@MARKUP fails:6@MARKUP
    > start run
    = FAILURE F=6/6 out=1,2,3,4,5,6 codes=1:loadBalancer,2:checksum,3:unreachable,4:timeout,5:lost,6:script

    a stage's deadline has the code timeout, a run that nobody knows the code lost
    fleet:4 r:50 b:100 min:0 bastion:off stage-deadline:10 hangs:1@INSTALL
    > start move:2 forget:2 look run
    = FAILURE codes=1:timeout,2:lost | im SS

    a bake that no worker takes up smokes again: what runs there is not known
    fleet:4 gates:bake stage-deadline:10
    > start run bake workers:off after:10
    = BAKE_FAILURE codes=1:timeout | b:v - - -
    > workers:on retry
    = SMOKING

    a batch is FAILURE, goes on as DEPLOYING in a retry, and ends well
    fleet:4 r:50 b:100 bastion:off fails:1@VERIFY#1
    > start
    = ROLLING_OUT states=DEPLOYING,PENDING
    > run
    = FAILURE states=FAILURE,SUCCESS
    > retry
    = ROLLING_OUT states=DEPLOYING,SUCCESS
    > run
    = SUCCESS states=SUCCESS,SUCCESS

    a batch that an abort ended is REVOKED, whatever of it had ended well before
    fleet:12 r:25 bastion:off
    > start move:1 move:2x3 move:3x5 abort run
    = REVOKED states=REVOKED,REVOKED,REVOKED,REVOKED | RRS RRR RRR RRR

    a batch in which a server failed before the abort is a FAILURE
    fleet:8 r:25 b:100 bastion:off fails:1@MARKDOWN
    > start move:1x2 move:2 abort run
    = REVOKED states=FAILURE,REVOKED,REVOKED,REVOKED | mR RR RR RR
    """
}
