extension ScenarioTests {
  /// Times that are stored: waits, gates and deadlines, over whatever lies between.
  static let times = """
    the wait counts from the end of the batch before, not from its start
    fleet:8 r:25 bastion:off wait:60
    > start move:1x10 after:30 move:2x10 look
    = ROLLING_OUT next=60
    > run
    = SUCCESS t=210

    the wait counts from the end although it is seen late
    fleet:8 r:25 bastion:off wait:60
    > start move:1x10 move:2x10 after:45
    = ROLLING_OUT next=15

    the wait counts from the end of what ran out of time
    fleet:4 r:50 b:100 bastion:off wait:60 stage-deadline:100 hangs:2@INSTALL
    > start run
    = FAILURE t=160 | Si SS

    the wait counts from the end of what no worker took up
    fleet:6 r:50 b:100 bastion:off wait:60 stage-deadline:100
    > start move:1x10 after:100 run
    = FAILURE t=160 | Smm SSS

    the wait counts from the end of what the queue lost
    fleet:6 r:50 b:100 bastion:off wait:60
    > start move:1x10 move:2x10 move:3 after:30 forget:3 look
    = ROLLING_OUT next=60

    a batch of which everybody was pulled out ends when it would have begun
    fleet:6 r:34 bastion:off wait:60
    > pull:3,4 start run
    = SUCCESS t=120 | SS XX SS

    the tail may begin with the second batch, or the first
    fleet:6 r:34 bastion:off wait:60 tail:5 from:1
    > start run
    = SUCCESS t=10

    a batches' gate that opens by itself adds its time to each wait
    fleet:6 r:34 bastion:off wait:60 tail:5 batches-after:100
    > start run
    = SUCCESS t=265

    a manual batch doesn't wait for a time
    fleet:6 r:34 bastion:off wait:60 gates:batches
    > start run continue
    = ROLLING_OUT handed=2 next=-

    a pause while a batch runs: the wait counts from its end
    fleet:8 r:25 bastion:off wait:60
    > start move:1 move:2 pause run
    = PAUSED | SS -- -- --
    > after:20 continue
    = ROLLING_OUT next=40

    a brake while a batch runs: the wait counts from its end
    fleet:8 r:25 bastion:off wait:60
    > start move:1 move:2 brake run after:20 resume
    = ROLLING_OUT next=40

    a time that passed in a brake doesn't begin anew
    fleet:8 r:25 bastion:off wait:60
    > start waits brake after:100 resume
    = ROLLING_OUT handed=2

    in a retry all batches but the first wait, whatever their places
    fleet:6 r:17 b:50 bastion:off wait:60 fails:2,3@VERIFY#1
    > start until:ROLLING_OUT run
    = FAILURE t=300 | S v v S S S
    > down:1 look retry
    = ROLLING_OUT last=2
    > run
    = SUCCESS t=420 out=-

    the gate before the roll-out tells that it waits
    fleet:4 gates:rollout notify:900
    > start run
    = BAKE_SUCCESS t=900 told=gate

    the gate before a batch tells that it waits, each anew
    fleet:6 r:34 bastion:off gates:batches notify:900
    > start run
    = ROLLING_OUT t=900 told=gate
    > continue run
    = ROLLING_OUT t=1800 told=gate,gate

    a gate that is opened in time tells nothing
    fleet:4 gates:bake notify:900
    > start until:SMOKE_SUCCESS after:899 bake run
    = SUCCESS told=SUCCESS

    a gate tells once, over a brake as well
    fleet:4 gates:bake notify:900
    > start run brake resume after:2000
    = SMOKE_SUCCESS told=gate,brake

    a gate that begins anew with a retry tells anew
    fleet:4 gates:bake notify:900
    > start run pull:1 brake retry run
    = SMOKE_SUCCESS bastion=2 told=gate,brake,gate

    a bake in PAUSED's stead: gates of bake and roll-out open one after the other
    fleet:4 gates:bake,rollout
    > start run bake !rollout run rollout !bake run
    = SUCCESS
    """

  /// Deadlines, in each state.
  static let limits = """
    a stage's deadline counts from the end of the stage before it
    fleet:4 r:50 b:100 bastion:off stage-deadline:10 hangs:1@VERIFY
    > start move:2x10 move:1x2 after:8 move:1x2 after:8 move:1x2 after:8
    = ROLLING_OUT | >S --
    > move:1 run
    = FAILURE codes=1:timeout | vS SS

    a stage that waits for its next worker outlives its deadline
    fleet:4 r:50 b:100 bastion:off stage-deadline:10
    > start move:1x4 move:2x10 workers:off after:10 workers:on run
    = FAILURE codes=1:timeout | iS SS

    a stage's deadline holds in a pause
    fleet:8 r:50 b:50 bastion:off stage-deadline:10 hangs:1@INSTALL
    > start move:1 pause run
    = PAUSED F=1/4 codes=1:timeout | i--- ----

    a stage's deadline holds in a brake
    fleet:8 r:50 b:50 bastion:off stage-deadline:10 hangs:1@INSTALL
    > start move:1 brake run
    = BRAKED F=1/4 codes=1:timeout | i--- ----

    a retry waits until what outlived its deadline has been stopped
    fleet:8 r:50 b:50 bastion:off stage-deadline:10 hangs:1@INSTALL deaf:1
    > start move:1 brake run !retry~still_being_stopped
    = BRAKED F=1/4
    > forget:1 look retry
    = ROLLING_OUT last=1,2,3,4

    a stage's deadline is no matter of an abort
    fleet:8 r:25 bastion:off stage-deadline:10 hangs:1@INSTALL
    > start move:1x5 abort after:20
    = REVOKING | >- -- -- --
    > run
    = REVOKED t=600 left=1

    an abort has a deadline of its own
    fleet:8 r:25 bastion:off revoke-deadline:30 hangs:1@INSTALL
    > start move:1x5 abort run
    = REVOKED t=30 left=1

    a batch's deadline holds for the bastion
    fleet:4 batch-deadline:60 hangs:1@INSTALL
    > start until:BRAKED
    = BRAKED cause=deadline from=SMOKING t=60

    the time at the gate is not the bastion's batch's
    fleet:4 gates:bake batch-deadline:60 hangs:1@MARKUP#2
    > start run after:100 bake look run
    = SUCCESS

    a bake has the whole of its batch's deadline
    fleet:4 gates:bake batch-deadline:60 hangs:1@MARKUP
    > start run after:100 bake until:BRAKED
    = BRAKED cause=deadline from=BAKING t=1060

    a batch's deadline begins anew with a continue
    fleet:8 r:25 bastion:off batch-deadline:60 hangs:1@INSTALL
    > start after:50 pause after:100 continue
    = ROLLING_OUT
    > until:BRAKED
    = BRAKED t=210 cause=deadline

    in a pause no deadline of a batch brakes
    fleet:8 r:25 bastion:off batch-deadline:60 hangs:1@INSTALL
    > start move:1x5 pause after:100
    = PAUSED

    a batch's deadline begins anew with a retry
    fleet:4 r:50 b:100 bastion:off batch-deadline:60 fails:1@INSTALL#1 hangs:1@INSTALL#2
    > start run after:100 retry until:BRAKED
    = BRAKED t=160 cause=deadline

    the deployment's deadline brakes at a gate as well
    fleet:4 gates:bake deadline:100
    > start run
    = BRAKED cause=deadline from=SMOKE_SUCCESS t=100
    > resume
    = SMOKE_SUCCESS

    the deployment's deadline goes on in a pause, and brakes at its end
    fleet:8 r:25 bastion:off wait:60 deadline:100
    > start waits pause after:150
    = PAUSED
    > continue
    = BRAKED cause=deadline

    the deployment's deadline begins anew with a retry
    fleet:8 r:25 bastion:off wait:60 deadline:100 fails:3,4@VERIFY#1
    > start run after:90 retry run
    = BRAKED cause=deadline t=250

    a deadline brakes no FAILURE
    fleet:4 r:50 b:100 bastion:off deadline:100 fails:2@VERIFY
    > start run after:200
    = FAILURE
    """
}
