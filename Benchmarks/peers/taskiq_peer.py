"""taskiq: its broker, its tasks and its client."""

from __future__ import annotations

import asyncio

import uvloop
from taskiq.serializers import ORJSONSerializer
from taskiq_pipelines import Pipeline, PipelineMiddleware
from taskiq_redis import ListQueueBroker, RedisStreamBroker

import protocol

_url = f"unix://{protocol.SOCKET}"
if protocol.DEPLOYMENT == "best":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    broker = RedisStreamBroker(_url, consumer_id="0").with_serializer(ORJSONSerializer())
else:
    broker = ListQueueBroker(_url)
broker.add_middlewares(PipelineMiddleware())


@broker.task(task_name="noop")
async def noop() -> None:
    protocol.mark()


@broker.task(task_name="stamp")
async def stamp() -> None:
    protocol.stamp()


class Client:
    async def begin(self) -> None:
        await broker.startup()

    async def single(self, n: int) -> None:
        for _ in range(n):
            await noop.kiq()

    async def bulk(self, n: int) -> None:
        await protocol.at_once(n, 50, noop.kiq)

    async def chains(self, n: int, links: int) -> None:
        for _ in range(n):
            pipeline = Pipeline(broker, noop)
            for _ in range(links - 1):
                pipeline = pipeline.call_after(noop)
            await pipeline.kiq()

    async def one(self) -> None:
        await stamp.kiq()


if __name__ == "__main__":
    protocol.serve(Client(), "taskiq", "taskiq-redis")
