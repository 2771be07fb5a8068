"""The one call that reports progress."""

import sqlite3
from collections.abc import Callable
from typing import Any

from app.core.events import Event, ProcessingProgress
from app.core.plans import TRANSACTIONS
from app.core.state import JobState
from app.pipeline.step_progress import JobInHand, StepProgress


class Paper:
    """A log on paper: keeps what is appended."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    async def append(
        self,
        *drafts: Event,
        user_id: str | None = None,
        also: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:
        self.told += drafts

    async def state(self, job_id: str) -> JobState | None:
        return None


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def make() -> tuple[Paper, Clock, StepProgress, JobInHand]:
    paper, clock = Paper(), Clock()
    job = JobInHand("j", "expenses.csv", 2000, TRANSACTIONS, "extracting")
    return paper, clock, StepProgress(paper, clock), job


def only(paper: Paper) -> ProcessingProgress:
    (event,) = paper.told
    assert isinstance(event, ProcessingProgress)
    return event


async def test_a_report_says_it_in_a_friendly_sentence() -> None:
    paper, _, report, job = make()
    await report(job, "extracting", 0.3, context={"rows_done": 150, "rows_total": 500})
    assert only(paper).message == "Reading through your data: 150 of 500 rows..."


async def test_a_report_turns_a_steps_share_into_the_jobs_progress() -> None:
    paper, _, report, job = make()
    await report(job, "extracting", 0.5)
    event = only(paper)
    assert event.stage == "parsing"
    assert event.progress == TRANSACTIONS.progress("extracting", 0.5)


async def test_context_and_extra_are_in_the_details() -> None:
    paper, _, report, job = make()
    await report(job, "extracting", 0.1, context={"rows_done": 1}, extra={"errors": 2})
    assert only(paper).details == {
        "filename": "expenses.csv",
        "size": 2000,
        "rows_done": 1,
        "errors": 2,
    }


async def test_a_moment_within_a_step_belongs_to_its_stage() -> None:
    paper, _, report, job = make()
    job.enter("delta_analysis")
    await report(job, "content_duplicate_found", context={"overlap_rows": 3})
    event = only(paper)
    assert (event.step, event.stage) == ("content_duplicate_found", "database")


async def test_an_unknown_step_is_told_in_its_own_words() -> None:
    paper, _, report, job = make()
    await report(job, "counting_sheep", 0.1)
    assert only(paper).message == "Working on counting sheep..."


async def test_progress_within_a_step_never_falls() -> None:
    paper, clock, report, job = make()
    await report(job, "extracting", 0.5)
    clock.now_s += 1
    await report(job, "extracting", 0.2)
    assert paper.told[1].progress == paper.told[0].progress


async def test_a_share_out_of_bounds_stays_within_the_stage() -> None:
    paper, _, report, job = make()
    await report(job, "extracting", 7.0)
    assert only(paper).progress == 60.0


async def test_at_most_ten_reports_a_second() -> None:
    paper, clock, report, job = make()
    for done in range(1000):
        clock.now_s = 100.0 + done / 1000
        await report(job, "extracting", done / 1000)
    assert len(paper.told) == 10


async def test_the_last_report_of_a_step_is_never_lost() -> None:
    paper, _, report, job = make()
    for done in (0.1, 0.2, 0.9):
        await report(job, "extracting", done, context={"at": done})
    await report.flush(job)
    assert [event.details["at"] for event in paper.told] == [0.1, 0.9]


async def test_another_sentence_is_told_at_once_and_after_what_was_held_back() -> None:
    paper, _, report, job = make()
    await report(job, "delta_analysis", 0.1)
    await report(job, "delta_analysis", 0.9)
    await report(job, "delta_analysis_complete", context={"new_rows": 1, "existing_rows": 2})
    assert [event.step for event in paper.told] == [
        "delta_analysis",
        "delta_analysis",
        "delta_analysis_complete",
    ]


async def test_the_time_left_is_told_once_it_can_be_known() -> None:
    paper, clock, report, job = make()
    for second in range(20):
        clock.now_s = 100.0 + second
        await report(job, "extracting", second / 40)
    assert paper.told[0].estimated_time_remaining is None
    assert paper.told[-1].estimated_time_remaining is not None


def zone(number: int, kind: str = "zone_completed") -> dict[str, Any]:
    index = number - 1
    return {"type": kind, "zone_id": f"p1z{number}", "zone_index": index, "page": 1, "kind": "text"}


async def test_what_was_told_of_a_zone_is_not_told_again() -> None:
    paper, _, report, job = make()
    job.zones = {("zone_completed", "p1z1")}  # by the run before
    await report.own_events(job, [zone(1), zone(2, "zone_processing"), zone(2), zone(2)])
    await report.own_events(job, [zone(2), zone(3)])
    told = [(event.type, event.zone_id) for event in paper.told]
    assert told == [
        ("zone_processing", "p1z2"),
        ("zone_completed", "p1z2"),
        ("zone_completed", "p1z3"),
    ]


async def test_where_everything_was_told_nothing_is_written() -> None:
    commits: list[int] = []

    class Counting(Paper):
        async def append(self, *drafts: Event, **_: Any) -> None:
            commits.append(len(drafts))

    _, clock, _, job = make()
    report = StepProgress(Counting(), clock)
    for _ in range(2):
        await report.own_events(job, [zone(1)])
    assert commits == [1]


async def test_progress_says_which_zone_the_step_is_at() -> None:
    _, _, report, job = make()
    assert report.event(job, "extracting", 0.1).current_zone is None
    await report.own_events(job, [{**zone(3), "zones_completed": 3, "zones_total": 4}])
    moved = report.event(job, "extracting", 0.2)
    assert (moved.current_zone, moved.zones_completed, moved.zones_total) == ("p1z3", 3, 4)
    assert moved.current_operation == "Processing zone 3 of 4"
    job.enter("storing")
    assert report.event(job, "storing", 0.1).current_zone is None
