"""Dramatiq: its actors and its client."""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import (
    AgeLimit,
    Callbacks,
    GroupCallbacks,
    Pipelines,
    Retries,
    ShutdownNotifications,
    TimeLimit,
)
from dramatiq.rate_limits.backends import RedisBackend

import protocol

_url = f"unix://{protocol.SOCKET}"
if protocol.DEPLOYMENT == "best":
    # Without time limits, prometheus, and what else looks at each message.
    broker = RedisBroker(url=_url, middleware=[Pipelines(), Retries()])
else:
    broker = RedisBroker(
        url=_url,
        middleware=[AgeLimit(), TimeLimit(), ShutdownNotifications(), Callbacks(), Pipelines(), Retries()],
    )
broker.add_middleware(GroupCallbacks(RedisBackend(url=_url)))
dramatiq.set_broker(broker)


@dramatiq.actor
def noop() -> None:
    protocol.mark()


@dramatiq.actor
def stamp() -> None:
    protocol.stamp()


class Client:
    def single(self, n: int) -> None:
        for _ in range(n):
            noop.send()

    def chains(self, n: int, links: int) -> None:
        for _ in range(n):
            steps = [noop.message_with_options(pipe_ignore=True) for _ in range(links)]
            dramatiq.pipeline(steps).run()

    def groups(self, n: int, size: int) -> None:
        for _ in range(n):
            group = dramatiq.group([noop.message() for _ in range(size)])
            group.add_completion_callback(noop.message())
            group.run()

    def one(self) -> None:
        stamp.send()


if __name__ == "__main__":
    protocol.serve(Client(), "dramatiq")
