"""From what was measured of Livetrail alone to the rows of the table. Pure."""

from collections.abc import Mapping, Sequence

from benchmarks.figures import Beside, Figure, median
from benchmarks.listening.alone import (
    CROWD,
    IDLE,
    LONG_ABSENCE,
    SLOWER_FSYNC_MS,
    Held,
    Stall,
    Steady,
    Storm,
)
from benchmarks.listening.contenders import LIVETRAIL
from benchmarks.listening.path import Path
from benchmarks.listening.rounds import MISSED, PEOPLE
from benchmarks.listening.rows import BENCH

MB = 1_000_000


def path_row(path: Path) -> Figure:
    """The fan-out path alone."""
    one = path.at_once == 1
    most = 1.25 if one else 1.5
    return Figure(
        bench=BENCH,
        what="the fan-out path alone, CPU per million deliveries"
        + ("" if one else f", {path.at_once} events a commit"),
        value=path.hub,
        unit="s",
        beside=(
            Beside(
                path.bare,
                "raw transport.write" if one else f"{path.at_once} frames in one raw write",
            ),
        ),
        aim=f"≤ {most:g}",
        met=path.hub <= most * path.bare,
    )


def million_rows(seen: Sequence[Steady]) -> list[Figure]:
    """1000 events a second to 1000 listeners."""
    p99_ms = median(one.p99_ms for one in seen)
    sustained = all(one.sustained for one in seen)
    what = f"1000 durable events/s to {PEOPLE}"
    return [
        Figure(
            bench=BENCH,
            what=f"{what}: p99",
            value=p99_ms,
            unit="ms",
            aim="≤ 25 ms, " + ("sustained" if sustained else "was not sustained"),
            met=sustained and p99_ms <= 25,
        ),
        Figure(
            bench=BENCH,
            what=f"{what}: CPU per million deliveries",
            value=median(one.cpu for one in seen),
            unit="s",
        ),
    ]


def rooms_rows(plain: Sequence[Steady], slower: Sequence[Steady]) -> list[Figure]:
    """10,000 events a second over 1000 rooms, also on a slower disk."""
    what = "10,000 durable events/s over 1000 rooms"
    rows = []
    for seen, more, most_ms in (
        (plain, "", 5),
        (slower, f", {SLOWER_FSYNC_MS} ms added to each fsync", 25),
    ):
        if not seen:
            continue
        p99_ms = median(one.p99_ms for one in seen)
        sustained = all(one.sustained for one in seen)
        rows.append(
            Figure(
                bench=BENCH,
                what=f"{what}{more}: p99",
                value=p99_ms,
                unit="ms",
                aim=f"≤ {most_ms} ms, " + ("sustained" if sustained else "was not sustained"),
                met=sustained and p99_ms <= most_ms,
            )
        )
    cpu = median(one.cpu for one in plain)
    rows.append(Figure(bench=BENCH, what=f"{what}: CPU per million", value=cpu, unit="s"))
    return rows


def storm_rows(
    absences: Sequence[Storm], kills: Sequence[Storm], telling: Sequence[Storm]
) -> list[Figure]:
    """Those who missed much, and those whose server was killed."""
    absence_s = median(one.took_s for one in absences)
    spoiled = sum(one.spoiled for some in (absences, kills, telling) for one in some)
    return [
        Figure(
            bench=BENCH,
            what=f"{PEOPLE} × {LONG_ABSENCE} missed",
            value=absence_s,
            unit="s",
            aim="≤ 1 s",
            met=absence_s <= 1,
        ),
        Figure(
            bench=BENCH,
            what=f"{PEOPLE} × {MISSED} missed, killed and started again meanwhile",
            value=median(one.took_s for one in kills),
            unit="s",
        ),
        Figure(
            bench=BENCH,
            what="lost, told twice or out of order, after kills between and while telling",
            value=spoiled,
            unit="",
            aim="none",
            met=spoiled == 0,
        ),
    ]


def stall_rows(without: Sequence[Stall], with_one: Sequence[Stall]) -> list[Figure]:
    """One client that stops reading, among 49 who read."""
    rate, limit = median(one.rate for one in with_one), median(one.rate for one in without)
    held = median(one.grown_bytes for one in with_one) - median(one.grown_bytes for one in without)
    spoiled = sum(one.late_spoiled for one in (*without, *with_one))
    return [
        Figure(
            bench=BENCH,
            what="one client stops reading: events/s that the others get",
            value=rate,
            unit="/s",
            beside=(Beside(limit, "all read"),),
            aim="≥ 0.95; it misses nothing when it reads again",
            met=rate >= 0.95 * limit and spoiled == 0,
        ),
        Figure(
            bench=BENCH,
            what="held for it, of 20 MB missed",
            value=max(0.0, held / MB),
            unit="MB",
            aim="≤ 1 MB",
            met=held <= MB,
        ),
    ]


def idle_rows(idle_bytes: Mapping[str, float], held: Held) -> list[Figure]:
    """Memory of connections that only listen."""
    kb = {name: value / 1000 for name, value in idle_bytes.items()}
    alive = min(held.kept, held.beaten)
    return [
        Figure(
            bench=BENCH,
            what=f"idle connection, at {IDLE}",
            value=kb[LIVETRAIL],
            unit="KB",
            beside=tuple(Beside(value, name) for name, value in kb.items() if name != LIVETRAIL),
            aim="≤ 16 KB",
            met=kb[LIVETRAIL] <= 16,
        ),
        Figure(
            bench=BENCH,
            what=f"of {CROWD:,} held, got every sign of life; {held.core_share:.0%} of a core",
            value=alive,
            unit="",
            aim="all",
            met=alive == CROWD,
        ),
    ]
