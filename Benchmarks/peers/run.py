"""Drawbar and other task queues, side by side on this machine.

In each round every tool in turn gets a fresh redis-server, its workers and its client. The workers are held (SIGSTOP)
while the work is enqueued and then let go, so that what is measured is their work alone; where the time from idle to
start is measured they run. The figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from catalogue import TOOLS, Deployment, Tool
from figures import Figures
from install import install
from machine import Client, Failed, Marks, Workers, cpu_of, redis_server


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begun = time.monotonic()
    if not shutil.which("redis-server"):
        sys.exit("redis-server is missing: make deps")
    print(f"{platform.node()}: {os.cpu_count()} cores, {platform.system()} {platform.release()}, {_redis_version()}")
    figures = Figures()
    tools = [tool for tool in TOOLS if not options.only or tool.name.lower() in options.only]
    print("Installing what is not there yet")
    ready = [tool for tool in tools if _install(tool, figures)]
    installed = time.monotonic()

    with tempfile.TemporaryDirectory(prefix="drawbar-peers-", dir=_memory_directory()) as directory:
        for round_number in range(1, options.rounds + 1):
            for everysec in (False, True):
                for tool in ready:
                    for deployment in tool.deployments:
                        if options.deployment and deployment.label != options.deployment:
                            continue
                        # What is deployed by default is looked at with AOF off only.
                        if everysec and deployment.label == "default":
                            continue
                        if time.monotonic() - installed > options.minutes * 60:
                            figures.cut_short = f"ended after {options.minutes:g} minutes, in round {round_number}"
                            continue
                        what = f"{tool.name} ({deployment.label}, AOF {'everysec' if everysec else 'off'})"
                        print(f"  {time.monotonic() - begun:4.0f} s  round {round_number}: {what}", flush=True)
                        try:
                            _measure(tool, deployment, everysec, figures, directory)
                        except Failed as reason:
                            print(f"          {what}: {reason}{_last_words(directory)}", flush=True)
                            figures.failed(tool, deployment, str(reason))
    figures.show()
    print(f"\nIt took {time.monotonic() - begun:.0f} s.")
    if report := os.environ.get("REPORT"):
        figures.write(Path(report))


def _measure(tool: Tool, deployment: Deployment, everysec: bool, figures: Figures, directory: str) -> None:
    """All cases of one deployment once."""
    work = Path(tempfile.mkdtemp(dir=directory))
    log = Path(directory, "log")
    log.write_bytes(b"")
    marks = Marks(str(work))
    suffix = " everysec" if everysec else ""

    with redis_server(everysec) as (socket, redis):
        environment = os.environ | deployment.environment | {
            "PEER_REDIS": socket, "PEER_MARKS": str(marks.marks), "PEER_STAMPS": str(marks.stamps),
            "PEER_DEPLOYMENT": deployment.label, "PYTHONPATH": str(Path(__file__).parent),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        workers = Workers(tool, deployment, environment, log)
        client = Client(tool, environment, log)
        try:
            hello = client.ask("hello")
            can = set(hello["can"])
            figures.seen(tool, deployment, hello["version"])

            def note(case: str, value: float) -> None:
                figures.add(tool, deployment, case + suffix, value)

            def enqueue(do: str, n: int, *of: int) -> float:
                return n / float(client.ask(do, n, *of)["seconds"])

            def drain(count: int, before: int) -> tuple[float, float]:
                """Lets the workers go until `count` more tasks have run: tasks a second, and µs of processor for one."""
                used, start = workers.cpu() + cpu_of(redis), time.monotonic()
                workers.go()
                marks.wait(before + count, 40)
                wall = time.monotonic() - start
                return count / wall, (workers.cpu() + cpu_of(redis) - used) / count * 1e6

            # Every process has run something before anything is measured.
            client.ask("single", 50)
            marks.wait(50, 30)
            time.sleep(0.7)
            client.ask("single", 150)
            marks.wait(200, 20)
            time.sleep(0.2)
            workers.check()

            before = marks.count
            workers.hold()
            singles = min(3_000, deployment.tasks // 2) if not everysec or "bulk" not in can else 0
            if singles:
                note("enqueue one by one", enqueue("single", singles))
            rest = deployment.tasks - singles
            if "bulk" in can:
                note("enqueue in bulk", enqueue("bulk", rest))
            else:
                enqueue("single", rest)
            rate, cpu = drain(deployment.tasks, before)
            note("tasks drained", rate)
            note("CPU a task", cpu)

            if "chains" in can and deployment.chains:
                before = marks.count
                workers.hold()
                enqueue("chains", deployment.chains, 5)
                rate, cpu = drain(deployment.chains * 5, before)
                note("links of chains", rate)
                note("CPU a link", cpu)

            if not everysec and "groups" in can and deployment.groups:
                before = marks.count
                workers.hold()
                enqueue("groups", deployment.groups, 100)
                rate, _ = drain(deployment.groups * 101, before)
                note("tasks of groups", rate * 100 / 101)

            if not everysec and deployment.idle:
                time.sleep(0.3)
                sent = client.ask("idle", deployment.idle)["sent"]
                begun = [at for (at,) in struct.iter_unpack("=q", marks.stamps.read_bytes())]
                for was_sent, has_begun in zip(sent, begun):
                    figures.sample(tool, deployment, "idle to start", (has_begun - was_sent) / 1e6)
            workers.check()
        finally:
            client.end()
            workers.go()
            workers.end()
            shutil.rmtree(work, ignore_errors=True)


def _install(tool: Tool, figures: Figures) -> bool:
    try:
        install(tool)
    except Failed as reason:
        print(f"  {tool.name} is left out: {reason}")
        figures.failed(tool, None, str(reason))
        return False
    return True


def _last_words(directory: str) -> str:
    lines = Path(directory, "log").read_text(errors="replace").strip().splitlines()
    return f" (its last words: {lines[-1][:200]})" if lines else ""


def _memory_directory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _redis_version() -> str:
    text = subprocess.run(["redis-server", "--version"], check=False, capture_output=True, text=True).stdout
    return "redis-server " + next((part[2:] for part in text.split() if part.startswith("v=")), "?")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--only", type=str.lower, nargs="*", help="these tools alone")
    parser.add_argument("--deployment", choices=["best", "chains", "default"], help="this configuration alone")
    parser.add_argument("--minutes", type=float, default=9, help="begin nothing after this time (9)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
