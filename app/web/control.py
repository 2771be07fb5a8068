"""Steering jobs and batches: pause, resume, cancel, retry, undo, delete, and which goes first.

Each of them may be asked for twice: what is done already is done.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.asking import LONGEST_ANSWER
from app.core.errors import AppError, Conflict
from app.core.permissions import Viewer
from app.core.queueing import PRIORITIES, PriorityName
from app.keys import DATABASE, DOOR, RUNNER
from app.pipeline.runner import Runner
from app.store.batches import BatchRow, job_ids_of
from app.store.jobs import JobRow
from app.web.audit import note
from app.web.batches import answer_about, batch_of
from app.web.identity import viewer_for
from app.web.jobs import answer_of, job_of
from app.web.models import BatchSteered, NotSteered
from app.web.wire import json_answer, read_json

ANSWERS_AT_MOST = 50
NAMED_AT_MOST = 100  # jobs of a batch that refused, with the reason

AnswerKey = Annotated[str, Field(min_length=1, max_length=200)]
AnswerText = Annotated[str, Field(max_length=LONGEST_ANSWER)]
SteerOp = Literal["pause", "resume", "cancel", "retry", "undo"]


class RetryWish(BaseModel):
    """Where a retry begins, and what is answered before it is asked."""

    model_config = ConfigDict(extra="forbid")
    from_step: str | None = Field(
        default=None, max_length=64, description="null: the first that is not done"
    )
    input: dict[AnswerKey, AnswerText | int | float | bool | None] = Field(
        default_factory=dict,
        max_length=ANSWERS_AT_MOST,
        description="answers by the keys of the questions that the steps would ask",
    )


class PriorityWish(BaseModel):
    """Whether a job goes before or behind the other files of its owner."""

    model_config = ConfigDict(extra="forbid")
    priority: PriorityName = "normal"


Do = Callable[[Runner, str, str], Awaitable[object]]
"""What is done to a job by somebody: takes the runner, the job's id and a name."""

DOES: Mapping[SteerOp, Do] = {
    "pause": lambda runner, job_id, by: runner.pause(job_id, by),
    "resume": lambda runner, job_id, by: runner.resume(job_id, by),
    "cancel": lambda runner, job_id, by: runner.cancel(job_id, by),
    "retry": lambda runner, job_id, by: runner.retry(job_id, by),
    "undo": lambda runner, job_id, by: runner.undo(job_id, by),
}


# Jobs


async def pause(request: web.Request) -> web.Response:
    """POST /api/v1/jobs/{job_id}/pause: let it rest where its running step ends."""
    return json_answer(answer_of((await steer_job(request, "pause")).state), 202)


async def resume(request: web.Request) -> web.Response:
    """POST /api/v1/jobs/{job_id}/resume: into the queue again."""
    return json_answer(answer_of((await steer_job(request, "resume")).state), 202)


async def cancel(request: web.Request) -> web.Response:
    """POST /api/v1/jobs/{job_id}/cancel: stop it, and take back what it stored."""
    return json_answer(answer_of((await steer_job(request, "cancel")).state), 202)


async def undo(request: web.Request) -> web.Response:
    """POST /api/v1/jobs/{job_id}/undo: take back what it stored."""
    viewer, job = await _steered(request, "undo")
    taken_back = await request.app[RUNNER].undo(job.id, viewer.name)
    job = await job_of(request, "control")
    return json_answer({"rows": taken_back, "job": answer_of(job.state)})


async def retry(request: web.Request) -> web.Response:
    """POST /api/v1/jobs/{job_id}/retry: begin again where it stopped, or at `from_step`."""
    wish = await read_json(request, RetryWish)
    return json_answer(answer_of((await retry_job(request, wish)).state), 202)


async def prioritise(request: web.Request) -> web.Response:
    """POST /api/v1/jobs/{job_id}/priority: before or behind the other files of its owner."""
    job = await prioritise_job(request, await read_json(request, PriorityWish))
    return json_answer(answer_of(job.state))


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/v1/jobs/{job_id}: forget it with its rows, its events and its file."""
    await delete_job(request)
    return web.Response(status=204)


async def steer_job(request: web.Request, op: SteerOp) -> JobRow:
    """Do `op` to the job in the path and return it. Raises NotAllowed, NotFound, Conflict."""
    viewer, job = await _steered(request, op)
    await DOES[op](request.app[RUNNER], job.id, viewer.name)
    return await job_of(request, "control")


async def retry_job(request: web.Request, wish: RetryWish) -> JobRow:
    """Retry the job in the path and return it. Raises as `steer_job` does, and InvalidRequest."""
    viewer, job = await _steered(request, "retry")
    await request.app[RUNNER].retry(job.id, viewer.name, wish.from_step, wish.input)
    return await job_of(request, "control")


async def prioritise_job(request: web.Request, wish: PriorityWish) -> JobRow:
    """Give the job in the path its priority and return it. Raises as `steer_job` does."""
    viewer, job = await _steered(request, "priority")
    await request.app[RUNNER].prioritise(job.id, viewer.name, PRIORITIES[wish.priority])
    return await job_of(request, "control")


async def delete_job(request: web.Request) -> None:
    """Delete the job in the path. Raises as `steer_job` does."""
    viewer, job = await _steered(request, "delete")
    await request.app[RUNNER].delete(job.id, viewer.name)


async def _steered(request: web.Request, op: str) -> tuple[Viewer, JobRow]:
    """Return who steers, and the job in the path; that they do is noted."""
    request.app[DOOR].pass_through()
    viewer, job = viewer_for(request, "control"), await job_of(request, "control")
    note(request, "control", op=op, job_id=job.id)
    return viewer, job


# Batches


def of_batch(op: SteerOp) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of POST /api/v1/batches/{batch_id}/`op`."""

    async def answer(request: web.Request) -> web.Response:
        batch, done, refused = await steer_batch(request, op)
        told = BatchSteered(
            batch=await answer_about(request.app[DATABASE].reader, batch),
            done=done,
            not_done=len(refused),
            reasons=[
                NotSteered(job_id=job_id, code=error.code, title=str(error))
                for job_id, error in refused[:NAMED_AT_MOST]
            ],
        )
        return json_answer(told.model_dump(), 202)

    return answer


async def steer_batch(
    request: web.Request, op: SteerOp
) -> tuple[BatchRow, int, list[tuple[str, AppError]]]:
    """Do `op` to every job of the batch in the path to which it can be done.

    Returns the batch, to how many that was, and which could not although it made sense for them.
    Jobs that wait are steered before those that run, so that none begins in between.
    """
    request.app[DOOR].pass_through()
    viewer, batch = viewer_for(request, "control"), await batch_of(request, "control")
    note(request, "control", op=op, batch_id=batch.id)
    runner = request.app[RUNNER]
    idents = await job_ids_of(request.app[DATABASE].reader, batch.id, MEANT[op])
    ends = await asyncio.gather(
        *(DOES[op](runner, job_id, viewer.name) for job_id in idents), return_exceptions=True
    )
    refused: list[tuple[str, AppError]] = []
    for job_id, end in zip(idents, ends, strict=True):
        if isinstance(end, Conflict):
            continue  # it has come to another end meanwhile
        if isinstance(end, AppError):
            refused.append((job_id, end))
        elif isinstance(end, BaseException):
            raise end
    done = sum(not isinstance(end, BaseException) for end in ends)
    return batch, done, refused


MEANT: Mapping[SteerOp, tuple[str, ...]] = {
    "pause": ("pending", "waiting", "processing"),
    "resume": ("paused", "processing"),
    "cancel": ("pending", "waiting", "paused", "processing"),
    "retry": ("error", "cancelled"),
    "undo": ("completed",),
}
"""The statuses in which `op` makes sense, those first that are steered first."""
