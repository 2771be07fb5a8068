"""Questions that jobs ask: what is open, what was answered, and answering."""

import sqlite3
from dataclasses import dataclass, replace
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.asking import (
    SECRET_KINDS,
    checked_answer,
    evidence_for_all,
    reason_for,
    told_answer,
    words_for,
)
from app.core.errors import NotAllowed, NotFound
from app.core.permissions import Thing, Viewer, may, obstacle
from app.core.rooms import Room
from app.core.times import iso_from_ms
from app.keys import AUDIT, DATABASE, DOOR, RUNNER
from app.pipeline.answers import Given, Settled
from app.store.accounts import now_ms
from app.store.clarifications import (
    Clarification,
    get_clarification,
    list_clarifications,
)
from app.store.idempotency import Answer
from app.web.address import address_of
from app.web.belongings import belonging_of, guest_of
from app.web.identity import owner_for, viewer_for, viewer_of
from app.web.once import ALWAYS, Once, fingerprint_of, once
from app.web.wire import (
    json_bytes,
    next_link,
    read_id,
    read_json,
    read_query,
    state_answer,
)


class ClarificationQuery(BaseModel):
    """Which page of questions."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["open", "answered", "expired", "withdrawn"] | None = None
    job_id: str | None = Field(default=None, max_length=64)
    batch_id: str | None = Field(default=None, max_length=64)
    before: str | None = Field(default=None, max_length=64, description="cursor: `next` of a page")
    limit: int = Field(default=100, ge=1, le=200)


class AnswerWish(BaseModel):
    """An answer to a question."""

    model_config = ConfigDict(extra="forbid")
    answer: Any = Field(default=None, description="what the kind of the question asks for")
    use_for_batch: bool = Field(
        default=False, description="the same for the batch's other files, later ones too"
    )


class ChoiceAnswer(BaseModel):
    """One way to answer; `hint` says what follows from it."""

    value: str
    label: str
    hint: str


class ClarificationAnswer(BaseModel):
    """A question of a job, and its answer where there is one. Secrets are told as null."""

    clarification_id: str
    job_id: str
    batch_id: str | None
    filename: str
    step: str
    attempt: int
    key: str = Field(description="names the doubt within its job")
    kind: str = Field(description="what is asked for; see the list of kinds")
    question: str
    why: str = Field(description="what it rests on, in words; '' where the question says all")
    choices: list[ChoiceAnswer]
    default: Any = Field(description="taken when nobody answers in time; null: the job fails then")
    suggested: Any
    evidence: dict[str, Any]
    is_remembered: bool = Field(description="the answer is kept for later files of the kind")
    state: Literal["open", "answered", "expired", "withdrawn"]
    answer: Any
    answer_label: str | None
    source: str = Field(description="person, batch, memory or default; '' while it is open")
    answered_by: str
    use_for_batch: bool
    asked_at: str
    expires_at: str
    answered_at: str | None
    links: dict[str, str]


class ClarificationList(BaseModel):
    """Questions, newest first. `next` is the cursor of the page after this one."""

    clarifications: list[ClarificationAnswer]
    next: str | None


class Answered(BaseModel):
    """What an answer settled: the question, and those of other files that it answered too."""

    clarification: ClarificationAnswer
    also_answered: list[str] = Field(description="their ids")


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who answers, and under which Idempotency-Key, if any."""

    viewer: Viewer
    once: Once = ALWAYS


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/clarifications: the questions of one's own jobs, newest first."""
    query = read_query(request, ClarificationQuery)
    found = await list_clarifications(
        request.app[DATABASE].reader,
        user_id=await _whose(request, query),
        job_id=query.job_id,
        batch_id=query.batch_id,
        state=query.state,
        before_id=query.before,
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    after = page[-1].id if len(found) > query.limit else None
    headers = next_link(request, before=after) if after else None
    answers = [answer_of(as_shown_to(viewer_of(request), one)) for one in page]
    return state_answer(request, ClarificationList(clarifications=answers, next=after), headers)


async def _whose(request: web.Request, query: ClarificationQuery) -> str | None:
    """Return whose questions are listed; None: of whoever's job or batch it is, which is seen."""
    viewer = viewer_for(request, "read")
    rooms = [
        *([Room("job", query.job_id)] if query.job_id is not None else []),
        *([Room("batch", query.batch_id)] if query.batch_id is not None else []),
    ]
    for room in rooms:
        thing = await belonging_of(request.app[DATABASE].reader, room)
        if thing is not None and may(viewer, "read", thing):
            return thing.owner_id
    return owner_for(request, "read").user_id


async def one(request: web.Request) -> web.Response:
    """GET /api/v1/clarifications/{clarification_id}."""
    viewer = viewer_for(request, "read")
    found = await get_clarification(
        request.app[DATABASE].reader, read_id(request, "clarification_id")
    )
    if found is None or not may(viewer, "read", thing_about(found)):
        raise NotFound(what="question", is_foreign=found is not None)
    return state_answer(request, answer_of(as_shown_to(viewer, found)))


async def answer(request: web.Request) -> web.Response:
    """POST /api/v1/clarifications/{clarification_id}/answer."""
    viewer_for(request, "control")
    ident = read_id(request, "clarification_id")
    done = await answered(request, ident, await read_json(request, AnswerWish))
    return json_bytes(done.body.encode(), done.status)


async def answered(request: web.Request, ident: str, wish: AnswerWish) -> Answer:
    """Answer a question as `request` asks, once for each Idempotency-Key.

    Raises NotAuthenticated, and what `give` does.
    """
    viewer = viewer_for(request, "control")
    async with once(request, viewer.user_id) as asked:
        return await give(request.app, Answerer(viewer, asked), address_of(request), ident, wish)


async def give(
    app: web.Application, who: Answerer, address: str, ident: str, wish: AnswerWish
) -> Answer:
    """Answer a question, for whichever way it comes. Answer and events are one transaction.

    Raises NotAllowed, NotFound, InvalidRequest, Conflict where somebody was first, StorageFull,
    ShuttingDown.
    """
    app[DOOR].pass_through()
    asked = await answerable(app, who.viewer, ident)
    if isinstance(wish.answer, dict | list):  # no answer to anything, and maybe too deep to be told
        checked_answer(asked.question, wish.answer)
    fingerprint = _fingerprint(asked, wish)
    if (before := who.once.before(fingerprint)) is not None:
        return before

    def also(connection: sqlite3.Connection, settled: Settled) -> None:
        who.once.remember(connection, _told(settled), fingerprint, now_ms())

    app[AUDIT].note(
        "control", who.viewer, address, op="answer", job_id=asked.job_id, clarification_id=ident
    )
    given = Given(wish.answer, who.viewer.name, wish.use_for_batch, also)
    return _told(await app[RUNNER].answers.give(asked.id, given))


async def answerable(app: web.Application, viewer: Viewer, ident: str) -> Clarification:
    """Return the question when `viewer` may answer it.

    Raises NotFound, also for somebody else's; NotAllowed for what is seen by a share link alone.
    """
    if why := obstacle(viewer, "control"):
        raise NotAllowed(why=why)
    found = await get_clarification(app[DATABASE].reader, ident)
    if found is not None and may(viewer, "control", thing_about(found)):
        return found
    guest = viewer.guest
    if found is not None and guest is not None and may(guest, "read", thing_about(found)):
        raise NotAllowed(why=obstacle(guest, "control"))
    raise NotFound(what="question", is_foreign=found is not None)


def thing_about(one: Clarification) -> Thing:
    """Return whose question it is, and where it lies."""
    return Thing(one.user_id, one.batch_id, one.job_id)


def as_shown_to(viewer: Viewer, one: Clarification) -> Clarification:
    """Return the question as `viewer` may see it: a guest is told of no other file."""
    if guest_of(viewer, thing_about(one)) is None:
        return one
    return replace(one, question=replace(one.question, evidence=evidence_for_all(one.question)))


def _fingerprint(asked: Clarification, wish: AnswerWish) -> str:
    """Return what tells one answer from another. Of a secret nothing is kept, not even a hash."""
    given = None if asked.question.kind in SECRET_KINDS else wish.answer
    return fingerprint_of([asked.id, given, wish.use_for_batch])


def _told(settled: Settled) -> Answer:
    told = Answered(clarification=answer_of(settled.one), also_answered=list(settled.others))
    return Answer(200, told.model_dump_json())


def answer_of(one: Clarification) -> ClarificationAnswer:
    """Return the question as the API tells it: secrets as null."""
    question = one.question
    api = f"/api/v1/clarifications/{one.id}"
    return ClarificationAnswer(
        clarification_id=one.id,
        job_id=one.job_id,
        batch_id=one.batch_id,
        filename=one.filename,
        step=one.step,
        attempt=one.attempt,
        key=question.key,
        kind=question.kind,
        question=question.text,
        why=reason_for(question),
        choices=[
            ChoiceAnswer(value=way.value, label=way.label, hint=way.hint)
            for way in question.choices
        ],
        default=question.default,
        suggested=question.suggested,
        evidence=question.evidence,
        is_remembered=bool(question.remember),
        state=one.state,
        answer=told_answer(question, one.answer),
        answer_label=words_for(question, one.answer) if one.has_answer else None,
        source=one.source,
        answered_by=one.answered_by,
        use_for_batch=one.for_batch,
        asked_at=iso_from_ms(one.asked_ms),
        expires_at=iso_from_ms(one.expires_ms),
        answered_at=None if one.answered_ms is None else iso_from_ms(one.answered_ms),
        links={
            "self": api,
            "answer": f"{api}/answer",
            "job": f"/api/v1/jobs/{one.job_id}",
            "page": f"/jobs/{one.job_id}",
        },
    )
