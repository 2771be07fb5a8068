"""One batch as a single upload: five stages, four statuses, one bar."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.dialects.pings import answer_to
from app.core.dialects.uploads import STAGES, UploadView, stage_of
from app.core.dialects.zones import DIFFERENT, told
from app.core.plans import PLANS, TRANSACTIONS
from app.core.state import JobState, fold_all

BATCH = "01900000-0000-7000-8000-000000000002"
ERROR = {
    "code": "no_rows",
    "title": "a.csv has no rows",
    "detail": "Nothing was stored.",
    "hint": "",
}


def event(kind: str, job: str | None, n: int | None, **more: Any) -> dict[str, Any]:
    return {
        "seq": n, "n": n, "type": kind, "job_id": job, "batch_id": BATCH, "document_id": None,
        "status": "processing", "stage": None, "step": None, "progress": 0.0, "message": kind,
        "timestamp": "2026-11-20T08:10:11.123Z", "estimated_time_remaining": None, "details": {},
        **more,
    }  # fmt: skip


def created(job: str) -> dict[str, Any]:
    return event(
        "job_created", job, 1, status="pending", filename=f"{job}.csv", size=7, media_type="",
        sha256="", plan=TRANSACTIONS.describe(),
    )  # fmt: skip


def completed(job: str, n: int = 2) -> dict[str, Any]:
    return event(
        "processing_completed", job, n, status="completed", progress=100.0,
        stage="categorization", result={"rows": 3}, duration_ms=1,
    )  # fmt: skip


def failed(job: str, n: int = 2) -> dict[str, Any]:
    return event("processing_failed", job, n, status="error", progress=45.0, error=ERROR)


def test_the_stages_of_a_table_are_as_they_are() -> None:
    for stage in TRANSACTIONS.stages:
        for step in stage.steps:
            assert stage_of(stage.key, step.key, stage.start + 1) == stage.key


@pytest.mark.parametrize("name", sorted(PLANS))
def test_no_plan_goes_back_in_the_five_stages(name: str) -> None:
    plan = PLANS[name]
    seen = [
        STAGES.index(stage_of(stage.key, step.key, plan.progress(step.key, 0.5)))
        for stage in plan.stages
        for step in stage.steps
    ]
    assert all(before <= after for before, after in pairwise(seen))
    assert seen[0] == 0


@given(st.text() | st.none(), st.text() | st.none(), st.floats(0, 100))
def test_whatever_a_job_is_at_is_one_of_five_stages(
    stage: str | None, step: str | None, progress: float
) -> None:
    assert stage_of(stage, step, progress) in STAGES


def test_a_batch_without_files_waits() -> None:
    view = UploadView(BATCH)
    first = view.connected("now", client_id="c")
    assert (first["status"], first["progress"], first["stage"]) == ("connected", 0, "validation")
    assert first["client_id"] == "c"
    assert view.status == "processing"
    assert not view.is_known


def test_one_file_is_told_to_its_end() -> None:
    view = UploadView(BATCH)
    view.tell(event("batch_created", None, None, jobs=1))
    view.tell(created("a"))
    details = {"rows_done": 2, "rows_total": 3, "errors": 1}
    moved = event("processing_progress", "a", 2, step="extracting", stage="parsing", progress=50.0)
    now = view.tell({**moved, "details": details})
    assert (now["status"], now["stage"], now["progress"]) == ("processing", "parsing", 50.0)
    assert now["details"].items() >= {"processed": 2, "total": 3, "errors": 1, "size": 7}.items()
    assert now["job_status"] == "processing"
    last = view.tell(completed("a", 3))
    assert (last["status"], last["progress"], last["stage"]) == ("completed", 100, "categorization")
    assert last["details"]["processed"] == 3
    assert last["details"]["filename"] == "a.csv"


def test_a_failure_is_a_text_and_a_retry_takes_it_back() -> None:
    view = UploadView(BATCH)
    view.tell(created("a"))
    told_ = view.tell(failed("a"))
    assert (told_["status"], told_["progress"]) == ("error", 45.0)
    assert told_["error"].startswith("a.csv has no rows")
    assert told_["problem"] == ERROR
    again = view.tell(event("job_retried", "a", 3, status="pending", progress=40.0))
    assert (again["status"], again["error"], again["problem"]) == ("processing", None, None)
    assert again["progress"] == 40.0


def test_several_files_end_with_the_last_and_well_with_one() -> None:
    view = UploadView(BATCH)
    view.tell(event("batch_created", None, None, jobs=2))
    view.tell(created("a"))
    assert view.tell(failed("a"))["status"] == "processing"  # the other is yet to be heard of
    view.tell(created("b"))
    assert view.progress == 50.0
    end = view.tell(completed("b"))
    assert (end["status"], end["progress"], end["error"]) == ("completed", 100, None)
    wanted = {"files": 2, "files_done": 2, "files_failed": 1}
    assert end["details"].items() >= wanted.items()


def test_all_failed_is_a_failure_and_a_deleted_file_is_none() -> None:
    view = UploadView(BATCH)
    view.tell(event("batch_created", None, None, jobs=2))
    for job in "ab":
        view.tell(created(job))
    view.tell(failed("a"))
    gone = event("job_deleted", None, None, deleted="b", by="ann")
    assert view.tell(gone)["status"] == "error"


def test_to_hear_it_twice_changes_nothing() -> None:
    view, trail = UploadView(BATCH), [created("a"), failed("a"), completed("b", 1)]
    told_ = [view.tell(one) for one in trail][-1]
    for one in trail:
        view.tell(one)
    assert view.tell(trail[-1]) == told_


def test_a_state_says_the_same_as_the_events() -> None:
    trail = [created("a"), failed("a")]
    state: JobState | None = fold_all(trail)
    assert state is not None
    by_state, by_events = UploadView(BATCH), UploadView(BATCH)
    by_state.hold(state)
    for one in trail:
        by_events.tell(one)
    assert by_state.now("", "") == by_events.now("", "")
    by_state.tell(trail[0])  # older than the state
    assert by_state.status == "error"


def test_counts_of_a_step_are_not_taken_for_rows() -> None:
    view = UploadView(BATCH)
    view.tell(created("a"))
    scanned = event("processing_progress", "a", 2, step="malware_scan", stage="scanning")
    told_ = view.tell({**scanned, "details": {"processed": 4096, "total": 9000}})
    assert (told_["details"]["processed"], told_["details"]["total"]) == (0, 0)
    paged = event("processing_progress", "a", 3, step="page_reading", stage="zones")
    told_ = view.tell({**paged, "details": {"processed": 1, "total": 2}})
    assert (told_["details"]["processed"], told_["details"]["total"]) == (1, 2)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ping", b"pong"),
        (" PING\n", b"pong"),
        ('"ping"', b"pong"),
        ('{"type": "ping"}', b'{"type":"pong"}'),
        ('{"type":"ping","timestamp":1}', b'{"type":"pong"}'),
        ('{"op":"ping"}', None),
        ('{"op":"ping","type":"ping"}', None),
        ('{"type":"pong"}', None),
        ("pinging", None),
        ("[1]", None),
        ("{", None),
        ("", None),
        ("ping" + " " * 1000, None),
    ],
)
def test_only_a_ping_is_answered(text: str, answer: bytes | None) -> None:
    assert answer_to(text) == answer


def test_a_zone_has_its_own_status_and_progress_all_its_fields() -> None:
    assert told(event("zone_completed", "a", 2))["status"] == "completed"
    assert told(event("zone_processing", "a", 2))["status"] == "processing"
    assert told(event("zone_completed", "a", 2))["job_status"] == "processing"
    moved = told(event("processing_progress", "a", 2, zones_completed=None, current_zone=None))
    assert (moved["zones_completed"], moved["zones_total"], moved["current_zone"]) == (0, 0, None)
    assert moved["current_operation"] == "processing_progress"
    assert frozenset({"zone_completed", "zone_processing", "processing_progress"}) == DIFFERENT
