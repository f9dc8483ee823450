"""What the runner starts, and what it reads about it: redis-server, a tool's workers, a tool's client."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from catalogue import HERE, Deployment, Tool

_TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A tool did not do what it was asked for; the reason is for the table."""


@contextmanager
def redis_server(everysec: bool) -> Iterator[tuple[str, int]]:
    """A redis-server of our own in a temporary directory: its socket, and its process."""
    with tempfile.TemporaryDirectory(prefix="drawbar-peers-") as directory:
        socket = f"{directory}/redis.sock"
        process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir", directory,
             "--appendonly", "yes" if everysec else "no", "--appendfsync", "everysec"],
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 10
            ping = ["redis-cli", "-s", socket, "ping"]
            while subprocess.run(ping, check=False, capture_output=True).stdout != b"PONG\n":
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Failed("redis-server did not start")
                time.sleep(0.02)
            yield socket, process.pid
        finally:
            process.kill()
            process.wait()


class Marks:
    """The files in which tasks tell that they ran."""

    def __init__(self, directory: str) -> None:
        self.marks = Path(directory, "marks")
        self.stamps = Path(directory, "stamps")
        self.marks.touch()
        self.stamps.touch()

    @property
    def count(self) -> int:
        return self.marks.stat().st_size

    def wait(self, count: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.count < count:
            if time.monotonic() > deadline:
                raise Failed(f"{count - self.count} tasks were not done in {seconds:g} s")
            time.sleep(0.001)


class Workers:
    """A tool's worker processes: a process group each, so that they can be held, let go and ended whole."""

    def __init__(self, tool: Tool, deployment: Deployment, environment: dict[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self.processes = [
                subprocess.Popen(
                    [_fill(part, tool, environment) for part in argv], cwd=HERE, env=environment,
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                )
                for argv in deployment.workers
            ]

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes:
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                pass

    def hold(self) -> None:
        self._signal(signal.SIGSTOP)

    def go(self) -> None:
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        self._signal(signal.SIGKILL)
        for process in self.processes:
            process.wait()

    def check(self) -> None:
        if any(process.poll() is not None for process in self.processes):
            raise Failed("a worker process ended by itself")

    def cpu(self) -> float:
        """Seconds of processor time of all their processes, those that have ended included."""
        groups = {process.pid for process in self.processes}
        total = 0.0
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                fields = _stat(int(entry.name))
                if fields and int(fields[2]) in groups:
                    total += sum(map(int, fields[11:15])) / _TICK
        return total


class Client:
    """A tool's client process, which answers one command at a time."""

    def __init__(self, tool: Tool, environment: dict[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [_fill(part, tool, environment) for part in tool.client], cwd=HERE, env=environment,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True, bufsize=1,
            )

    def ask(self, do: str, n: int = 0, *of: int, seconds: float = 60) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps({"do": do, "n": n, "of": list(of)}) + "\n")
        except BrokenPipeError:
            raise Failed("its client ended by itself") from None
        readable, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not readable:
            raise Failed(f"its client did not do `{do} {n}` in {seconds:g} s")
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"its client ended at `{do}`")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def cpu_of(pid: int) -> float:
    fields = _stat(pid)
    return sum(map(int, fields[11:13])) / _TICK if fields else 0.0


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name: 0 is the state, 2 the group, 11 to 14 the times."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _fill(part: str, tool: Tool, environment: dict[str, str]) -> str:
    return part.replace("{bin}", tool.bin).replace("{socket}", environment["PEER_REDIS"])
