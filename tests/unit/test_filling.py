"""Reports from outside become events: what is left out is filled in, what can not be is named."""

from itertools import count, pairwise
from random import Random
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from app.core.errors import InvalidReport
from app.core.events import (
    EVENT_TYPES,
    ClarificationAnswered,
    Event,
    JobCancelled,
    JobCreated,
    JobPaused,
    JobResumed,
    JobRetried,
    parse_event,
)
from app.core.filling import Filled, Filler, began_ms
from app.core.kept import DETAILS_BYTES, RESULT_BYTES
from app.core.own_plans import PLAIN_PLAN, OwnStage, plan_of, plan_told
from app.core.plans import DOCUMENT, PLANS, TRANSACTIONS, Plan
from app.core.reports import REPORT_TYPES, REPORTS
from app.core.state import JobState, OutOfPlace, check_place, fold_all, is_finished, place
from app.web import rowview, views
from app.web.jobview import file_row
from tests.unit.test_javascript import NODE, ask

JOB = "01936d2e-0000-7000-8000-000000000001"
NOW_MS = 1_795_161_600_000
OWN = plan_of(
    [
        OwnStage(key="load", label="Loading", steps=["fetch", "unpack"]),
        OwnStage(key="train", label="Training"),
    ]
)


class Story:
    """A reported job as its events made it."""

    def __init__(self, plan: Plan = OWN, filename: str = "nightly.csv") -> None:
        self.plan, self.now_ms = plan, NOW_MS
        self.events: list[dict[str, Any]] = []
        self.state: JobState | None = None
        self.began: tuple[int, int | None] = (0, None)
        self._ids = count(1)
        self.place(
            JobCreated(
                job_id=JOB,
                filename=filename,
                size=0,
                plan=plan.describe(),
                reported=True,
                message="...",
            )
        )

    def place(self, *drafts: Event) -> None:
        for draft in drafts:
            check_place(draft, self.state)
            seq = len(self.events) + 7
            body, self.state = place(draft, self.state, seq=seq, now_ms=self.now_ms)
            self.events.append(orjson.loads(orjson.dumps(body)))

    def report(self, *reports: dict[str, Any]) -> list[dict[str, Any]]:
        """Take the reports of one request; return the events that they became."""
        before = len(self.events)
        self.place(*self.fill(*reports).drafts)
        return self.events[before:]

    def fill(self, *reports: dict[str, Any]) -> Filled:
        assert self.state is not None
        filler = Filler(
            self.state,
            self.plan,
            began_ms=began_ms(self.state, self.began),
            now_ms=self.now_ms,
            answer_within_ms=3_600_000,
            by="ann",
            new_id=lambda: f"question-{next(self._ids)}",
        )
        filled = filler.fill(REPORTS.validate_python(list(reports)))
        self.began = self.state["attempt"], filled.began_ms
        return filled


def progress(percent: float | None = None, **more: Any) -> dict[str, Any]:
    return {
        "type": "processing_progress",
        **({} if percent is None else {"progress": percent}),
        **more,
    }


def test_every_type_that_is_reported_is_one_of_the_catalogue() -> None:
    assert set(REPORT_TYPES) < set(EVENT_TYPES)


def test_the_first_report_starts_the_job() -> None:
    events = Story().report(progress(10))
    assert [(e["type"], e["status"]) for e in events] == [
        ("processing_started", "processing"),
        ("processing_progress", "processing"),
    ]


def test_a_worker_that_says_so_itself_starts_it_once() -> None:
    events = Story().report({"type": "processing_started"}, progress(10))
    assert [e["type"] for e in events] == ["processing_started", "processing_progress"]


def test_the_time_left_is_what_the_time_so_far_foretells() -> None:
    story = Story()
    story.report({"type": "processing_started"})
    story.now_ms += 30_000
    told = story.report(progress(25), progress(80))
    assert [e["estimated_time_remaining"] for e in told] == [90, 7]  # 30 / 0.25 - 30, whole seconds
    assert (
        story.report(progress(90, estimated_time_remaining=4))[0]["estimated_time_remaining"] == 4
    )


def test_nothing_is_foretold_before_the_first_progress() -> None:
    story = Story()
    story.report({"type": "processing_started"})
    story.now_ms += 30_000
    assert story.report(progress())[0]["estimated_time_remaining"] is None


def test_the_sentence_is_made_of_the_step_and_its_facts() -> None:
    told = Story(TRANSACTIONS).report(
        progress(5, step="duplicate_check"),
        progress(step="delta_analysis_complete", context={"new_rows": 42, "existing_rows": 156}),
        progress(step="warming_up"),
        progress(message="As I say"),
    )
    assert [e["message"] for e in told[1:]] == [
        "Checking if I've seen nightly.csv before...",
        "Spotted the differences: 42 new rows, 156 I already know",
        "Working on warming up...",
        "As I say",
    ]
    assert told[2]["details"] == {"new_rows": 42, "existing_rows": 156}


def test_a_steps_place_in_the_plan_gives_its_stage_and_progress() -> None:
    told = Story().report(
        {"type": "step_started", "step": "fetch"},
        {"type": "step_completed", "step": "fetch", "summary": "3 shards"},
        {"type": "step_started", "step": "unpack"},
        progress(70, step="anything"),
    )
    assert [(e["stage"], e["progress"]) for e in told[1:]] == [
        ("load", 0.0),
        ("load", 25.0),
        ("load", 25.0),
        ("train", 70),
    ]


def test_zones_count_as_their_share_of_the_document() -> None:
    story = Story(PLAIN_PLAN)
    zone = {"zone_id": "z1", "zone_index": 0, "processing_tool": "unstructured", "zones_total": 4}
    begun, done, after = story.report(
        {"type": "zone_processing", **zone, "zones_completed": 0},
        {"type": "zone_completed", **zone, "zones_completed": 1, "confidence": 0.9},
        progress(zones_completed=2, zones_total=4),
    )[1:]
    assert begun["message"] == "Processing zone 1 of 4"
    assert (done["progress"], done["confidence"], done["processing_tool"]) == (
        25,
        0.9,
        "unstructured",
    )
    assert after["current_operation"] == after["message"] == "Processing zone 3 of 4"
    assert after["progress"] == 50


def test_a_smaller_progress_is_told_as_the_one_before() -> None:
    assert [e["progress"] for e in Story().report(progress(60), progress(20))[1:]] == [60, 60]


def test_a_failure_may_be_one_sentence() -> None:
    story = Story()
    failed = story.report({"type": "processing_failed", "error": "The disk of shard 3 is full"})[-1]
    assert failed["error"]["title"] == "The disk of shard 3 is full"
    assert failed["error"]["code"] == "reported_failure"
    assert failed["message"] == "Oops, something went wrong: The disk of shard 3 is full"
    assert failed["status"] == "error"


def test_a_pause_outlasts_what_is_reported_meanwhile() -> None:
    story = Story()
    story.place(JobPaused(job_id=JOB, by="ann", message="Paused"))
    assert {e["status"] for e in story.report(progress(10), progress(20))} == {"paused"}
    story.place(JobResumed(job_id=JOB, by="ann", message="Going on"))
    assert story.events[-1]["status"] == "processing"


def test_an_answer_lets_it_go_on_without_a_turn_in_the_queue() -> None:
    story = Story()
    asked = story.fill({"type": "clarification_requested", "question": "Which?"})
    story.place(*asked.drafts)
    assert story.events[-1]["status"] == "waiting"
    question = {"clarification_id": asked.asked[0].id, "question": "Which?"}
    story.place(ClarificationAnswered(job_id=JOB, **question, answer="this", message="..."))
    assert story.events[-1]["status"] == "processing"


def test_a_retry_waits_for_its_worker_and_begins_at_the_start() -> None:
    story = Story()
    story.report(progress(60), {"type": "processing_failed", "error": "No"})
    story.place(
        JobRetried(job_id=JOB, by="ann", attempt=2, stage="load", progress=0, message="...")
    )
    assert story.events[-1]["status"] == "pending"
    assert [(e["type"], e["progress"]) for e in story.report(progress(5))] == [
        ("processing_started", 0),
        ("processing_progress", 5),
    ]
    assert story.events[-2]["attempt"] == 2


def test_the_time_left_of_another_attempt_counts_from_its_own_beginning() -> None:
    story = Story()
    story.report(progress(60), {"type": "processing_failed", "error": "No"})
    story.place(
        JobRetried(job_id=JOB, by="ann", attempt=2, stage="load", progress=0, message="...")
    )
    story.now_ms += 3_600_000
    story.report(progress(1))
    story.now_ms += 30_000
    assert story.report(progress(25))[0]["estimated_time_remaining"] == 90
    story.began = (0, None)  # as after a restart of the server
    assert story.report(progress(50))[0]["estimated_time_remaining"] is None


def test_nothing_is_told_of_a_job_that_has_ended() -> None:
    story = Story()
    drafts = story.fill(progress(10)).drafts
    story.place(JobCancelled(job_id=JOB, by="ann", message="Cancelled"))
    with pytest.raises(OutOfPlace):
        story.place(*drafts)


def test_the_report_behind_an_end_is_named() -> None:
    with pytest.raises(InvalidReport) as refused:
        Story().fill(progress(1), {"type": "processing_completed"}, progress(2))
    assert refused.value.facts["index"] == 2


@pytest.mark.parametrize(
    "report",
    [
        progress(10, stage="nowhere"),
        progress(details={"eta_range": "soon"}),
        progress(details={"document_type": 3}),
        {"type": "processing_completed", "result": {"text": "x" * RESULT_BYTES}},
    ],
)
def test_what_does_not_fit_its_job_is_named(report: dict[str, Any]) -> None:
    with pytest.raises(InvalidReport) as refused:
        Story().fill(progress(1), report)
    assert refused.value.facts["index"] == 1


def test_what_a_job_keeps_is_bounded() -> None:
    with pytest.raises(InvalidReport):
        Story().fill(*(progress(details={f"key {n}": "x" * 100}) for n in range(400)))
    with pytest.raises(InvalidReport):
        Story().fill(*({"type": "step_completed", "step": f"step {n}"} for n in range(501)))
    with pytest.raises(InvalidReport):
        Story().fill(*({"type": "clarification_requested", "question": "?"} for _ in range(21)))


def test_what_a_job_keeps_is_measured_as_the_log_keeps_it() -> None:
    story = Story()
    cyrillic = "\u0436" * (DETAILS_BYTES // 2 - 100)
    assert story.report(progress(details={"text": cyrillic}))
    assert story.report(progress(10)), "it adds nothing"
    with pytest.raises(InvalidReport):
        story.fill(progress(details={"more": "x" * 200}))
    cyrillic = "\u0436" * (RESULT_BYTES // 2 - 100)
    assert story.report({"type": "processing_completed", "result": {"text": cyrillic}})


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"type": "job_created"},
        progress(100.5),
        progress(-1),
        {"type": "processing_progress", "progress": "45"},
        progress(seq=3),
        progress(job_id=JOB),
        progress(message=""),
        progress(message="\u202e\u200b"),
        progress(step="x" * 65),
        progress(details=[]),
        {"type": "zone_completed", "zone_id": "z"},
        {"type": "zone_completed", "zone_id": "z", "zone_index": 0, "confidence": 1.5},
        {"type": "processing_failed"},
        {"type": "processing_failed", "error": {"title": "x", "code": "Not A Code"}},
        {
            "type": "clarification_requested",
            "question": "?",
            "default": "x",
            "choices": [{"value": "y", "label": "Yes"}],
        },
    ],
)
def test_what_the_schema_does_not_know_is_refused(report: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        REPORTS.validate_python([report])


def test_a_message_becomes_one_harmless_line() -> None:
    told = Story().report(progress(message="one\ntwo\u202e \x1b[31mred"))
    assert told[-1]["message"] == "one two [31mred"


@pytest.mark.parametrize(
    "report",
    [
        {"type": "processing_started", "context": {"filename": "a\n\x1b[2J" + "b" * 9000}},
        progress(step="duplicate_check", context={"filename": "a\n\x1b[2J" + "b" * 9000}),
        {"type": "processing_completed", "context": {"filename": "a\n\x1b[2J" + "b" * 9000}},
        {"type": "step_completed", "summary": "a\n\x1b[2J"},
        {
            "type": "processing_warning",
            "warning": {"title": "t", "detail": "a\x1b[2J", "hint": "\n"},
        },
        {"type": "processing_failed", "error": {"title": "t", "detail": "\x1b[2J", "hint": "\x07"}},
    ],
)
def test_no_text_of_a_worker_does_anything_to_the_terminal_that_shows_it(
    report: dict[str, Any],
) -> None:
    told = Story().report(report)[-1]
    shown = [told["message"], told.get("summary", "")]
    for notes in (told.get("warning"), told.get("error")):
        shown += [] if notes is None else [notes[key] for key in ("title", "detail", "hint")]
    assert all(text.isprintable() and len(text) <= 500 for text in shown), shown


def test_facts_that_make_no_sentence_stop_no_report() -> None:
    facts = {"source": "nobody knows", "fields_found": 3}
    told = Story().report({"type": "step_completed", "step": "field_reading", "context": facts})
    assert told[-1]["message"] == "Looking for number, dates and amounts..."


# Plans


def test_stages_without_edges_have_equal_shares() -> None:
    plan = plan_of([OwnStage(key=key, label=key) for key in "abc"])
    assert [(s.start, s.end) for s in plan.stages] == [(0, 33.3), (33.3, 66.7), (66.7, 100)]


@pytest.mark.parametrize(
    "stages",
    [
        [OwnStage(key="a", label="A", start=0, end=50)],
        [
            OwnStage(key="a", label="A", start=0, end=60),
            OwnStage(key="b", label="B", start=50, end=100),
        ],
        [OwnStage(key="a", label="A", start=0, end=100), OwnStage(key="b", label="B")],
        [OwnStage(key="a", label="A"), OwnStage(key="a", label="B")],
        [OwnStage(key="a", label="A", steps=["s"]), OwnStage(key="b", label="B", steps=["s"])],
        "no such plan",
    ],
)
def test_stages_that_are_no_plan_are_refused(stages: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        plan_of(stages)


@pytest.mark.parametrize("plan", [*PLANS.values(), OWN, PLAIN_PLAN], ids=lambda plan: plan.name)
def test_a_plan_is_known_again_by_what_was_told_of_it(plan: Plan) -> None:
    assert plan_told(plan.describe()) == plan


# Any story


def any_report(chance: Random) -> dict[str, Any]:
    """A report that the schema takes, wherever it stands."""
    facts = {
        "rows_done": 3,
        "rows_total": chance.choice([9, "many", None]),
        "__proto__": 1,
        "7": [{}],
    }
    own: dict[str, Any] = {
        "step": chance.choice(
            [None, "fetch", "unpack", "extracting", "anything at all", "complete"]
        ),
        "stage": chance.choice([None, None, None, "load", "train"]),
        "progress": chance.choice([None, 0, round(chance.uniform(0, 100), 3), 100]),
        "message": chance.choice([None, "Größe: 3 rows", "\u2028 “quoted” \\ 😀"]),
        "details": {key: facts[key] for key in chance.sample(sorted(facts), chance.randint(0, 3))},
    }
    zone = {
        "zone_id": "z",
        "zone_index": chance.randint(0, 9),
        "zones_total": chance.choice([None, 0, 9]),
        "zones_completed": chance.choice([None, 0, 12]),
    }
    kinds: list[dict[str, Any]] = [
        {"type": "processing_started"},
        {"type": "step_started"},
        {"type": "step_completed", "summary": chance.choice(["", "12 rows"])},
        *[{"type": "processing_progress"}] * 6,
        {"type": "processing_progress", "zones_completed": 3, "zones_total": 9},
        {"type": "zone_processing", **zone},
        {"type": "zone_completed", **zone, "bbox": [0.0, 1.0, 2.5, 3.0]},
        {
            "type": "model_result",
            "model_name": "m",
            "model_status": chance.choice(["failed", "completed"]),
        },
        {
            "type": "processing_warning",
            "warning": chance.choice(["Hm", {"title": "Hm", "hint": "Look"}]),
        },
        {"type": "clarification_requested", "question": "Which?"},
    ]
    ends: list[dict[str, Any]] = [
        {
            "type": "processing_completed",
            "result": chance.choice(
                [
                    {},
                    {
                        "zones": "many",
                        "fields": [],
                        "rows": 1.5,
                        "summary": "All",
                        "new_rows": "x",
                        "near": 3,
                        "by_currency": 7,
                        "duplicate_of": {},
                        "rejected": [1],
                    },
                ]
            ),
        },
        {
            "type": "processing_failed",
            "error": chance.choice(["No", {"title": "No", "retryable": True}]),
        },
        {"type": "job_cancelled"},
    ]
    return {**own, **chance.choice(ends if chance.random() < 0.05 else kinds)}


def steered(story: Story, chance: Random) -> Event:
    assert story.state is not None
    if is_finished(story.state):
        stages = story.state["stages"]
        return JobRetried(
            job_id=JOB,
            by="ann",
            attempt=story.state["attempt"] + 1,
            stage=stages[0]["key"],
            progress=0.0,
            message="...",
        )
    waiting = story.state["waiting_for"]
    if waiting and chance.random() < 0.7:
        question = {"clarification_id": waiting[0], "question": "Which?"}
        return ClarificationAnswered(job_id=JOB, **question, answer="a", message="...")
    kind = chance.choice([JobPaused, JobResumed])
    return kind(job_id=JOB, by="ann", message="...")


def any_story(chance: Random) -> Story:
    """Reports as chance has them, in requests as chance cuts them; people steer in between."""
    story = Story(chance.choice([OWN, PLAIN_PLAN, TRANSACTIONS, DOCUMENT]))
    for _ in range(chance.randint(0, 12)):
        story.now_ms += chance.randint(1, 90_000)
        assert story.state is not None
        if is_finished(story.state) or chance.random() < 0.2:
            story.place(steered(story, chance))
            continue
        try:
            story.report(*(any_report(chance) for _ in range(chance.randint(1, 6))))
        except InvalidReport:
            continue  # a stage of another plan, or behind the end
    return story


@pytest.mark.parametrize("seed", range(4))
def test_any_reports_that_are_taken_fold_alike_and_progress_never_falls(seed: int) -> None:
    chance = Random(seed)
    stories = [any_story(chance) for _ in range(150)]
    for story in stories:
        events = story.events
        assert fold_all(events) == story.state
        assert [event["n"] for event in events] == list(range(1, len(events) + 1))
        for one, after in pairwise(events):
            assert after["progress"] >= one["progress"] or after["type"] == "job_retried"
        for event in events:
            assert parse_event(orjson.dumps(event)).type == event["type"]
            assert event["message"]
    if NODE is not None:
        for story, answer in zip(
            stories, ask("fold-stories.js", [s.events for s in stories]), strict=True
        ):
            assert answer["job"] == story.state
            assert answer["same"]


@pytest.mark.parametrize("seed", range(4, 6))
def test_whatever_a_worker_says_its_job_can_be_shown(seed: int) -> None:
    chance = Random(seed)
    for _ in range(300):
        story = any_story(chance)
        assert story.state is not None
        row = file_row(story.state)
        assert not row.tags
        assert views.undo_text(story.state) == ""
        assert all(isinstance(value, str) for _, value in rowview.facts(story.state))
        assert [item.label for item in views.stage_items(story.state, story.now_ms)]
