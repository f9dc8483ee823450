"""The tools, and how each is deployed: the one place to look at, and to improve, their configurations.

`best` is the fastest configuration of the tool that its documentation and a trial on two cores led to; `default` is what
one gets by following its first page. All reach redis-server through the same unix socket, and all Python clients have
hiredis' parser.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / ".peers"
DRAWBAR = HERE.parent / ".build" / "release" / "drawbar-bench"


@dataclass(frozen=True)
class Deployment:
    """One configuration of a tool."""

    label: str
    note: str
    # Programs of the worker's side, each an argument list; `{bin}` is the tool's own bin directory.
    workers: list[list[str]]
    # How much there is to do in one measurement: enough for about a second.
    tasks: int
    chains: int = 0
    groups: int = 0
    idle: int = 100
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tool:
    name: str
    client: list[str]
    deployments: list[Deployment]
    pip: list[str] = field(default_factory=list)
    apt: list[str] = field(default_factory=list)

    @property
    def bin(self) -> str:
        return str(CACHE / self.name / "bin") if self.pip else "/usr/bin"




def _rq(*options: str) -> list[str]:
    return ["{bin}/rq", "worker", "--quiet", *options, "--path", ".", "--url", "unix://{socket}", "peer"]


TOOLS = [
    Tool(
        name="Drawbar",
        client=[str(DRAWBAR), "peer", "client"],
        deployments=[
            Deployment(
                "best", "1 process, concurrency 128, prefetch 512",
                [[str(DRAWBAR), "peer", "worker"]], tasks=100_000, chains=30_000, groups=800,
            ),
            Deployment(
                "default", "1 process, WorkerConfiguration()",
                [[str(DRAWBAR), "peer", "worker"]], tasks=50_000, chains=10_000, groups=400,
            ),
        ],
    ),
    Tool(
        name="Sidekiq",
        apt=["ruby-sidekiq", "ruby-hiredis"],
        client=["/usr/bin/ruby", "sidekiq_peer.rb"],
        deployments=[
            Deployment(
                "best", "2 processes, 10 threads, hiredis, push_bulk; no acknowledgement",
                [["/usr/bin/sidekiq", "-r", "./sidekiq_peer.rb", "-c", "10"]] * 2, tasks=15_000,
            ),
            Deployment(
                "default", "1 process, 10 threads",
                [["/usr/bin/sidekiq", "-r", "./sidekiq_peer.rb"]], tasks=5_000,
            ),
        ],
    ),
    Tool(
        name="Dramatiq",
        pip=["dramatiq[redis]", "hiredis"],
        client=["{bin}/python", "dramatiq_peer.py"],
        deployments=[
            Deployment(
                "best", "1 process, 1 thread, prefetch 512, only the middleware that the cases need",
                [["{bin}/dramatiq", "-p", "1", "-t", "1", "dramatiq_peer"]], tasks=6_000, chains=700, groups=20,
                environment={"dramatiq_queue_prefetch": "512"},
            ),
            Deployment(
                "default", "2 processes, 8 threads, default middleware",
                [["{bin}/dramatiq", "dramatiq_peer"]], tasks=3_000, chains=300, groups=6,
            ),
        ],
    ),
    Tool(
        name="taskiq",
        pip=["taskiq", "taskiq-redis", "taskiq-pipelines", "hiredis", "uvloop", "orjson"],
        client=["{bin}/python", "taskiq_peer.py"],
        deployments=[
            Deployment(
                "best", "stream broker, 2 processes, uvloop, orjson, no result backend",
                [["{bin}/taskiq", "worker", "--log-level", "ERROR", "--no-parse", "--workers", "2",
                  "--max-async-tasks", "200", "--max-prefetch", "200", "taskiq_peer:broker"]],
                tasks=6_000, chains=700,
            ),
            Deployment(
                "default", "list broker, 2 processes; no acknowledgement",
                [["{bin}/taskiq", "worker", "taskiq_peer:broker"]], tasks=3_000, chains=300,
            ),
        ],
    ),
    Tool(
        name="SAQ",
        pip=["saq[redis]", "typing_extensions", "hiredis", "uvloop", "orjson"],
        client=["{bin}/python", "saq_peer.py"],
        deployments=[
            Deployment(
                "best", "2 processes, concurrency 20, uvloop, orjson, results not kept",
                [["{bin}/saq", "--quiet", "--workers", "2", "saq_peer.settings"]], tasks=4_000,
            ),
            Deployment(
                "default", "1 process, concurrency 10",
                [["{bin}/saq", "saq_peer.settings"]], tasks=2_000,
            ),
        ],
    ),
    Tool(
        name="Celery",
        pip=["celery[redis]", "hiredis"],
        client=["{bin}/python", "celery_peer.py"],
        deployments=[
            Deployment(
                "best", "2 solo processes, prefetch 128, results only where a chord needs them, no remote control",
                [["{bin}/celery", "-A", "celery_peer", "worker", "--pool", "solo", "--loglevel", "ERROR",
                  "--without-gossip", "--without-mingle", "--without-heartbeat", "--hostname", name]
                 for name in ("one@%h", "two@%h")],
                tasks=3_000, chains=400, groups=12,
            ),
            Deployment(
                "default", "prefork, 2 children, prefetch 4, results kept",
                [["{bin}/celery", "-A", "celery_peer", "worker", "--loglevel", "ERROR"]],
                tasks=1_500, chains=200, groups=8,
            ),
        ],
    ),
    Tool(
        name="arq",
        pip=["arq", "hiredis", "uvloop", "msgpack"],
        client=["{bin}/python", "arq_peer.py"],
        deployments=[
            Deployment(
                "best", "1 process, max_jobs 20, poll 10 ms, uvloop, msgpack, results not kept",
                [["{bin}/arq", "arq_peer.WorkerSettings"]], tasks=3_000,
            ),
            Deployment(
                "default", "1 process, max_jobs 10, poll 0.5 s",
                [["{bin}/arq", "arq_peer.WorkerSettings"]], tasks=1_000, idle=10,
            ),
        ],
    ),
    Tool(
        name="RQ",
        pip=["rq", "hiredis"],
        client=["{bin}/python", "rq_peer.py"],
        deployments=[
            # With two workers some chains of dependent jobs never end (seen with 3.0.0: jobs stay in the state
            # `ready_to_enqueue`), hence the row `chains`.
            Deployment(
                "best", "2 SimpleWorkers, results not kept",
                [_rq("--worker-class", "rq.worker.SimpleWorker")] * 2, tasks=800,
            ),
            Deployment(
                "chains", "1 SimpleWorker: with 2, some chains never end",
                [_rq("--worker-class", "rq.worker.SimpleWorker")], tasks=200, chains=80, groups=3, idle=0,
            ),
            Deployment(
                "default", "1 worker that forks for each job",
                [_rq()], tasks=150, chains=20, groups=1, idle=40,
            ),
        ],
    ),
]
