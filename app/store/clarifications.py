"""Questions that jobs ask, and what was answered."""

import os
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from aiosqlite import Connection

from app.core.asking import SECRET_KINDS, Question, QuestionKind, answers_others, words_for
from app.core.ids import uuid7
from app.store.jobs import JobRow

State = Literal["open", "answered", "expired", "withdrawn"]
Source = Literal["person", "batch", "memory", "default"]


@dataclass(frozen=True, slots=True)
class Clarification:
    """A question of a job, and its answer where there is one.

    unanswered  the error (code, facts) that the job ends with where nobody answers in time
    has_answer  tells an answer that is null from none; a secret that was erased is none
    source      who gave the answer: a person; or nobody was asked, because of an answer for the
                whole batch, of one that was remembered, or of the default
    for_batch   the answer is good for the batch's other jobs
    """

    id: str
    job_id: str
    batch_id: str | None
    user_id: str
    filename: str
    attempt: int
    step: str
    question: Question
    unanswered: tuple[str, dict[str, Any]] | None
    state: State
    has_answer: bool
    answer: Any
    source: str
    answered_by: str
    for_batch: bool
    asked_ms: int
    expires_ms: int
    answered_ms: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that is about to be written; with an answer where nobody has to be asked."""

    id: str
    question: Question
    source: Source | None = None
    answer: Any = None
    answered_by: str = ""


@dataclass(frozen=True, slots=True)
class AskedBy:
    """Whose questions they are: the job, the attempt and the step that asks."""

    job_id: str
    batch_id: str | None
    user_id: str
    attempt: int
    step: str
    unanswered: tuple[str, dict[str, Any]] | None


INSERT = (
    "INSERT INTO clarification (id, job_id, batch_id, user_id, attempt, step, key, kind, question,"
    " unanswered, state, answer, source, answered_by, asked_ms, expires_ms, answered_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def insert_clarifications(
    connection: sqlite3.Connection,
    asked: Sequence[Asked],
    by: AskedBy,
    *,
    asked_ms: int,
    expires_ms: int,
) -> None:
    """Write questions inside the caller's transaction: open, or answered by their source."""
    error = None if by.unanswered is None else _json(by.unanswered)
    connection.executemany(
        INSERT,
        [
            (
                one.id,
                by.job_id,
                by.batch_id,
                by.user_id,
                by.attempt,
                by.step,
                one.question.key,
                one.question.kind,
                _json(one.question.to_json()),
                error,
                "open" if one.source is None else "answered",
                None if one.source is None else _json(one.answer),
                one.source or "",
                one.answered_by,
                asked_ms,
                expires_ms,
                None if one.source is None else asked_ms,
            )
            for one in asked
        ],
    )


NAMES = tuple(name for name in Clarification.__slots__ if name != "has_answer")
COLUMNS = (
    f"SELECT {', '.join('j.filename' if name == 'filename' else f'c.{name}' for name in NAMES)}"  # noqa: S608
    " FROM clarification c JOIN job j ON j.id = c.job_id"
)


def _clarification(row: Sequence[Any]) -> Clarification:
    found = dict(zip(NAMES, row, strict=True))
    answer, unanswered = found["answer"], found["unanswered"]
    return Clarification(
        **{
            **found,
            "question": Question.from_json(orjson.loads(found["question"])),
            "unanswered": None if unanswered is None else tuple(orjson.loads(unanswered)),
            "has_answer": answer is not None,
            "answer": None if answer is None else orjson.loads(answer),
            "for_batch": bool(found["for_batch"]),
        }
    )


async def get_clarification(db: Connection, ident: str) -> Clarification | None:
    """Return the question, or None when there is none with this id."""
    rows = list(await db.execute_fetchall(f"{COLUMNS} WHERE c.id = ?", (ident,)))
    return _clarification(rows[0]) if rows else None


async def list_clarifications(
    db: Connection,
    *,
    user_id: str | None = None,
    job_id: str | None = None,
    batch_id: str | None = None,
    state: State | None = None,
    before_id: str | None = None,
    limit: int = 100,
) -> list[Clarification]:
    """Return at most `limit` questions, newest first, narrowed by what is not None.

    before_id  only those older than this one: the cursor of the next page
    """
    wanted = {
        "c.user_id = ?": user_id,
        "c.job_id = ?": job_id,
        "c.batch_id = ?": batch_id,
        "c.state = ?": state,
        "c.id < ?": before_id,
    }
    given = {clause: value for clause, value in wanted.items() if value is not None}
    where = " AND ".join(given) or "TRUE"
    rows = await db.execute_fetchall(
        f"{COLUMNS} WHERE {where} ORDER BY c.id DESC LIMIT ?", (*given.values(), limit)
    )
    return [_clarification(row) for row in rows]


OPEN_IN_BATCH = f"{COLUMNS} WHERE c.batch_id = ? AND c.state = 'open' ORDER BY c.id"


async def open_like(db: Connection, one: Clarification) -> list[Clarification]:
    """Return the open questions of the batch's other jobs that an answer to `one` answers too."""
    rows = await db.execute_fetchall(OPEN_IN_BATCH, (one.batch_id,))
    return _like(one, rows)


def still_open_like(connection: sqlite3.Connection, one: Clarification) -> list[str]:
    """Return the ids of what `open_like` returns, within a transaction."""
    rows = connection.execute(OPEN_IN_BATCH, (one.batch_id,)).fetchall()
    return [other.id for other in _like(one, rows)]


def _like(one: Clarification, rows: Any) -> list[Clarification]:
    found = map(_clarification, rows)
    return [
        other
        for other in found
        if other.job_id != one.job_id and answers_others(one.question, other.question)
    ]


FOR_BATCH = (
    f"{COLUMNS} WHERE c.batch_id = ? AND c.for_batch = 1 AND c.state = 'answered'"
    " AND c.answer IS NOT NULL ORDER BY c.answered_ms DESC, c.id DESC"
)


async def answers_for_batch(db: Connection, batch_id: str) -> list[Clarification]:
    """Return what was answered for the whole batch, the latest first."""
    return [_clarification(row) for row in await db.execute_fetchall(FOR_BATCH, (batch_id,))]


def ids_for_batch(connection: sqlite3.Connection, batch_id: str) -> list[str]:
    """Return the ids of what `answers_for_batch` returns, within a transaction."""
    return [row[0] for row in connection.execute(FOR_BATCH, (batch_id,))]


SETTLE = (
    "UPDATE clarification SET state = ?, answer = ?, source = ?, answered_by = ?, for_batch = ?,"
    " answered_ms = ? WHERE id = ? AND state = 'open'"
)


def settle(
    connection: sqlite3.Connection,
    ident: str,
    state: Literal["answered", "expired"],
    *,
    answer: Any,
    has_answer: bool = True,
    source: Source,
    by: str = "",
    for_batch: bool = False,
    at_ms: int,
) -> bool:
    """Write the answer to an open question; False when it is not open any more."""
    kept = _json(answer) if has_answer else None
    done = connection.execute(SETTLE, (state, kept, source, by, int(for_batch), at_ms, ident))
    return done.rowcount == 1


WITHDRAW_OPEN = "UPDATE clarification SET state = 'withdrawn' WHERE job_id = ? AND state = 'open'"
SECRETS = f"kind IN ({', '.join(map(repr, sorted(SECRET_KINDS)))})"  # constants of ours
ERASE_OWN = (
    f"UPDATE clarification SET answer = NULL WHERE job_id = ? AND {SECRETS}"  # noqa: S608
    " AND (for_batch = 0 OR state = 'withdrawn')"
)
ERASE_OF_BATCH = f"UPDATE clarification SET answer = NULL WHERE batch_id = ? AND {SECRETS}"  # noqa: S608
WITHDRAW_STEPS = (
    "UPDATE clarification SET state = 'withdrawn' WHERE job_id = ?"  # noqa: S608
    f" AND (step IN (SELECT value FROM json_each(?)) OR {SECRETS})"
)


def close_questions(connection: sqlite3.Connection, job_id: str) -> None:
    """Withdraw what is open of a job that ends, and erase its secrets.

    A secret for the whole batch is kept until that has ended.
    """
    connection.execute(WITHDRAW_OPEN, (job_id,))
    connection.execute(ERASE_OWN, (job_id,))


def erase_secrets_of_batch(connection: sqlite3.Connection, batch_id: str) -> None:
    """Erase every secret that was told to a batch, which has ended."""
    connection.execute(ERASE_OF_BATCH, (batch_id,))


def withdraw_questions(connection: sqlite3.Connection, job_id: str, steps: Collection[str]) -> None:
    """Withdraw what `steps` asked, with the answers: they are done again, and ask again."""
    connection.execute(WITHDRAW_STEPS, (job_id, _json(list(steps))))
    connection.execute(ERASE_OWN, (job_id,))


ANSWERS = (
    "SELECT key, answer FROM clarification WHERE job_id = ? AND answer IS NOT NULL"
    " AND state IN ('answered', 'expired') ORDER BY id"
)


async def answers_of(db: Connection, job_id: str) -> dict[str, Any]:
    """Return what was answered to a job's questions, by their keys; the latest counts."""
    rows = await db.execute_fetchall(ANSWERS, (job_id,))
    return {key: orjson.loads(answer) for key, answer in rows}


BY_DEFAULT = (
    "SELECT key, state = 'expired' OR source = 'default' FROM clarification"
    " WHERE job_id = ? AND answer IS NOT NULL AND state IN ('answered', 'expired') ORDER BY id"
)


async def defaults_of(db: Connection, job_id: str) -> list[str]:
    """Return the keys of those answers that nobody gave: the safe ones that were taken instead."""
    rows = await db.execute_fetchall(BY_DEFAULT, (job_id,))
    latest = {row[0]: row[1] for row in rows}
    return [key for key, is_default in latest.items() if is_default]


GIVEN = (
    "INSERT INTO clarification (id, job_id, batch_id, user_id, attempt, step, key, kind, question,"
    " state, answer, source, answered_by, asked_ms, expires_ms, answered_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'answered', ?, 'person', ?, ?, ?, ?)"
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


BY_PERSON = (
    f"{COLUMNS} WHERE c.job_id = ? AND c.state = 'answered' AND c.source IN ('person', 'batch')"
    " AND c.answer IS NOT NULL ORDER BY c.id"
)


async def learned_from(db: Connection, job_id: str) -> dict[str, dict[str, Any]]:
    """Return what people's answers to the job's questions are worth for later files.

    By the question's `remember`: its text, the answer and its words, and the job. No secrets.
    """
    found = map(_clarification, await db.execute_fetchall(BY_PERSON, (job_id,)))
    return {
        one.question.remember: {
            "question": one.question.text,
            "kind": one.question.kind,
            "answer": one.answer,
            "words": words_for(one.question, one.answer),
            "filename": one.filename,
            "job_id": job_id,
        }
        for one in found
        if one.question.remember and one.question.kind not in SECRET_KINDS
    }


UNANSWERED = (
    f"{COLUMNS} WHERE c.job_id = ? AND c.state = 'expired' AND c.answer IS NULL ORDER BY c.id"
)


async def unanswered_of(db: Connection, job_id: str) -> Clarification | None:
    """Return the job's first question that nobody answered in time, and that has no default."""
    row = next(iter(await db.execute_fetchall(UNANSWERED, (job_id,))), None)
    return None if row is None else _clarification(row)


ANSWERER = (
    "SELECT answered_by FROM clarification WHERE job_id = ? AND key = ?"
    " AND state IN ('answered', 'expired') ORDER BY id DESC LIMIT 1"
)


async def answerer_of(db: Connection, job_id: str, key: str) -> str:
    """Return who answered the job's question `key`; "" for nobody."""
    row = next(iter(await db.execute_fetchall(ANSWERER, (job_id, key))), None)
    return "" if row is None else str(row[0])


NEXT_DEADLINE = "SELECT min(expires_ms) FROM clarification WHERE state = 'open'"
DUE = f"{COLUMNS} WHERE c.state = 'open' AND c.expires_ms <= ? ORDER BY c.job_id, c.id LIMIT ?"


async def next_deadline(db: Connection) -> int | None:
    """Return when the first open question expires, ms; None when none is open."""
    rows = list(await db.execute_fetchall(NEXT_DEADLINE))
    return None if rows[0][0] is None else int(rows[0][0])


async def due_clarifications(db: Connection, now_ms: int, limit: int) -> list[Clarification]:
    """Return at most `limit` open questions whose time is over, those of a job together."""
    return [_clarification(row) for row in await db.execute_fetchall(DUE, (now_ms, limit))]


def _json(value: Mapping[str, Any] | Sequence[Any] | Any) -> str:
    return orjson.dumps(value).decode()
