"""Celery: the application that its workers load, and its client."""

from __future__ import annotations

from celery import Celery, chain, chord
from kombu import Producer

import protocol

app = Celery("peer")
app.conf.update(
    broker_url=f"redis+socket://{protocol.SOCKET}",
    result_backend=f"redis+socket://{protocol.SOCKET}",
    broker_connection_retry_on_startup=True,
)
if protocol.DEPLOYMENT == "best":
    app.conf.update(
        task_ignore_result=True,
        worker_disable_rate_limits=True,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_prefetch_multiplier=128,
        worker_hijack_root_logger=False,
    )


@app.task(name="noop")
def noop() -> None:
    protocol.mark()


@app.task(name="member", ignore_result=False)
def member() -> int:
    protocol.mark()
    return 1


@app.task(name="callback")
def callback(results: list[int]) -> None:
    protocol.mark()


@app.task(name="stamp")
def stamp() -> None:
    protocol.stamp()


class Client:
    def single(self, n: int) -> None:
        for _ in range(n):
            noop.apply_async()

    def bulk(self, n: int) -> None:
        """One producer for all: Celery has no call for many tasks."""
        with app.connection_for_write() as connection:
            producer = Producer(connection.channel())
            for _ in range(n):
                noop.apply_async(producer=producer)

    def chains(self, n: int, links: int) -> None:
        for _ in range(n):
            chain(noop.si() for _ in range(links)).apply_async()

    def groups(self, n: int, size: int) -> None:
        for _ in range(n):
            chord((member.si() for _ in range(size)), callback.s()).apply_async()

    def one(self) -> None:
        stamp.apply_async()


if __name__ == "__main__":
    protocol.serve(Client(), "celery")
