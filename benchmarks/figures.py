"""What a benchmark returns, and how it is printed."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Beside:
    """What was measured in the same run and the same unit: the machine's limit, or a peer."""

    value: float
    name: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    value   in `unit`
    beside  what it is to be compared with
    aim     the goal, in words; `met` tells whether it was reached
    """

    bench: str
    what: str
    value: float
    unit: str
    beside: tuple[Beside, ...] = ()
    aim: str = ""
    met: bool | None = None

    @property
    def ratios(self) -> tuple[float, ...]:
        """The value as a share of each that stands beside it."""
        return tuple(self.value / other.value for other in self.beside)


def as_json(figures: Sequence[Figure]) -> str:
    """Return the figures, the machine and the date as one JSON object."""
    rows = [{**asdict(figure), "ratios": figure.ratios} for figure in figures]
    return json.dumps({"machine": machine(), "date": today(), "figures": rows}, indent=1)


def as_table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table, which is also what the README shows."""
    lines = [
        f"{machine()}, {today()}",
        "",
        "| what | Livetrail | beside it | ratio | aim |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for figure in figures:
        beside = ", ".join(f"{_number(one.value)} ({one.name})" for one in figure.beside) or "-"
        ratio = " / ".join(f"{ratio:.2f}" for ratio in figure.ratios) or "-"
        verdict = "" if figure.met is None else " ✓" if figure.met else " **missed**"
        lines.append(
            f"| {figure.what} | {_number(figure.value)} {figure.unit} | {beside} | {ratio}"
            f" | {figure.aim}{verdict} |"
        )
    return "\n".join(lines)


def median(values: Iterable[float]) -> float:
    """Return the middle value; of an even number, the lower one of the two."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def quantile(values: Iterable[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def machine() -> str:
    """Return the processor, the number of cores, the system and the Python."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    cores = os.cpu_count()
    return f"{model}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def today() -> str:
    """Return the date, UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
