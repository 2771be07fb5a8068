"""A job's state is the fold of its events: complete, repeatable, and never falling back."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.events import (
    BatchCreated,
    ClarificationAnswered,
    ClarificationExpired,
    ClarificationRequested,
    ControlRequested,
    ErrorInfo,
    Event,
    FieldsEdited,
    JobCancelled,
    JobCreated,
    JobPaused,
    JobResumed,
    JobRetried,
    JobUndone,
    PlanChosen,
    PriorityChanged,
    ProcessingCompleted,
    ProcessingFailed,
    ProcessingProgress,
    ProcessingStarted,
    ProcessingWarning,
    RowsEdited,
    StepCompleted,
    StepStarted,
    WarningInfo,
)
from app.core.plans import DOCUMENT, INVOICE, TRANSACTIONS
from app.core.state import (
    STEERS,
    JobState,
    OutOfPlace,
    check_place,
    fold,
    fold_all,
    is_finished,
    place,
)

JOB = "01900000-0000-7000-8000-000000000001"
BATCH = "01900000-0000-7000-8000-000000000002"
CREATED = JobCreated(
    job_id=JOB,
    batch_id=BATCH,
    document_id="01900000-0000-7000-8000-000000000003",
    filename="expenses.csv",
    size=1024,
    plan=TRANSACTIONS.describe(),
    message="expenses.csv is here and safe",
)
TELLING = {"job_id": JOB, "message": "..."}

STEPS = st.sampled_from(TRANSACTIONS.step_keys)
LATER: st.SearchStrategy[Event] = st.one_of(
    st.builds(ProcessingStarted, **{k: st.just(v) for k, v in TELLING.items()}),
    st.builds(
        lambda step, fraction: ProcessingProgress(
            **TELLING,
            step=step,
            stage=TRANSACTIONS.stage_of(step).key,
            progress=TRANSACTIONS.progress(step, fraction),
        ),
        STEPS,
        st.floats(0, 1),
    ),
    st.builds(
        lambda step: StepStarted(**TELLING, step=step, stage=TRANSACTIONS.stage_of(step).key),
        STEPS,
    ),
    st.builds(
        lambda step: StepCompleted(
            **TELLING, step=step, stage=TRANSACTIONS.stage_of(step).key, summary="12 rows"
        ),
        STEPS,
    ),
    st.builds(
        lambda code: ProcessingWarning(
            **TELLING, warning=WarningInfo(code=code, title="t", detail="d", hint="h")
        ),
        st.sampled_from(["ambiguous_dates", "rejected_rows"]),
    ),
    st.just(
        ProcessingFailed(
            **TELLING, error=ErrorInfo(code="empty_file", title="t", detail="d", hint="h")
        )
    ),
    st.just(ProcessingCompleted(**TELLING, progress=100, result={"rows": 3})),
    st.just(JobCancelled(**TELLING)),
    st.builds(
        lambda step: JobRetried(
            **TELLING, from_step=step, progress=TRANSACTIONS.progress(step, 0.0)
        ),
        STEPS,
    ),
    st.just(JobUndone(**TELLING, rows=3)),
    st.just(RowsEdited(**TELLING, rows=1, new_rows=2, existing_rows=3, review=4)),
    st.just(FieldsEdited(**TELLING, fields_said={"iban": None})),
    st.just(JobPaused(**TELLING)),
    st.builds(
        lambda op: ControlRequested(**TELLING, op=op, by="anna"),
        st.sampled_from(["pause", "cancel"]),
    ),
    st.builds(lambda priority: PriorityChanged(**TELLING, priority=priority), st.integers(-1, 1)),
    st.just(JobResumed(**TELLING)),
    st.builds(
        lambda plan, stage: PlanChosen(**TELLING, plan=plan.describe(), stage=stage),
        st.sampled_from([DOCUMENT, INVOICE]),
        st.sampled_from(["scanning", "fetch", None]),
    ),
    st.builds(
        lambda kind, ident: kind(**TELLING, clarification_id=ident, question="3 April?"),
        st.sampled_from([ClarificationRequested, ClarificationAnswered, ClarificationExpired]),
        st.sampled_from("ab"),
    ),
)
HISTORIES = st.lists(LATER, max_size=25).map(lambda later: [CREATED, *later])


def placed(history: list[Event]) -> tuple[list[dict[str, Any]], JobState]:
    state: JobState | None = None
    bodies = []
    for index, draft in enumerate(history):
        body, state = place(draft, state, seq=100 + index, now_ms=1_800_000_000_000 + index)
        bodies.append(body)
    assert state is not None
    return bodies, state


@given(HISTORIES)
def test_the_fold_of_what_was_told_is_the_state(history: list[Event]) -> None:
    bodies, state = placed(history)
    as_read = [orjson.loads(orjson.dumps(body)) for body in bodies]
    assert fold_all(as_read) == state
    assert orjson.loads(orjson.dumps(state)) == state


@given(HISTORIES)
def test_events_are_numbered_without_a_hole(history: list[Event]) -> None:
    bodies, state = placed(history)
    assert [body["n"] for body in bodies] == list(range(1, len(history) + 1))
    assert state["n"] == len(history)


@given(HISTORIES)
def test_a_repeated_event_changes_nothing(history: list[Event]) -> None:
    bodies, state = placed(history)
    for body in bodies:
        assert fold(state, body) == state


@given(HISTORIES)
def test_progress_falls_only_on_a_retry(history: list[Event]) -> None:
    bodies, _ = placed(history)
    for before, after in pairwise(bodies):
        assert after["progress"] >= before["progress"] or after["type"] == "job_retried"


@given(HISTORIES)
def test_folding_leaves_the_older_state_as_it_was(history: list[Event]) -> None:
    bodies, _ = placed(history)
    state: JobState | None = None
    for body in bodies:
        frozen = orjson.dumps(state)
        after = fold(state, body)
        assert orjson.dumps(state) == frozen
        state = after


def test_a_failure_says_where_it_stopped() -> None:
    _, state = placed(
        [
            CREATED,
            ProcessingStarted(**TELLING),
            StepStarted(**TELLING, step="malware_scan", stage="scanning", progress=20),
            ProcessingFailed(
                **TELLING,
                error=ErrorInfo(code="malware_found", title="t", detail="d", hint="h"),
            ),
        ]
    )
    assert state["status"] == "error"
    assert is_finished(state)
    assert [stage["state"] for stage in state["stages"]] == [
        "skipped",
        "failed",
        "waiting",
        "waiting",
        "waiting",
    ]


def test_a_retry_clears_the_failure_and_forgets_the_steps_to_be_done_again() -> None:
    _, state = placed(
        [
            CREATED,
            StepCompleted(**TELLING, step="malware_scan", stage="scanning", progress=40),
            StepCompleted(**TELLING, step="extracting", stage="parsing", progress=60),
            ProcessingFailed(
                **TELLING, error=ErrorInfo(code="worker_crashed", title="t", detail="d", hint="h")
            ),
            JobRetried(**TELLING, from_step="extracting", progress=44),
        ]
    )
    assert state["error"] is None
    assert state["status"] == "pending"
    assert state["steps_done"] == ["malware_scan"]
    assert state["progress"] == 44


def test_an_undone_job_stays_completed_and_says_so() -> None:
    _, state = placed(
        [CREATED, ProcessingCompleted(**TELLING, progress=100), JobUndone(**TELLING, rows=3)]
    )
    assert (state["status"], state["undone"]) == ("completed", True)


def test_a_batch_has_events_but_no_place_in_a_job() -> None:
    body, state = place(
        BatchCreated(batch_id=BATCH, jobs=2, message="2 files are here"), None, seq=1, now_ms=0
    )
    assert state is None
    assert (body["job_id"], body["n"]) == (None, None)


# Questions and pauses, in any order


ASKED = ClarificationRequested(**TELLING, clarification_id="a", question="3 April?")
ASKED_TOO = ClarificationRequested(**TELLING, clarification_id="b", question="3 May?")
ANSWERED = ClarificationAnswered(**TELLING, clarification_id="a", question="3 April?", answer="dmy")
EXPIRED_TOO = ClarificationExpired(**TELLING, clarification_id="b", question="3 May?")
PAUSED, RESUMED = JobPaused(**TELLING, by="anna"), JobResumed(**TELLING, by="anna")
STARTED = ProcessingStarted(**TELLING)


@pytest.mark.parametrize(
    ("story", "status"),
    [
        ([STARTED, ASKED, ASKED_TOO, ANSWERED], "waiting"),
        ([STARTED, ASKED, ASKED_TOO, ANSWERED, EXPIRED_TOO], "pending"),
        ([STARTED, ASKED, PAUSED], "paused"),
        ([STARTED, ASKED, PAUSED, RESUMED], "waiting"),
        ([STARTED, ASKED, PAUSED, ANSWERED], "paused"),
        ([STARTED, ASKED, PAUSED, ANSWERED, RESUMED], "pending"),
        ([STARTED, ASKED, ASKED_TOO, PAUSED, ANSWERED, RESUMED, EXPIRED_TOO], "pending"),
        ([STARTED, PAUSED, RESUMED], "pending"),
        ([STARTED, ControlRequested(**TELLING, op="pause")], "processing"),
        ([STARTED, ControlRequested(**TELLING, op="pause"), RESUMED], "processing"),
        ([PAUSED, ASKED, RESUMED], "waiting"),
    ],
)
def test_a_pause_outlasts_questions_and_answers(story: list[Event], status: str) -> None:
    _, state = placed([CREATED, *story])
    assert state["status"] == status


@pytest.mark.parametrize(
    "then", [PAUSED, RESUMED, ProcessingCompleted(**TELLING), JobCancelled(**TELLING)]
)
def test_what_was_asked_for_is_known_until_it_is_done(then: Event) -> None:
    _, asked = placed([CREATED, STARTED, ControlRequested(**TELLING, op="pause", by="anna")])
    assert asked["steering"] == {"op": "pause", "by": "anna"}
    _, done = place(then, asked, seq=900, now_ms=0)
    assert done is not None
    assert done["steering"] is None


@pytest.mark.parametrize("end", [JobCancelled(**TELLING), ProcessingCompleted(**TELLING)])
def test_nothing_steers_a_job_that_has_ended(end: Event) -> None:
    _, state = placed([CREATED, STARTED, end])
    for draft in (PAUSED, RESUMED, ASKED, ANSWERED, JobCancelled(**TELLING)):
        assert draft.type in STEERS
        with pytest.raises(OutOfPlace):
            check_place(draft, state)
    check_place(JobRetried(**TELLING), state)
