"""arq: its functions, its worker's settings, and its client."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import msgpack
import uvloop
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings

import protocol

_best = protocol.DEPLOYMENT == "best"
_settings = RedisSettings(unix_socket_path=protocol.SOCKET)
_serializers: dict[str, Any] = (
    {"job_serializer": msgpack.packb, "job_deserializer": msgpack.unpackb} if _best else {}
)
if _best:
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


async def noop(context: dict[str, Any]) -> None:
    protocol.mark()


async def stamp(context: dict[str, Any]) -> None:
    protocol.stamp()


class WorkerSettings:
    functions: ClassVar[list[Any]] = [noop, stamp]
    redis_settings = _settings
    if _best:
        max_jobs = 20
        poll_delay = 0.01
        keep_result = 0
        log_results = False
        job_serializer = msgpack.packb
        job_deserializer = msgpack.unpackb


class Client:
    redis: ArqRedis

    async def begin(self) -> None:
        self.redis = await create_pool(_settings, **_serializers)

    async def single(self, n: int) -> None:
        for _ in range(n):
            await self.redis.enqueue_job("noop")

    async def bulk(self, n: int) -> None:
        await protocol.at_once(n, 50, lambda: self.redis.enqueue_job("noop"))

    async def one(self) -> None:
        await self.redis.enqueue_job("stamp")


if __name__ == "__main__":
    protocol.serve(Client(), "arq")
