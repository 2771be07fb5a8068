"""Jobs and batches as sessions: how one stands, and answering what it asks."""

from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.asking import Question
from app.core.dialects.sessions import mark_of, progress_of, progress_of_batch
from app.core.ids import is_uuid
from app.core.times import iso_from_ms
from app.keys import DATABASE
from app.store.accounts import now_ms
from app.store.batches import get_batch
from app.store.jobs import get_job
from app.web.belongings import demand
from app.web.clarifications import AnswerWish, answerable, answered
from app.web.identity import viewer_for
from app.web.reference.batches import states_of
from app.web.wire import json_answer, read_id, read_json, state_answer


class Prompts(BaseModel):
    """The steps of a job's plan, or the jobs of a batch, by how far they are."""

    total: int
    completed: int
    processing: int
    pending: int
    failed: int


class SessionProgress(BaseModel):
    """A session as it stands; its socket is told the same as `progress`."""

    sessionId: str
    status: Literal["ACTIVE", "PROCESSING", "COMPLETED", "FAILED", "EXPIRED"]
    progress: float
    prompts: Prompts
    hasClarifications: bool
    clarificationCount: int
    hasResult: bool
    result: dict[str, Any] | None = None
    timestamp: str
    seq: int


class Response(BaseModel):
    """An answer to a question. What else a client says is not judged."""

    model_config = ConfigDict(extra="ignore")
    clarificationId: Annotated[str, Field(max_length=64)]
    answer: Any = None


class Responded(BaseModel):
    """The answer was taken; the session goes on."""

    success: Literal[True] = True
    clarificationId: str
    sessionId: str
    status: Literal["answered"] = "answered"
    timestamp: str


async def session(request: web.Request) -> web.Response:
    """GET /api/wizard/session/{shown_id}: how a job or a batch stands."""
    viewer = viewer_for(request, "read")
    reader = request.app[DATABASE].reader
    ident = read_id(request, "shown_id")
    job = await get_job(reader, ident)
    if job is not None:
        return state_answer(request, progress_of(demand(viewer, "read", job, "session").state))
    batch = demand(viewer, "read", await get_batch(reader, ident), "session")
    marks = [mark_of(state) for state in await states_of(reader, batch.id)]
    return state_answer(request, progress_of_batch(batch.id, marks, iso_from_ms(batch.created_ms)))


async def respond(request: web.Request) -> web.Response:
    """POST /api/wizard/clarifications/respond: an answer, or what a choice of it is called."""
    viewer = viewer_for(request, "control")
    said = await read_json(request, Response)
    ident = said.clarificationId if is_uuid(said.clarificationId) else ""
    asked = await answerable(request.app, viewer, ident)
    wish = AnswerWish(answer=_value(asked.question, said.answer))
    await answered(request, asked.id, wish)
    return json_answer(
        Responded(clarificationId=asked.id, sessionId=asked.job_id, timestamp=iso_from_ms(now_ms()))
    )


def _value(question: Question, answer: Any) -> Any:
    """Return the value of the choice that is called so; `answer` where there is none."""
    if isinstance(answer, str):
        for choice in question.choices:
            if answer.strip().lower() in (choice.value.lower(), choice.label.lower()):
                return choice.value
    return answer
