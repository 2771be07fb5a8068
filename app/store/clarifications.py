"""Questions that jobs ask, and what was answered."""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiosqlite import Connection

from app.core.asking import Question, QuestionKind
from app.core.ids import uuid7
from app.store.jobs import JobRow

INSERT = (
    "INSERT INTO clarification (id, job_id, batch_id, user_id, attempt, step, key, kind, question,"
    " unanswered, state, asked_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)"
)


def insert_clarifications(
    connection: sqlite3.Connection,
    questions: Sequence[tuple[str, Question]],
    *,
    job_id: str,
    batch_id: str | None,
    user_id: str,
    attempt: int,
    step: str,
    unanswered: tuple[str, dict[str, Any]] | None,
    asked_ms: int,
    expires_ms: int,
) -> None:
    """Write open questions, given as (id, question), inside the caller's transaction."""
    error = None if unanswered is None else orjson.dumps(unanswered).decode()
    connection.executemany(
        INSERT,
        [
            (
                ident,
                job_id,
                batch_id,
                user_id,
                attempt,
                step,
                question.key,
                question.kind,
                orjson.dumps(question.to_json()).decode(),
                error,
                asked_ms,
                expires_ms,
            )
            for ident, question in questions
        ],
    )


ANSWERS = (
    "SELECT key, answer FROM clarification"
    " WHERE job_id = ? AND state IN ('answered', 'expired') ORDER BY id"
)


async def answers_of(db: Connection, job_id: str) -> dict[str, Any]:
    """Return what was answered to a job's questions, by their keys; the latest counts."""
    rows = await db.execute_fetchall(ANSWERS, (job_id,))
    return {key: None if answer is None else orjson.loads(answer) for key, answer in rows}


GIVEN = (
    "INSERT INTO clarification (id, job_id, batch_id, user_id, attempt, step, key, kind, question,"
    " state, answer, answered_by, asked_ms, expires_ms, answered_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'answered', ?, ?, ?, ?, ?)"
)


def insert_given(
    connection: sqlite3.Connection,
    answers: Mapping[str, Any],
    row: JobRow,
    *,
    attempt: int,
    step: str,
    by: str,
    at_ms: int,
) -> None:
    """Write answers that came with a retry, by their questions' keys, as if they had been asked."""
    for key, answer in answers.items():
        # What may be a secret is kept and erased like one.
        kind: QuestionKind = "password" if key.startswith("password") else "text"
        question = Question(key=key, kind=kind, text="Said with the retry, before it was asked")
        connection.execute(
            GIVEN,
            (
                uuid7(at_ms, os.urandom(10)),
                row.id,
                row.batch_id,
                row.user_id,
                attempt,
                step,
                key,
                kind,
                orjson.dumps(question.to_json()).decode(),
                orjson.dumps(answer).decode(),
                by,
                at_ms,
                at_ms,
                at_ms,
            ),
        )
