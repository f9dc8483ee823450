"""SAQ: its functions, its worker's settings, and its client."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import uvloop
from redis.asyncio import Redis
from saq.queue.redis import RedisQueue

import protocol

_best = protocol.DEPLOYMENT == "best"
if _best:
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
_tuned: dict[str, Any] = {"dump": orjson.dumps, "load": orjson.loads, "max_concurrent_ops": 50} if _best else {}
# `Queue.from_url` knows no unix sockets.
queue = RedisQueue(Redis(unix_socket_path=protocol.SOCKET), **_tuned)


async def noop(context: dict[str, Any]) -> None:
    protocol.mark()


async def stamp(context: dict[str, Any]) -> None:
    protocol.stamp()


settings: dict[str, Any] = {"queue": queue, "functions": [noop, stamp]}
if _best:
    settings["concurrency"] = 20


class Client:
    async def begin(self) -> None:
        await queue.connect()

    async def single(self, n: int) -> None:
        for _ in range(n):
            await queue.enqueue("noop", **_ttl)

    async def bulk(self, n: int) -> None:
        await protocol.at_once(n, 50, lambda: queue.enqueue("noop", **_ttl))

    async def one(self) -> None:
        await queue.enqueue("stamp", **_ttl)


# A finished job is removed at once.
_ttl: dict[str, Any] = {"ttl": -1} if _best else {}

if __name__ == "__main__":
    protocol.serve(Client(), "saq")
