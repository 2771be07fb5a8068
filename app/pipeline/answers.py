"""Answers to questions: by a person, and by their time running out. Each question has one."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.core.asking import checked_answer, is_answer, told_answer, words_for
from app.core.errors import Conflict, NotFound
from app.core.events import ClarificationAnswered, ClarificationExpired
from app.core.messages import friendly_message
from app.core.names import one_line
from app.core.times import iso_from_ms
from app.pipeline.log import Journal
from app.pipeline.questions import Overtaken
from app.store.clarifications import (
    Clarification,
    due_clarifications,
    get_clarification,
    next_deadline,
    open_like,
    settle,
    still_open_like,
)
from app.store.database import Database

DUE_AT_ONCE = 200
LONGEST_SLEEP_S = 3600.0  # a clock that is set is noticed within it
LONGEST_WORDS = 200


@dataclass(frozen=True, slots=True)
class Settled:
    """The question as it is after the answer, and the ids of others that it answered too."""

    one: Clarification
    others: tuple[str, ...]


Also = Callable[[sqlite3.Connection, Settled], None]


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody answers.

    by             the user's name
    use_for_batch  the same for the batch's other files, those that ask later too
    also           further writes of the same transaction
    """

    answer: Any
    by: str
    use_for_batch: bool = False
    also: Also | None = None


class Answers:
    """Takes answers. An answer and the events that tell it are one transaction."""

    def __init__(self, database: Database, journal: Journal, wake: Callable[[], None]) -> None:
        """wake: looks for jobs that can go on."""
        self._database = database
        self._journal = journal
        self._wake = wake

    async def give(self, ident: str, given: Given) -> Settled:
        """Answer a question, and where it is for the batch those that are alike.

        Raises NotFound, InvalidRequest for what is no answer to it, Conflict when it has one
        already or is not asked any more, StorageFull.
        """
        while True:
            asked = await get_clarification(self._database.reader, ident)
            if asked is None:
                raise NotFound(what="question")
            if asked.state != "open":
                raise too_late(asked)
            answer = checked_answer(asked.question, given.answer)
            alike: list[Clarification] = []
            if given.use_for_batch and asked.batch_id is not None:
                alike = await open_like(self._database.reader, asked)
            try:
                return await self._write(asked, alike, answer, given)
            except Overtaken:
                continue

    async def _write(
        self, asked: Clarification, alike: Sequence[Clarification], answer: Any, given: Given
    ) -> Settled:
        """Answer `asked` and those that are alike. Raises Overtaken when one is not open, or
        another one has come, since they were looked for."""
        now_ms = _now_ms()
        every = [asked, *(one for one in alike if is_answer(one.question, answer))]
        idents = [one.id for one in every]
        left = {one.id for one in alike} - set(idents)  # it is no answer to them
        drafts = [_answered(one, answer, given) for one in every]
        settled = Settled(
            replace(
                asked,
                state="answered",
                has_answer=True,
                answer=answer,
                source="person",
                answered_by=given.by,
                for_batch=given.use_for_batch,
                answered_ms=now_ms,
            ),
            tuple(idents[1:]),
        )

        def also(connection: sqlite3.Connection) -> None:
            for one in every:
                is_it = one is asked
                if not settle(
                    connection,
                    one.id,
                    "answered",
                    answer=answer,
                    source="person" if is_it else "batch",
                    by=given.by,
                    for_batch=is_it and given.use_for_batch,
                    at_ms=now_ms,
                ):
                    raise Overtaken
            if given.use_for_batch and not left.issuperset(still_open_like(connection, asked)):
                raise Overtaken
            if given.also is not None:
                given.also(connection, settled)

        await self._journal.append(*drafts, also=also)
        self._wake()
        return settled


class Deadlines:
    """Takes the safe answer where nobody answered in time. Used as a task: `keep`."""

    def __init__(self, database: Database, journal: Journal, wake: Callable[[], None]) -> None:
        self._database = database
        self._journal = journal
        self._wake = wake
        self._asked = asyncio.Event()

    def asked(self) -> None:
        """A question was written: its time may be over before all others'."""
        self._asked.set()

    async def keep(self) -> None:
        """Expire questions as their time comes; also those whose time came while nobody ran."""
        while True:
            self._asked.clear()
            await self._expire_due()
            at_ms = await next_deadline(self._database.reader)
            wait_s = LONGEST_SLEEP_S
            if at_ms is not None:
                wait_s = min(max(0.0, (at_ms - _now_ms()) / 1000), LONGEST_SLEEP_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._asked.wait()

    async def _expire_due(self) -> None:
        while due := await due_clarifications(self._database.reader, _now_ms(), DUE_AT_ONCE):
            for one in due:
                with suppress(Overtaken):  # it was answered just now
                    await self._expire(one)
            self._wake()

    async def _expire(self, one: Clarification) -> None:
        """A job whose question has no safe answer goes on too, and ends with its error."""
        default = one.question.default

        def also(connection: sqlite3.Connection) -> None:
            if not settle(
                connection,
                one.id,
                "expired",
                answer=default,
                has_answer=default is not None,
                source="default",
                at_ms=_now_ms(),
            ):
                raise Overtaken

        words = None if default is None else _short(words_for(one.question, default))
        told = ClarificationExpired(
            **_told(one), answer=default, message=friendly_message("expired", {"answer": words})
        )
        await self._journal.append(told, also=also)


def too_late(one: Clarification) -> Conflict:
    """Return why a question that is not open takes no answer, and who was first."""
    if one.state == "answered":
        said = _short(words_for(one.question, one.answer))
        who = one.answered_by or "Livetrail"
        return Conflict(
            what=f"{who} has answered this already: {said}",
            todo="Look at what came of it; a retry asks again.",
        )
    if one.state == "expired":
        return Conflict(
            what="The time for an answer is over, so the safe way was taken",
            todo="Look at what came of it; a retry asks again.",
        )
    return Conflict(
        what="This is not asked any more: its job has ended, or begins again",
        todo="Look at the job; what it still needs to know it asks anew.",
    )


def _answered(one: Clarification, answer: Any, given: Given) -> ClarificationAnswered:
    facts = {"by": given.by, "answer": _short(words_for(one.question, answer))}
    return ClarificationAnswered(
        **_told(one),
        answer=told_answer(one.question, answer),
        by=given.by,
        use_for_batch=given.use_for_batch,
        message=friendly_message("answered", facts),
    )


def _told(one: Clarification) -> dict[str, Any]:
    return {
        "job_id": one.job_id,
        "clarification_id": one.id,
        "question": one.question.text,
        "choices": [asdict(choice) for choice in one.question.choices],
        "default": one.question.default,
        "expires_at": iso_from_ms(one.expires_ms),
    }


def _short(words: str) -> str:
    line = one_line(words)
    return line if len(line) <= LONGEST_WORDS else f"{line[: LONGEST_WORDS - 1]}…"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
