"""What pages send without scripts: the same work as the API's, answered with a redirect."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Annotated, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.core.errors import AppError
from app.core.permissions import Action
from app.core.queueing import PriorityName
from app.keys import ACCOUNTS, GIVEN
from app.store.idempotency import Answer
from app.web.address import address_of
from app.web.auth import check_password, claim_server, sign_in_as, sign_out
from app.web.batches import Intake, samples, upload
from app.web.clarifications import Answerer, AnswerWish, give
from app.web.control import (
    PriorityWish,
    RetryWish,
    SteerOp,
    delete_job,
    prioritise_job,
    retry_job,
    steer_batch,
    steer_job,
)
from app.web.delta import DeltaDecision, decide_rows
from app.web.exports import ExportWish, make_export
from app.web.identity import owner_for, viewer_for
from app.web.jobs import job_of
from app.web.wire import read_fields, read_id, validated

LONGEST_PATH = 2000
FREE = "free"  # what stands for a choice where the answer was typed

Form = Callable[[web.Request], Awaitable[web.Response]]
Shown = Callable[[web.Request, AppError], Awaitable[web.Response]]
"""The page a form stands on, with what was refused."""


def local_path(path: object) -> str:
    """Return `path` when it leads to a page of ours, and / otherwise."""
    if not isinstance(path, str) or len(path) > LONGEST_PATH or not path.isprintable():
        return "/"
    leads_here = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if leads_here else "/"


LocalPath = Annotated[str, BeforeValidator(local_path)]


class LoginForm(BaseModel):
    """The sign-in form; `next` is the page to go on to."""

    model_config = ConfigDict(extra="ignore")
    name: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=4096)
    next: LocalPath = "/"


class SetupForm(BaseModel):
    """The form of the setup link."""

    model_config = ConfigDict(extra="ignore")
    token: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=200)
    password: str = Field(max_length=4096)


class RetryForm(BaseModel):
    """The form that tries a file again."""

    model_config = ConfigDict(extra="ignore")
    from_step: str = Field(default="", max_length=64)


class KnownRowsForm(BaseModel):
    """The form that stores known rows after all, or leaves them out again."""

    model_config = ConfigDict(extra="ignore")
    state: Literal["new", "known"]


class PriorityForm(BaseModel):
    """The form that lets a file go first, or last."""

    model_config = ConfigDict(extra="ignore")
    priority: PriorityName = "normal"


def told_by(shown: Shown, *actions: Action) -> Callable[[Form], Form]:
    """Return a form that is for who may do `actions`; what it refuses them, its page says."""

    def decorate(form: Form) -> Form:
        @wraps(form)
        async def answer(request: web.Request) -> web.Response:
            for action in actions:
                viewer_for(request, action)
            try:
                return await form(request)
            except AppError as error:
                return await shown(request, error)

        return answer

    return decorate


async def login(request: web.Request) -> web.Response:
    """POST /login."""
    given = validated(LoginForm, await _kept(request), "form")
    user = await check_password(request, given.name, given.password)
    response = see_other(given.next)
    await sign_in_as(request, user, response, "password")
    return response


async def setup(request: web.Request) -> web.Response:
    """POST /setup."""
    fields = await _kept(request)
    if await request.app[ACCOUNTS].claimed():
        return see_other("/setup")  # which says so
    given = validated(SetupForm, fields, "form")
    user = await claim_server(request, given.token, given.name, given.password)
    response = see_other("/")
    await sign_in_as(request, user, response, "link")
    return response


async def _kept(request: web.Request) -> dict[str, str]:
    """Return the fields that were sent; a page that refuses them shows them again, no secrets."""
    request[GIVEN] = fields = await read_fields(request)
    return fields


async def logout(request: web.Request) -> web.Response:
    """POST /logout."""
    response = see_other("/login")
    await sign_out(request, response)
    return response


async def upload_files(request: web.Request) -> web.Response:
    """POST /upload."""
    return await _took_in(upload(request, Intake(owner_for(request, "upload"))))


async def take_samples(request: web.Request) -> web.Response:
    """POST /samples."""
    return await _took_in(samples(request, Intake(owner_for(request, "upload"))))


async def _took_in(work: Awaitable[Answer]) -> web.Response:
    answer = await work
    return see_other(f"/batches/{orjson.loads(answer.body)['batch_id']}")


def of_job(op: SteerOp) -> Form:
    """Return the handler of POST /jobs/{job_id}/`op`."""

    async def answer(request: web.Request) -> web.Response:
        return see_other(f"/jobs/{(await steer_job(request, op)).id}")

    return answer


def of_batch(op: SteerOp) -> Form:
    """Return the handler of POST /batches/{batch_id}/`op`."""

    async def answer(request: web.Request) -> web.Response:
        batch, _, _ = await steer_batch(request, op)
        return see_other(f"/batches/{batch.id}")

    return answer


async def retry(request: web.Request) -> web.Response:
    """POST /jobs/{job_id}/retry, from the step that the form names, if it does."""
    given = validated(RetryForm, await read_fields(request), "form")
    job = await retry_job(request, RetryWish(from_step=given.from_step or None))
    return see_other(f"/jobs/{job.id}")


async def prioritise(request: web.Request) -> web.Response:
    """POST /jobs/{job_id}/priority."""
    given = validated(PriorityForm, await read_fields(request), "form")
    wish = PriorityWish(priority=given.priority)
    return see_other(f"/jobs/{(await prioritise_job(request, wish)).id}")


async def known_rows(request: web.Request) -> web.Response:
    """POST /jobs/{job_id}/known-rows: all of those that an earlier file holds."""
    job = await job_of(request, "control")
    given = validated(KnownRowsForm, await read_fields(request), "form")
    await decide_rows(request, job, DeltaDecision(state=given.state))
    return see_other(f"/jobs/{job.id}#duplicates")


async def delete(request: web.Request) -> web.Response:
    """POST /jobs/{job_id}/delete."""
    await delete_job(request)
    return see_other("/")


async def export(request: web.Request) -> web.Response:
    """POST /exports: of the job or batch that the form names."""
    owner_for(request, "download")
    fields = await read_fields(request)
    wish = validated(ExportWish, {key: value for key, value in fields.items() if value}, "form")
    await make_export(request, wish)
    if wish.batch_id is not None:
        return see_other(f"/batches/{wish.batch_id}")
    return see_other(f"/jobs/{wish.job_id}#exports" if wish.job_id else "/")


async def answer_question(request: web.Request) -> web.Response:
    """POST /clarifications/{clarification_id}/answer: a choice, or what was typed (`free`)."""
    who = Answerer(viewer_for(request, "control"))
    fields = await read_fields(request)
    answer: str | None = fields.get("answer", FREE)
    if answer == FREE:
        answer = fields.get("free")
    wish = AnswerWish(answer=answer, use_for_batch="use_for_batch" in fields)
    ident = read_id(request, "clarification_id")
    done = await give(request.app, who, address_of(request), ident, wish)
    return see_other(f"/jobs/{orjson.loads(done.body)['clarification']['job_id']}")


def see_other(path: str) -> web.Response:
    """Return the answer that leads a browser on to `path`."""
    return web.Response(status=303, headers={"Location": path})
