"""What was measured: kept, and shown as a table with what Drawbar does beside it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from catalogue import Deployment, Tool

# What a column is called, its unit, and whether less is better.
CASES = {
    "enqueue one by one": ("tasks/s", False),
    "enqueue in bulk": ("tasks/s", False),
    "tasks drained": ("tasks/s", False),
    "tasks drained everysec": ("tasks/s", False),
    "links of chains": ("links/s", False),
    "links of chains everysec": ("links/s", False),
    "tasks of groups": ("tasks/s", False),
    "idle to start p50": ("ms", True),
    "idle to start p99": ("ms", True),
    "CPU a task": ("µs", True),
    "CPU a link": ("µs", True),
}
HEADS = ["one by one", "in bulk", "drained", "everysec", "chains", "everysec", "groups", "p50 ms", "p99 ms",
         "µs/task", "µs/link"]


@dataclass
class Row:
    """One deployment of one tool."""

    tool: str
    config: str
    note: str
    version: str = ""
    runs: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    samples: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    reason: str = ""

    def values(self) -> dict[str, float]:
        values = {case: median(runs) for case, runs in self.runs.items() if case in CASES}
        if (samples := self.samples.get("idle to start")) and len(samples) > 1:
            values["idle to start p50"] = median(samples)
            values["idle to start p99"] = quantiles(samples, n=100, method="inclusive")[98]
        return values


class Figures:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self.cut_short = ""

    def _row(self, tool: Tool, deployment: Deployment | None) -> Row:
        label = deployment.label if deployment else "best"
        note = deployment.note if deployment else ""
        return self.rows.setdefault((tool.name, label), Row(tool.name, label, note))

    def seen(self, tool: Tool, deployment: Deployment, version: str) -> None:
        self._row(tool, deployment).version = version

    def add(self, tool: Tool, deployment: Deployment, case: str, value: float) -> None:
        self._row(tool, deployment).runs[case].append(value)

    def sample(self, tool: Tool, deployment: Deployment, case: str, value: float) -> None:
        self._row(tool, deployment).samples[case].append(value)

    def failed(self, tool: Tool, deployment: Deployment | None, reason: str) -> None:
        self._row(tool, deployment).reason = reason

    def _drawbar(self) -> dict[str, float]:
        row = self.rows.get(("Drawbar", "best"))
        return row.values() if row else {}

    def ratios(self, row: Row) -> dict[str, float]:
        """How many times better Drawbar is: more a second, less time."""
        ours = self._drawbar()
        ratios = {}
        for case, value in row.values().items():
            if case in ours and value > 0 and ours[case] > 0:
                ratios[case] = value / ours[case] if CASES[case][1] else ours[case] / value
        return ratios

    def show(self) -> None:
        print("\nFigures (a second, where no unit is said; medians)")
        self._table(lambda row, case: _number(row.values().get(case)))
        if self._drawbar():
            print("\nHow many times better Drawbar (best) is")
            self._table(lambda row, case: _ratio(self.ratios(row).get(case)))
        print("\nThe configurations")
        for row in self.rows.values():
            print(f"  {row.tool:9}{row.config:8}{row.version or '–'}: {row.note}")
            if row.reason:
                print(f"  {'':17}{row.reason}")
        if self.cut_short:
            print(f"\nThe run {self.cut_short}: the medians are of fewer runs.")

    def _table(self, cell: Callable[[Row, str], str]) -> None:
        print("  " + " " * 17 + "".join(f"{head:>11}" for head in HEADS))
        for row in self.rows.values():
            cells = "".join(f"{cell(row, case):>11}" for case in CASES)
            print(f"  {row.tool:9}{row.config:8}" + (cells if row.runs else f"   {row.reason}"))

    def write(self, file: Path) -> None:
        rows = []
        for row in self.rows.values():
            ratios = self.ratios(row)
            rows.append({
                "tool": row.tool, "version": row.version, "config": row.config, "note": row.note,
                "reason": row.reason,
                "figures": {
                    case: {"value": value, "unit": CASES[case][0], "timesDrawbar": ratios.get(case),
                           "runs": row.runs.get(case, [])}
                    for case, value in row.values().items()
                },
            })
        file.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if value >= 10_000:
        return f"{value / 1_000:.0f} k"
    if value >= 1_000:
        return f"{value / 1_000:.1f} k"
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}" if value < 1 else f"{value:.1f}"


def _ratio(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f} x" if value >= 10 else f"{value:.1f} x"
