"""Systems A, B and C: what their clients hear of each event, and of how a job stands."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.dialects import conversational, sessions, tasks
from app.core.dialects.words import AFTERWARDS, Told
from app.core.events import (
    BatchCompleted,
    ClarificationAnswered,
    ClarificationRequested,
    ErrorInfo,
    Event,
    JobCancelled,
    JobCreated,
    JobRetried,
    ModelResult,
    ProcessingCompleted,
    ProcessingFailed,
    ProcessingProgress,
    ProcessingStarted,
    StepCompleted,
    StepStarted,
)
from app.core.plans import INVOICE, PLANS, Plan
from app.core.state import JobState, place

GOLDEN = [json.loads(p.read_bytes()) for p in sorted(Path(__file__).parent.glob("golden/*.json"))]
JOB, BATCH = "01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002"
NOW_MS = 1_800_000_000_123
NOW = "2027-01-15T08:00:00.123Z"
FAILED = ErrorInfo(code="broken", title="It is broken", detail="Page 2.", hint="Send it again.")


class Story:
    """One job, event by event."""

    def __init__(self, plan: Plan = INVOICE) -> None:
        self.state: JobState | None = None
        self.seq = 0
        self.bodies: list[dict[str, Any]] = []
        self.tell(
            JobCreated(
                job_id=JOB,
                batch_id=BATCH,
                filename="bill.pdf",
                size=7,
                plan=plan.describe(),
                message="Here",
            )
        )

    def tell(self, draft: Event) -> dict[str, Any]:
        self.seq += 1
        body, self.state = place(draft, self.state, seq=self.seq, now_ms=NOW_MS)
        self.bodies.append(body)
        return body

    @property
    def now(self) -> JobState:
        assert self.state is not None
        return self.state


def at(step: str, progress: float, kind: type[Event] = ProcessingProgress) -> Event:
    stage = INVOICE.stage_of(step).key
    return kind(job_id=JOB, stage=stage, step=step, progress=progress, message="...")  # type: ignore[call-arg]


def question() -> ClarificationRequested:
    return ClarificationRequested(
        job_id=JOB, message="?", clarification_id="q1", question="Whose is it?"
    )


def answer() -> ClarificationAnswered:
    return ClarificationAnswered(
        job_id=JOB, message="!", clarification_id="q1", question="Whose is it?", answer="Ann's"
    )


def only(told: list[Told]) -> dict[str, Any]:
    assert len(told) == 1
    return told[0].payload


@pytest.mark.parametrize("body", GOLDEN, ids=lambda body: body["type"])
def test_every_event_that_was_ever_stored_can_be_told_in_every_dialect(
    body: Mapping[str, Any],
) -> None:
    said = [*conversational.told(body), *tasks.told(body), *sessions.told_of_batch(body)]
    if body["job_id"] is not None:
        said += sessions.told_of_job(body, sessions.mark_after(body, None))
    for one in said:
        assert json.loads(json.dumps(one.payload))["seq"] == body["seq"]
    if body["type"] in AFTERWARDS:
        assert said == []


def test_a_hears_each_event_twice_with_whole_percents() -> None:
    story = Story()
    event = story.tell(at("page_reading", 15.9))
    update, alias = conversational.told(event)
    assert (update.name, alias.name) == ("job_update", "file_progress")
    assert update.payload == alias.payload
    assert update.payload["fileId"] == update.payload["job_id"] == JOB
    assert update.payload["progress"] == 15
    assert update.payload["step"] == "page_reading"
    assert update.payload["timestamp"] == NOW


def test_a_is_told_of_the_file_it_uploaded_and_of_one_that_was_there_before() -> None:
    story = Story()
    assert conversational.told(story.bodies[0])[0].payload["extra"] == {
        "filename": "bill.pdf",
        "size": 7,
    }
    found = ProcessingProgress(
        job_id=JOB, step="duplicate_found", message="Again", details={"filename": "bill.pdf"}
    )
    extra = conversational.told(story.tell(found))[0].payload["extra"]
    assert extra["duplicate_info"] == {"kind": "duplicate_found", "filename": "bill.pdf"}


@pytest.mark.parametrize(
    ("last", "name", "error"),
    [
        (ProcessingCompleted(job_id=JOB, message="Done", result={"rows": 3}), "job_complete", None),
        (
            ProcessingFailed(job_id=JOB, message="Oops", error=FAILED),
            "job_error",
            "It is broken. Page 2.",
        ),
        (JobCancelled(job_id=JOB, message="Ann stopped it"), "job_error", "Ann stopped it"),
    ],
)
def test_a_is_told_the_end_besides(last: Event, name: str, error: str | None) -> None:
    story = Story()
    end = conversational.told(story.tell(last))[-1]
    assert end.name == name
    assert end.payload.get("error") == error
    assert conversational.now(story.now)[-1].name == name


def test_b_is_told_when_a_stage_begins_and_when_it_is_over() -> None:
    story = Story()
    seen = [
        only(tasks.told(story.tell(event)))
        for event in (
            at("initializing_streaming", 0.0, StepStarted),
            at("initializing_streaming", 3.0, StepCompleted),
            at("duplicate_check", 3.0, StepStarted),
            at("document_kind", 10.0, StepCompleted),
            at("page_reading", 10.0, StepStarted),
            at("page_reading", 40.0),
        )
    ]
    assert [update["type"] for update in seen] == [
        "stage_start",
        "progress",
        "progress",
        "stage_complete",
        "stage_start",
        "progress",
    ]
    assert [update["stage"] for update in seen] == ["fetch"] * 4 + ["llm_extraction"] * 2
    assert seen[-1]["timestamp"] == NOW_MS / 1000
    assert {update["task_id"] for update in seen} == {JOB}


def test_b_is_told_of_the_stages_of_a_plan_that_is_not_ours() -> None:
    story = Story()
    body = story.tell(StepStarted(job_id=JOB, stage="baking", step="oven", message="Hot"))
    assert only(tasks.told(body))["type"] == "stage_start"


def test_b_gets_the_result_or_the_error_with_the_last_update() -> None:
    story = Story()
    done = ProcessingCompleted(job_id=JOB, message="Done", result={"rows": 3})
    update = only(tasks.told(story.tell(done)))
    assert (update["type"], update["status"], update["stage"]) == (
        "complete",
        "completed",
        "complete",
    )
    assert update["result"] == {"rows": 3}
    failed = Story()
    update = only(tasks.told(failed.tell(ProcessingFailed(job_id=JOB, message="x", error=FAILED))))
    assert (update["type"], update["error"]) == ("error", "It is broken. Page 2.")
    assert update["problem"]["hint"] == "Send it again."


def test_b_asks_by_http_what_it_was_told_live() -> None:
    story = Story()
    story.tell(at("page_reading", 40.0))
    status = tasks.status_of(story.now, story.bodies)
    assert (status["task_id"], status["filename"], status["status"]) == (JOB, "bill.pdf", "pending")
    assert (status["progress"], status["stage"]) == (40.0, "llm_extraction")
    assert status["updates"] == [only(tasks.told(body)) for body in story.bodies]
    assert (status["result"], status["error"]) == (None, None)
    story.tell(JobCancelled(job_id=JOB, message="Ann stopped it"))
    assert tasks.status_of(story.now)["status"] == "error"
    assert tasks.status_of(story.now)["error"] == "Ann stopped it"


def test_b_is_told_once_that_its_batch_is_done() -> None:
    body, _ = place(
        BatchCompleted(batch_id=BATCH, message="All done", jobs=2, counts={"completed": 2}),
        None,
        seq=9,
        now_ms=NOW_MS,
    )
    update = only(tasks.told(body))
    assert (update["task_id"], update["type"]) == (BATCH, "complete")
    assert update["result"] == {"jobs": 2, "counts": {"completed": 2}}


def test_c_counts_the_steps_of_a_job_as_prompts() -> None:
    story = Story()
    story.tell(ProcessingStarted(job_id=JOB, message="Go"))
    story.tell(at("page_reading", 40.0))
    progress = sessions.progress_of(story.now)
    assert (progress["sessionId"], progress["status"]) == (JOB, "PROCESSING")
    assert progress["prompts"] == {
        "total": len(INVOICE.step_keys),
        "completed": 4,
        "processing": 1,
        "pending": len(INVOICE.step_keys) - 5,
        "failed": 0,
    }
    assert (progress["hasClarifications"], progress["hasResult"]) == (False, False)
    assert "result" not in progress


def test_c_hears_of_a_question_until_it_is_answered() -> None:
    story = Story()
    mark = sessions.mark_after(story.bodies[0], None)
    body = story.tell(question())
    mark = sessions.mark_after(body, mark)
    progress, asked = sessions.told_of_job(body, mark)
    assert (progress.payload["status"], progress.payload["clarificationCount"]) == ("ACTIVE", 1)
    assert asked.name == "clarification"
    assert asked.payload["clarificationId"] == "q1"
    assert (asked.payload["question"], asked.payload["status"]) == ("Whose is it?", "pending")
    body = story.tell(answer())
    mark = sessions.mark_after(body, mark)
    progress, answered = sessions.told_of_job(body, mark)
    assert (progress.payload["clarificationCount"], answered.payload["status"]) == (0, "answered")


def test_c_gets_what_a_model_said_as_text() -> None:
    story = Story()
    event = ModelResult(
        job_id=JOB, message="Read", model_name="llama3.1:8b", duration_ms=12, result={"no": "ä"}
    )
    body = story.tell(event)
    _, told = sessions.told_of_job(body, sessions.mark_of(story.now))
    assert (told.name, told.payload["modelName"]) == ("model_result", "llama3.1:8b")
    assert (told.payload["result"], told.payload["fields"]) == ('{"no": "ä"}', {"no": "ä"})
    assert (told.payload["status"], told.payload["duration"]) == ("completed", 12)


@pytest.mark.parametrize(
    ("last", "status", "name"),
    [
        (
            ProcessingCompleted(job_id=JOB, message="Done", result={"a": 1}),
            "COMPLETED",
            "completed",
        ),
        (ProcessingFailed(job_id=JOB, message="Oops", error=FAILED), "FAILED", "error"),
        (JobCancelled(job_id=JOB, message="Ann stopped it"), "EXPIRED", "error"),
    ],
)
def test_c_is_told_the_end_live_and_when_it_comes_back(last: Event, status: str, name: str) -> None:
    story = Story()
    body = story.tell(last)
    live = sessions.told_of_job(body, sessions.mark_of(story.now))
    assert live == sessions.now(story.now)
    assert (live[0].payload["status"], live[1].name) == (status, name)


def mark(status: str, progress: float = 50.0, *questions: str) -> sessions.Mark:
    return sessions.Mark(1, 7, status, progress, NOW, frozenset(questions), ())


def test_c_counts_the_jobs_of_a_batch_as_prompts() -> None:
    jobs = [mark("completed", 100.0), mark("waiting", 40.0, "q1", "q2"), mark("error", 60.0)]
    progress = sessions.progress_of_batch(BATCH, [*jobs, mark("pending", 0.0)])
    assert progress["prompts"] == {
        "total": 4,
        "completed": 1,
        "processing": 1,
        "pending": 1,
        "failed": 1,
    }
    assert (progress["status"], progress["progress"]) == ("ACTIVE", 60.0)
    assert progress["clarificationCount"] == 2
    assert "result" not in progress


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        (["completed", "error"], "COMPLETED"),
        (["error", "cancelled"], "FAILED"),
        (["cancelled"], "EXPIRED"),
        (["completed", "processing"], "PROCESSING"),
        ([], "ACTIVE"),
    ],
)
def test_c_says_of_a_batch_what_became_of_it(ends: list[str], status: str) -> None:
    marks = [mark(end) for end in ends]
    progress = sessions.progress_of_batch(BATCH, marks, NOW)
    assert progress["status"] == status
    told = [
        (one.name, one.payload["result"]["jobs"]) for one in sessions.end_of_batch(BATCH, marks)
    ]
    if status in ("ACTIVE", "PROCESSING"):
        assert told == []
    else:
        name = "error" if set(ends) == {"error"} else "completed"
        assert told == [(name, len(ends))]


def moves() -> st.SearchStrategy[list[Event]]:
    """Anything that may happen to a job, in any order."""
    steps = st.sampled_from(INVOICE.step_keys)
    kinds = st.sampled_from((ProcessingProgress, StepStarted, StepCompleted))
    share = st.floats(0, 100).map(lambda value: round(value, 1))
    return st.lists(
        st.one_of(
            st.builds(at, steps, share, kinds),
            st.builds(question),
            st.builds(answer),
            st.builds(lambda: ProcessingStarted(job_id=JOB, message="Go")),
            st.builds(lambda: ProcessingFailed(job_id=JOB, message="No", error=FAILED)),
            st.builds(lambda: JobRetried(job_id=JOB, message="Again", progress=10.0)),
            st.builds(lambda: ProcessingCompleted(job_id=JOB, message="Done", progress=100.0)),
        ),
        max_size=30,
    )


@given(moves(), st.sampled_from(sorted(PLANS)))
def test_what_c_is_told_event_by_event_is_how_the_job_stands(
    drafts: list[Event], plan: str
) -> None:
    story = Story(PLANS[plan])
    mark = sessions.mark_after(story.bodies[0], None)
    for draft in drafts:
        body = story.tell(draft)
        mark = sessions.mark_after(body, mark)
        assert mark._replace(ends=()) == sessions.mark_of(story.now)._replace(ends=())
        told = sessions.told_of_job(body, mark)[0].payload
        prompts = told["prompts"]
        assert sum(count for key, count in prompts.items() if key != "total") == prompts["total"]
        assert all(count >= 0 for count in prompts.values())
        if "result" not in told:
            assert told == {
                key: value
                for key, value in sessions.progress_of(story.now).items()
                if key != "result"
            } | {"hasResult": False}
        status = tasks.status_of(story.now)
        assert only(tasks.told(body))["progress"] == status["progress"]
        assert only(tasks.told(body))["status"] == status["status"]


def test_b_sees_the_stages_of_an_invoice_before_anybody_knows_that_it_is_one() -> None:
    """Until then the plan is that of any document, whose stages have other names and shares."""
    story = Story()
    told = [
        only(tasks.told(story.tell(event)))
        for event in (
            StepStarted(
                job_id=JOB,
                message="x",
                stage="validation",
                step="initializing_streaming",
                progress=0.0,
            ),
            StepCompleted(
                job_id=JOB, message="x", stage="scanning", step="malware_scan", progress=17.5
            ),
            StepStarted(job_id=JOB, message="x", stage="zones", step="page_reading", progress=84.0),
            StepStarted(job_id=JOB, message="x", stage="save", step="saving", progress=88.0),
        )
    ]
    assert [(update["stage"], update["progress"]) for update in told] == [
        ("fetch", 0.0),
        ("fetch", 10.0),
        ("llm_extraction", 80.0),
        ("save", 90.0),
    ]
    stands = tasks.status_of(story.now)
    assert (stands["stage"], stands["progress"]) == ("save", 90.0)
