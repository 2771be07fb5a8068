"""Invoices as tasks: brought to /api/upload, begun by their address, followed by a task's id."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app import __version__
from app.core.dialects.tasks import status_of
from app.core.dialects.uploads import UploadView
from app.core.events import FINISHED
from app.core.model_names import model_names
from app.core.names import clean_filename
from app.core.state import JobState
from app.keys import DATABASE, SETTINGS
from app.store.accounts import now_ms
from app.store.batches import BatchRow, get_batch
from app.store.events import latest_of_job
from app.store.idempotency import Answer
from app.store.jobs import get_job
from app.web.batches import Intake, brought_once, claim, new_id, options_of, take_in
from app.web.belongings import demand
from app.web.fetching import UrlWish, fetched
from app.web.identity import viewer_for
from app.web.once import fingerprint_of
from app.web.reference.batches import states_of
from app.web.reference.deposits import deposit_in, deposit_of, taken_out
from app.web.uploads import UploadOptions
from app.web.wire import json_answer, read_id, read_json, state_answer

UPDATES_AT_MOST = 200  # of a status: the latest
PROVIDERS = {"openai": "openai-chat"}
"""What a client calls a provider, where that is not what the settings call it."""


class InvoiceOptions(BaseModel):
    """How the invoice is to be read. What else a client says is not judged."""

    model_config = ConfigDict(extra="ignore")
    auto_save: bool = True
    confidence_threshold: float | None = Field(default=None, ge=0, le=1)
    model_provider: str | None = Field(default=None, max_length=100)


class InvoiceWish(BaseModel):
    """A file at an address: one that POST /api/upload gave, or any other that may be fetched."""

    model_config = ConfigDict(extra="ignore")
    url: Annotated[str, Field(min_length=1, max_length=2000)]
    filename: Annotated[str, Field(max_length=1000)] | None = None
    options: InvoiceOptions = Field(default_factory=InvoiceOptions)


class TaskAccepted(BaseModel):
    """The work is in the queue. Its room may be joined."""

    task_id: str
    websocket_room: str
    status: Literal["pending"] = "pending"
    batch_id: str
    filename: str


class TaskStatus(BaseModel):
    """A task as it stands. `updates`: the latest, as they were told."""

    task_id: str
    filename: str
    status: Literal["pending", "processing", "completed", "error"]
    progress: float
    stage: str | None
    message: str
    updates: list[dict[str, Any]]
    result: dict[str, Any] | None
    error: str | None
    problem: dict[str, Any] | None
    timestamp: float = Field(description="seconds since the epoch")
    seq: int


class TaskHealth(BaseModel):
    """The server answers."""

    status: Literal["ok"] = "ok"
    version: str = __version__


async def health(request: web.Request) -> web.Response:
    """GET /api/health."""
    return json_answer(TaskHealth())


async def begin(request: web.Request) -> web.Response:
    """POST /api/invoices/upload: begin with a file that was brought, or is to be fetched."""
    answer = await brought_once(request, _begin)
    accepted = orjson.loads(answer.body)
    job = accepted["jobs"][0]
    task = TaskAccepted(
        task_id=job["job_id"],
        websocket_room=f"job:{job['job_id']}",
        batch_id=accepted["batch_id"],
        filename=job["filename"],
    )
    location = f"/api/invoices/status/{task.task_id}"
    return json_answer(task, answer.status, {"Location": location})


async def _begin(request: web.Request, intake: Intake) -> Answer:
    wish = await read_json(request, InvoiceWish)
    options = _options(request.app, wish.options)
    deposit_id = deposit_in(wish.url)
    if deposit_id is None:
        return await _fetch(request.app, intake, wish, options)
    kept = await deposit_of(request.app, intake.viewer, deposit_id)
    name = clean_filename(wish.filename or kept.filename)
    async with taken_out(request.app, kept, name) as file:
        return await take_in(request.app, intake, [file], options)


async def _fetch(
    app: web.Application, intake: Intake, wish: InvoiceWish, options: UploadOptions
) -> Answer:
    """Fetch the file from wherever it is. What was answered under the same key is not fetched."""
    told = [wish.url, wish.filename, options.model_dump(mode="json")]
    fingerprint = fingerprint_of(told)
    if (before := intake.once.before(fingerprint)) is not None:
        return before
    batch = await claim(app, intake.viewer, new_id(now_ms()), options)
    async with fetched(app, batch, [UrlWish(url=wish.url, filename=wish.filename)]) as files:
        intake = replace(intake, batch=batch, fingerprint=fingerprint)
        return await take_in(app, intake, files, options_of(batch))


def _options(app: web.Application, wanted: InvoiceOptions) -> UploadOptions:
    """Return the options in our words. A provider that is not configured is called by nobody."""
    given: dict[str, Any] = {"auto_save": wanted.auto_save}
    if wanted.confidence_threshold is not None:
        given["confidence_threshold"] = wanted.confidence_threshold
    if wanted.model_provider:
        provider = PROVIDERS.get(wanted.model_provider, wanted.model_provider)
        configured = model_names(app[SETTINGS].models)
        given["models"] = [one.name for one in configured if one.provider == provider]
    return UploadOptions(**given)


async def status(request: web.Request) -> web.Response:
    """GET /api/invoices/status/{task_id}: of a job; of a batch, all of its files together."""
    viewer = viewer_for(request, "read")
    reader = request.app[DATABASE].reader
    task_id = read_id(request, "task_id")
    job = await get_job(reader, task_id)
    if job is not None:
        state = demand(viewer, "read", job, "task").state
        events = await latest_of_job(reader, task_id, state["last_seq"], UPDATES_AT_MOST)
        updates = [orjson.loads(event.body) for event in events]
        return state_answer(request, TaskStatus(**status_of(state, updates)))
    batch = demand(viewer, "read", await get_batch(reader, task_id), "task")
    return state_answer(request, _of_batch(batch, await states_of(reader, batch.id)))


def _of_batch(batch: BatchRow, states: Sequence[JobState]) -> TaskStatus:
    view = UploadView(batch.id)
    for state in states:
        view.hold(state)
    ended = [state for state in states if state["status"] in FINISHED]
    now = view.now("", "status")
    return TaskStatus(
        task_id=batch.id,
        filename=batch.name,
        status=now["status"] if states else "pending",
        progress=now["progress"],
        stage=states[-1]["stage"] if states else None,
        message=now["message"],
        updates=[],
        result={"jobs": len(states)} if len(ended) == len(states) and states else None,
        error=now["error"],
        problem=now["problem"],
        timestamp=batch.created_ms / 1000,
        seq=max((state["last_seq"] for state in states), default=0),
    )
