"""Installs a tool where it is not there yet: Python ones into a virtual environment each, the others with apt."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from catalogue import CACHE, DRAWBAR, Tool
from machine import Failed


def install(tool: Tool) -> None:
    """Raises Failed with the reason."""
    if tool.pip:
        _pip(tool)
    elif tool.apt:
        _apt(tool)
    elif not DRAWBAR.exists():
        raise Failed(f"{DRAWBAR} is not built")


def _pip(tool: Tool) -> None:
    home = CACHE / tool.name
    done = home / "installed"
    wanted = "\n".join(tool.pip)
    if done.exists() and done.read_text() == wanted:
        return
    print(f"  {tool.name}: pip install {' '.join(tool.pip)} into {_short(home)}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    try:
        _run([sys.executable, "-m", "venv", str(home)])
    except Failed:
        # Debian has a part of it in a package of its own.
        _install_packages(["python3-venv"])
        _run([sys.executable, "-m", "venv", "--clear", str(home)])
    # Only wheels: a compiler at work would be measured too, and may be missing.
    _run([f"{home}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
          "--only-binary", ":all:", *tool.pip])
    done.write_text(wanted)


def _apt(tool: Tool) -> None:
    missing = [name for name in tool.apt if not _is_installed(name)]
    if missing:
        print(f"  {tool.name}: apt-get install {' '.join(missing)} (it stays installed)", flush=True)
        _install_packages(missing)


def _install_packages(names: list[str]) -> None:
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    command = [*as_root, "apt-get", "install", "-y", "--no-install-recommends", *names]
    try:
        _run(command)
    except Failed:
        _run([*as_root, "apt-get", "update"])
        _run(command)


def _is_installed(package: str) -> bool:
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    try:
        return subprocess.run(query, check=False, capture_output=True, text=True).stdout == "installed"
    except FileNotFoundError:
        raise Failed("it is installed from Debian's packages, and this is no Debian") from None


def _run(command: list[str]) -> None:
    try:
        result = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise Failed(f"not installed: {command[0]} is missing") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"not installed: {command[0]} took more than 3 minutes") from None
    if result.returncode != 0:
        lines = (result.stderr or result.stdout).strip().splitlines()
        raise Failed(f"not installed: {lines[-1][:120] if lines else f'exit code {result.returncode}'}")


def _short(path: Path) -> str:
    return os.path.relpath(path)
