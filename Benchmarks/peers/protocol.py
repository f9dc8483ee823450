"""What the runner and a peer's programs say to each other.

A worker's tasks tell that they ran by a file: one byte a task, written with one `write` in append mode, which is whole
whatever processes and threads write. The runner watches the file's length. A task whose start matters writes the
clock's 8 bytes to a second file. Both cost every tool the same, about a microsecond a task.

A client reads one JSON command a line from its standard input and answers with one JSON line.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import random
import struct
import sys
import time
from importlib.metadata import version
from typing import Any

SOCKET = os.environ["PEER_REDIS"]
MARKS = os.environ["PEER_MARKS"]
STAMPS = os.environ["PEER_STAMPS"]
DEPLOYMENT = os.environ.get("PEER_DEPLOYMENT", "best")

_append = os.O_WRONLY | os.O_APPEND | os.O_CREAT
_marks = os.open(MARKS, _append)
_stamps = os.open(STAMPS, _append)


def mark() -> None:
    """What a task that does nothing does."""
    os.write(_marks, b".")


def stamp() -> None:
    """The first line of a task whose start is measured."""
    os.write(_stamps, struct.pack("=q", time.monotonic_ns()))


def serve(peer: Any, *packages: str) -> None:
    """Answers the runner's commands until it closes the pipe.

    A peer has `single(n)`, which enqueues n tasks one after another, and `one()`, which enqueues one that stamps.
    `bulk(n)`, `chains(n, links)` and `groups(n, size)` are there where the tool has them. All may be coroutines.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def call(function: Any, *arguments: int) -> Any:
        result = function(*arguments)
        return loop.run_until_complete(result) if inspect.isawaitable(result) else result

    for line in sys.stdin:
        command = json.loads(line)
        operation = command["do"]
        start = time.monotonic()
        answer: dict[str, Any] = {}
        if operation == "hello":
            if hasattr(peer, "begin"):
                call(peer.begin)
            answer["version"] = " + ".join(f"{package} {version(package)}" for package in packages)
            answer["can"] = [name for name in ("bulk", "chains", "groups") if hasattr(peer, name)]
        elif operation == "idle":
            answer["sent"] = [_one(call, peer, i) for i in range(command["n"])]
        else:
            call(getattr(peer, operation), command["n"], *command.get("of", []))
            answer["seconds"] = time.monotonic() - start
        print(json.dumps(answer), flush=True)


def _one(call: Any, peer: Any, already: int) -> int:
    """Enqueues one task for a worker that has nothing to do, waits until it has begun, and says when it was sent."""
    time.sleep(random.uniform(0.005, 0.015))
    sent = call(_timed, peer)
    deadline = time.monotonic() + 20
    while os.fstat(_stamps).st_size < 8 * (already + 1):
        if time.monotonic() > deadline:
            raise TimeoutError("a task did not start within 20 s")
        time.sleep(0.000_2)
    return int(sent)


def _timed(peer: Any) -> Any:
    sent = time.monotonic_ns()
    result = peer.one()
    if not inspect.isawaitable(result):
        return sent

    async def coroutine() -> int:
        # The loop runs: its start is no part of the time.
        nonlocal sent
        sent = time.monotonic_ns()
        await result
        return sent

    return coroutine()


async def at_once(n: int, width: int, send: Any) -> None:
    """Sends n tasks, `width` of them under way at a time: the bulk of tools that have no call for it."""
    left = iter(range(n))

    async def sender() -> None:
        for _ in left:
            await send()

    await asyncio.gather(*(sender() for _ in range(width)))
