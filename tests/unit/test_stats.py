"""Counts, rates and durations over the states of files."""

from typing import Any, cast

from app.core.state import JobState
from app.core.stats import STAGES_NAMED, Tally, completion_rate, spread


def state(status: str, **facts: Any) -> JobState:
    return cast(
        JobState,
        {
            "status": status,
            "plan": "transactions",
            "created_at": "2026-11-20T08:00:00.000Z",
            "attempt": 1,
            "duration_ms": None,
            "size": 1000,
            "error": None,
            "stages": [],
            **facts,
        },
    )


def stage(key: str, how: str, began: str | None = None, ended: str | None = None) -> dict[str, Any]:
    return {"key": key, "state": how, "started_at": began, "ended_at": ended}


def test_nothing_is_nothing_and_no_rate_is_made_up() -> None:
    assert Tally().result() == {
        "jobs": 0,
        "counts": {},
        "completion_rate": None,
        "retried": 0,
        "days": [],
        "plans": [],
        "stages": [],
        "errors": [],
    }


def test_files_are_added_up_by_day_plan_stage_and_reason() -> None:
    tally = Tally()
    at = "2026-11-20T08:00:{:02}.000Z".format
    for duration_ms in (1000, 3000, 8000):
        tally.add(
            state(
                "completed",
                duration_ms=duration_ms,
                stages=[stage("validation", "done", at(0), at(duration_ms // 1000))],
            )
        )
    tally.add(
        state(
            "error",
            attempt=2,
            created_at="2026-11-19T23:59:59.999Z",
            error={"code": "damaged_file"},
            stages=[stage("validation", "done", at(0), at(1)), stage("parsing", "failed", at(1))],
        )
    )
    tally.add(state("processing", plan="invoice"))
    found = tally.result()
    assert (found["jobs"], found["completion_rate"], found["retried"]) == (5, 0.75, 1)
    assert found["counts"] == {"completed": 3, "error": 1, "processing": 1}
    assert found["days"] == [
        {"day": "2026-11-19", "jobs": 1, "counts": {"error": 1}},
        {"day": "2026-11-20", "jobs": 4, "counts": {"completed": 3, "processing": 1}},
    ]
    invoice, transactions = found["plans"]
    assert (invoice["completion_rate"], invoice["median_ms"]) == (None, None)
    assert (transactions["median_ms"], transactions["p90_ms"]) == (3000, 8000)
    assert transactions["bytes_per_second"] == 250  # 3000 bytes in 12 s
    validation, parsing = found["stages"]
    assert (validation["stage"], validation["done"], validation["median_ms"]) == (
        "validation", 4, 1000,
    )  # fmt: skip
    assert (parsing["stage"], parsing["done"], parsing["failed"], parsing["p90_ms"]) == (
        "parsing", 0, 1, None,
    )  # fmt: skip
    assert found["errors"] == [{"code": "damaged_file", "jobs": 1}]


def test_a_rate_counts_what_has_ended_alone() -> None:
    assert completion_rate({"processing": 5}) is None
    assert completion_rate({"completed": 1, "cancelled": 1, "pending": 9}) == 0.5


def test_a_spread_names_values_that_there_were() -> None:
    assert spread([]) == {"median_ms": None, "p90_ms": None}
    assert spread([7]) == {"median_ms": 7, "p90_ms": 7}
    assert spread(range(1, 11)) == {"median_ms": 5, "p90_ms": 10}


def test_stages_that_nobody_else_has_push_out_none_that_many_have() -> None:
    tally = Tally()
    at = "2026-11-20T08:00:{:02}.000Z".format
    for number in range(STAGES_NAMED + 20):
        own = stage(f"made up {number}", "done", at(1), at(2))
        tally.add(state("completed", plan="own", stages=[own]))
    for _ in range(2):
        tally.add(state("error", stages=[stage("parsing", "failed", at(1), at(2))]))
        tally.add(state("completed", stages=[stage("database", "done", at(1), at(2))]))
    told = [one["stage"] for one in tally.result()["stages"]]
    assert len(told) == STAGES_NAMED
    assert {"parsing", "database"} <= set(told)
