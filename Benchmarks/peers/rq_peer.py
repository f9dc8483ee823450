"""RQ: its tasks and its client. Chains and callbacks are jobs that depend on others."""

from __future__ import annotations

from redis import Redis
from rq import Queue

import protocol

_ttl = {"result_ttl": 0, "failure_ttl": 0} if protocol.DEPLOYMENT == "best" else {}


# Workers import this module by its name; here it is `__main__`.
NOOP, STAMP = "rq_peer.noop", "rq_peer.stamp"


def noop() -> None:
    protocol.mark()


def stamp() -> None:
    protocol.stamp()


class Client:
    def __init__(self) -> None:
        self.redis = Redis(unix_socket_path=protocol.SOCKET)
        self.queue = Queue("peer", connection=self.redis)

    def single(self, n: int) -> None:
        for _ in range(n):
            self.queue.enqueue(NOOP, **_ttl)

    def bulk(self, n: int) -> None:
        for start in range(0, n, 500):
            jobs = [Queue.prepare_data(NOOP, **_ttl) for _ in range(min(500, n - start))]
            self.queue.enqueue_many(jobs)

    def chains(self, n: int, links: int) -> None:
        for _ in range(n):
            before = None
            for _ in range(links):
                # A job that others depend on must be there when they ask how it ended.
                before = self.queue.enqueue(NOOP, depends_on=before, result_ttl=60)

    def groups(self, n: int, size: int) -> None:
        for _ in range(n):
            jobs = [Queue.prepare_data(NOOP, result_ttl=60) for _ in range(size)]
            members = self.queue.enqueue_many(jobs)
            self.queue.enqueue(NOOP, depends_on=members, result_ttl=60)

    def one(self) -> None:
        self.queue.enqueue(STAMP, **_ttl)


if __name__ == "__main__":
    protocol.serve(Client(), "rq")
