"""A step asks: what is known already is answered at once, the rest is put to people."""

import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from app.core.asking import (
    Asking,
    Question,
    answers_others,
    evidence_for_all,
    failure_without,
    is_answer,
    words_for,
)
from app.core.events import ClarificationRequested, Event, ProcessingWarning, WarningInfo
from app.core.ids import uuid7
from app.core.notices import AnsweredBefore, DefaultTaken, Notice
from app.core.times import iso_from_ms
from app.pipeline.log import Journal
from app.store.clarifications import (
    Asked,
    AskedBy,
    Clarification,
    answers_for_batch,
    ids_for_batch,
    insert_clarifications,
)
from app.store.database import Database

Recall = Callable[[str, Sequence[str]], Awaitable[Mapping[str, Mapping[str, Any]]]]
"""Given a user and some `remember` keys: what was remembered under them, see learned_from."""


# No names: who is shown this file alone learns nothing of others.
BATCH, EARLIER = "all files of this batch", "an earlier file"


class Overtaken(Exception):
    """Between looking and writing somebody else wrote: look again."""


@dataclass(frozen=True, slots=True)
class Step:
    """The step that asks, where it stands, and what its job was told before.

    answers  to this attempt's questions so far, by key: what is there is asked of people again
    ask      whether people may be asked at all
    """

    job_id: str
    batch_id: str | None
    user_id: str
    attempt: int
    stage: str
    key: str
    answers: Mapping[str, Any]
    ask: bool


async def put(
    database: Database,
    journal: Journal,
    recall: Recall,
    step: Step,
    asking: Asking,
    *,
    answer_within_h: float,
) -> bool:
    """Write a step's questions, and tell them; True when all of them are answered at once.

    Questions and events are one transaction. Raises the error that the job ends with when nobody
    may be asked and a question has no safe answer.
    """
    now_ms = time.time_ns() // 1_000_000
    expires_ms = now_ms + round(answer_within_h * 3_600_000)
    by = AskedBy(
        step.job_id, step.batch_id, step.user_id, step.attempt, step.key, asking.unanswered
    )
    while True:
        shared: list[Clarification] = []
        if step.batch_id is not None:
            shared = await answers_for_batch(database.reader, step.batch_id)
        known = await _known(step, asking, shared, recall)
        # ids of one millisecond sort by chance; sorted, they keep the order of the questions
        idents = sorted(uuid7(now_ms, os.urandom(10)) for _ in asking.questions)
        asked = [
            Asked(ident, question, **known[at].given if at in known else {})
            for at, (ident, question) in enumerate(zip(idents, asking.questions, strict=True))
        ]
        drafts = [
            _warning(step, known[at].notice) if at in known else _request(step, one, expires_ms)
            for at, one in enumerate(asked)
        ]
        also = partial(
            _write, shared=shared, asked=asked, by=by, asked_ms=now_ms, expires_ms=expires_ms
        )
        try:
            await journal.append(*drafts, also=also)
        except Overtaken:
            continue
        return len(known) == len(asked)


def _write(
    connection: sqlite3.Connection,
    shared: Sequence[Clarification],
    asked: Sequence[Asked],
    by: AskedBy,
    asked_ms: int,
    expires_ms: int,
) -> None:
    """Whoever answers for the whole batch answers what is open; what opens looks here once more."""
    if by.batch_id is not None:
        seen = [one.id for one in shared]
        if ids_for_batch(connection, by.batch_id) != seen:
            raise Overtaken
    insert_clarifications(connection, asked, by, asked_ms=asked_ms, expires_ms=expires_ms)


@dataclass(frozen=True, slots=True)
class _Known:
    """An answer without asking: what is written with the question, and what is told instead."""

    given: Mapping[str, Any]
    notice: Notice


async def _known(
    step: Step, asking: Asking, shared: Sequence[Clarification], recall: Recall
) -> dict[int, _Known]:
    """Return what is known about some of the questions, by their places."""
    found: dict[int, _Known] = {}
    fresh = [(at, one) for at, one in enumerate(asking.questions) if one.key not in step.answers]
    if step.attempt == 1:  # a retry asks again
        keys = [one.remember for _, one in fresh if one.remember]
        kept = await recall(step.user_id, keys) if keys else {}
        for at, question in fresh:
            known = _from_batch(question, shared) or _from_memory(question, kept)
            if known is not None:
                found[at] = known
    if not step.ask:
        for at, question in enumerate(asking.questions):
            if at not in found and question.kind != "save":  # which was asked for
                found[at] = _default(question, asking, again=question.key in step.answers)
    return found


def _from_batch(question: Question, shared: Sequence[Clarification]) -> _Known | None:
    for one in shared:
        if answers_others(one.question, question) and is_answer(question, one.answer):
            words = words_for(question, one.answer)
            told = AnsweredBefore(question=question.text, answer=words, where=BATCH)
            given = {"source": "batch", "answer": one.answer, "answered_by": one.answered_by}
            return _Known(given, told)
    return None


def _from_memory(question: Question, kept: Mapping[str, Mapping[str, Any]]) -> _Known | None:
    known = kept.get(question.remember) if question.remember else None
    if known is None or known["kind"] != question.kind or not is_answer(question, known["answer"]):
        return None
    words = words_for(question, known["answer"])
    told = AnsweredBefore(question=question.text, answer=words, where=EARLIER)
    return _Known({"source": "memory", "answer": known["answer"]}, told)


def _default(question: Question, asking: Asking, *, again: bool) -> _Known:
    if question.default is None or again:  # the default did not help: it would be asked for ever
        raise failure_without(question.text, asking.unanswered)
    told = DefaultTaken(question=question.text, answer=words_for(question, question.default))
    return _Known({"source": "default", "answer": question.default}, told)


def _warning(step: Step, notice: Notice) -> Event:
    warning = WarningInfo(**notice.body())
    return ProcessingWarning(job_id=step.job_id, message=warning.title, warning=warning)


def _request(step: Step, asked: Asked, expires_ms: int) -> Event:
    question = asked.question
    return ClarificationRequested(
        job_id=step.job_id,
        stage=step.stage,
        step=step.key,
        clarification_id=asked.id,
        question=question.text,
        kind=question.kind,
        choices=[asdict(choice) for choice in question.choices],
        default=question.default,
        expires_at=iso_from_ms(expires_ms),
        evidence=evidence_for_all(question),
        message=question.text,
    )
