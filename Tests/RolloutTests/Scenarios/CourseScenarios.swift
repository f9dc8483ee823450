extension ScenarioTests {
  /// Waits and gates.
  static let waits = """
    the wait counts from the end of the batch before, and the tail is faster
    fleet:16 r:25 bastion:off wait:60 tail:1
    > start run
    = SUCCESS t=62 handed=4

    the tail may begin elsewhere
    fleet:16 r:25 bastion:off wait:60 tail:0 from:2
    > start run
    = SUCCESS t=0

    without a time of its own the tail waits as the others
    fleet:16 r:25 bastion:off wait:60
    > start run
    = SUCCESS t=180

    the first rolling batch doesn't wait
    fleet:5 r:50 wait:60
    > start run
    = SUCCESS t=60 handed=4

    a pause keeps the time of the next batch
    fleet:8 r:25 bastion:off wait:60
    > start waits
    = ROLLING_OUT next=60
    > after:20 pause
    = PAUSED next=-
    > after:20 continue
    = ROLLING_OUT next=20 handed=1

    a time that passed in a pause doesn't begin anew
    fleet:8 r:25 bastion:off wait:60
    > start waits pause after:100
    = PAUSED handed=1
    > continue
    = ROLLING_OUT handed=2

    a brake keeps the time of the next batch
    fleet:8 r:25 bastion:off wait:60
    > start waits after:10 brake after:20 resume
    = ROLLING_OUT next=30 handed=1

    in PAUSED nothing new starts, what runs runs on
    fleet:8 r:50 bastion:off
    > start move:1 move:2 pause run
    = PAUSED | SS-- ----
    > continue run
    = SUCCESS | SSSS SSSS

    manual gates wait, and say so once
    fleet:4 gates:bake,rollout notify:900
    > start run
    = SMOKE_SUCCESS t=900 told=gate
    > look look
    = SMOKE_SUCCESS told=gate

    a pause or a brake opens no manual gate
    fleet:4 gates:bake,rollout
    > start run brake resume
    = SMOKE_SUCCESS | b:V - - -
    > bake run brake resume
    = BAKE_SUCCESS | b:S - - -

    manual batches start on continue, one by one
    fleet:8 r:25 bastion:off gates:batches
    > start run
    = ROLLING_OUT handed=1 allowed=pause,continue,brake,abort
    > continue run
    = ROLLING_OUT handed=2
    > continue run continue run
    = SUCCESS handed=4

    in PAUSED continue only unpauses
    fleet:8 r:25 bastion:off gates:batches
    > start run pause continue run
    = ROLLING_OUT handed=1

    an opened gate stays open over a brake inside its batch
    fleet:8 r:50 bastion:off gates:batches
    > start run continue move:5 brake run resume run
    = SUCCESS handed=3

    continue is refused where nothing waits for a person
    fleet:8 r:25 bastion:off
    > start !continue
    = ROLLING_OUT

    gates open by themselves after their time
    fleet:3 bake-after:5 rollout-after:7
    > start until:BAKING
    = BAKING t=5
    > until:ROLLING_OUT
    = ROLLING_OUT t=12

    an automatic gate's time runs on in a brake
    fleet:3 bake-after:60
    > start until:SMOKE_SUCCESS after:10 brake after:20 resume
    = SMOKE_SUCCESS next=30

    start is refused twice
    fleet:3
    > start !start
    = SMOKING

    a look too many changes nothing
    fleet:6 r:50
    > start look look move:1 look look run look look
    = SUCCESS handed=5
    """

  /// Deadlines of stages, batches and the deployment.
  static let deadlines = """
    a stage that outlives its deadline is a failure
    fleet:4 r:50 b:100 bastion:off stage-deadline:10 hangs:1@INSTALL
    > start run
    = FAILURE F=1/4 out=1 | iS SS

    a stage's deadline holds for the bastion
    fleet:4 stage-deadline:10 hangs:1@VERIFY
    > start run
    = SMOKE_FAILURE t=10 | b:v - - -

    a batch's deadline brakes, and what runs runs on
    fleet:8 r:25 bastion:off batch-deadline:60 hangs:1@INSTALL
    > start until:BRAKED
    = BRAKED cause=deadline t=60 | >S -- -- --

    a batch's deadline begins anew with a resume
    fleet:8 r:25 bastion:off batch-deadline:60 hangs:1@INSTALL
    > start until:BRAKED after:100 resume
    = ROLLING_OUT
    > until:BRAKED
    = BRAKED t=220

    the deployment's deadline brakes
    fleet:8 r:25 bastion:off wait:60 deadline:100
    > start run
    = BRAKED cause=deadline t=100 handed=2
    > resume run
    = SUCCESS t=180

    a stage's deadline counts the wait for a worker
    fleet:6 r:50 bastion:off stage-deadline:10
    > start after:9
    = ROLLING_OUT | --- ---
    > after:1
    = BRAKED F=3/3 out=- | mmm ---
    > retry run
    = SUCCESS

    what waits for a worker fails although others run
    fleet:6 r:50 b:100 bastion:off stage-deadline:10
    > start move:1x10 after:10 run
    = FAILURE F=2/6 out=- | Smm SSS
    > retry run
    = SUCCESS | KSS SSS
    """

  /// What a retry does and leaves alone.
  static let retries = """
    only what failed, and the batch that succeeded is left alone
    fleet:8 r:50 b:100 bastion:off fails:1,3@INSTALL#1
    > start run
    = FAILURE F=2/8 states=FAILURE,SUCCESS | iSiS SSSS
    > retry
    = ROLLING_OUT F=0/8 states=DEPLOYING,SUCCESS
    > run
    = SUCCESS handed=3 | SKSK SSSS

    those never run are included
    fleet:8 r:25 bastion:off fails:1,2@VERIFY#1
    > start run
    = BRAKED | vv -- -- --
    > retry run
    = SUCCESS attempt=2 | SS SS SS SS

    the failed ones go first
    fleet:8 r:50 b:25 bastion:off fails:2,4@MARKDOWN#1
    > start move:2x2 move:4x2 run
    = BRAKED | -m-m ----
    > retry
    = ROLLING_OUT last=2,4,1,3

    what is out goes before a server that went down, whatever its batch
    fleet:8 r:12 b:25 bastion:off wait:60 fails:2,3@VERIFY#1
    > start until:BRAKED
    = BRAKED F=2/2 | S v v - - - - -
    > down:1 look up:1 down:1 retry
    = ROLLING_OUT last=2
    > run
    = SUCCESS out=- t=540

    what had succeeded is asked again and not touched
    fleet:4 r:50 b:100 bastion:off fails:1@VERIFY#1
    > start run retry
    = ROLLING_OUT last=1,2
    > run
    = SUCCESS out=- | SK SS

    one that is on the version and only out of the balancer gets Markup alone
    fleet:4 r:50 b:100 bastion:off fails:1@MARKUP#1
    > start run
    = FAILURE version=1,2,3,4 out=1 | uS SS
    > retry run
    = SUCCESS out=- | SK SS

    a server that is at the version already is skipped
    fleet:4 r:50 bastion:off
    > on-version:1,3 start run
    = SUCCESS | KS KS

    the bastion is never skipped
    fleet:4
    > on-version:1 start run
    = SUCCESS | b:S S S S

    the first batch of a retry doesn't wait, those after it do
    fleet:8 r:25 bastion:off wait:60 fails:3,4@VERIFY#1
    > start run
    = BRAKED t=60
    > retry
    = ROLLING_OUT handed=3
    > run
    = SUCCESS t=180

    nor does the first batch where the one before it ended only lately
    fleet:4 r:25 b:50 bastion:off wait:60 fails:1,2@VERIFY#1
    > start run
    = BRAKED t=60 | v v - -
    > retry waits
    = ROLLING_OUT next=60 | S - - -
    > brake retry
    = ROLLING_OUT last=2 t=60

    servers that are gone become EXCLUDED, new ones form a last batch
    fleet:8 r:25 bastion:off fails:1,2@VERIFY
    > start run gone:1,2 new:9,10 retry
    = ROLLING_OUT n=8 M=2 L=2 | XX -- -- -- --
    > run
    = SUCCESS | XX SS SS SS SS

    a server that succeeded and has left the group is no failure
    fleet:8 r:25 b:12 bastion:off fails:4@VERIFY
    > start run
    = BRAKED | SS Sv -- --
    > gone:1 down:1 mend retry run
    = SUCCESS F=0/1 | XS KS SS SS

    a retry in PAUSED goes on rolling out
    fleet:8 r:50 b:100 bastion:off fails:1@MARKDOWN#1
    > start move:1 move:1 pause run
    = PAUSED | m--- ----
    > retry run
    = SUCCESS attempt=2

    a retry while others are still at work takes effect when they have ended
    fleet:8 r:50 b:100 bastion:off
    > start move:1 move:2 brake retry
    = ROLLING_OUT handed=1 attempt=2
    > run
    = SUCCESS | KKSS SSSS

    a retry is refused while it rolls out
    fleet:8 r:25 bastion:off
    > start !retry
    = ROLLING_OUT

    a server that was pulled out after the plan is EXCLUDED when its batch starts
    fleet:8 r:25 bastion:off
    > pull:3 start run
    = SUCCESS | SS XS SS SS

    one pulled out in mid-chain ends its chain
    fleet:8 r:25 bastion:off
    > start move:1 pull:1 run
    = SUCCESS | SS SS SS SS
    """

  /// How releases end.
  static let ends = """
    every server is SUCCESS
    fleet:4
    > start run
    = SUCCESS allowed= told=SUCCESS

    FAILURE can be accepted, with a reason
    fleet:4 r:50 b:100 bastion:off fails:2@VERIFY
    > start run !accept?
    = FAILURE allowed=retry,accept,brake,abort
    > accept
    = SUCCESS flagged=2 | SX SS

    nothing to accept where no server runs the version
    fleet:1 bastion:off fails:1@VERIFY
    > start run !accept
    = FAILURE

    a FAILURE can be braked, and resumed to where it stands
    fleet:4 r:50 b:100 bastion:off fails:2@VERIFY
    > start run brake
    = BRAKED from=FAILURE
    > resume
    = FAILURE

    after the end nothing is allowed
    fleet:2
    > start run !retry !abort !brake !start
    = SUCCESS allowed=

    EXCLUDED alone is no success
    fleet:2 bastion:off
    > pull:1,2 start
    = FAILURE why~every_server | X X
    """
}
