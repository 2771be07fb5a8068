"""One file at a time, under an id that the client made up. See live/upload_progress.py."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, Field

from app.core.errors import InvalidRequest
from app.store.idempotency import Answer
from app.web.batches import Intake, brought_once, claim, take_in
from app.web.models import AcceptedJob
from app.web.uploads import THEIRS, UploadOptions, receiving
from app.web.wire import json_answer


class CsvAccepted(BaseModel):
    """The file is here and safe; what becomes of it is told of its batch."""

    batch_id: str
    status: Literal["processing"] = "processing"
    message: str
    filename: str
    size: int
    jobs: list[AcceptedJob]
    links: dict[str, str] = Field(description="`progress`: the socket that tells how it goes")


async def upload_csv(request: web.Request) -> web.Response:
    """POST /api/v1/upload/csv: a file, and if wanted the id of the batch that it makes or joins."""
    answer = await brought_once(request, _receive)
    accepted = orjson.loads(answer.body)
    batch_id, jobs = accepted["batch_id"], accepted["jobs"]
    return json_answer(
        CsvAccepted(
            batch_id=batch_id,
            message=f"{jobs[0]['filename']} is here and safe",
            filename=jobs[0]["filename"],
            size=jobs[0]["size"],
            jobs=jobs,
            links={
                "self": f"/api/v1/batches/{batch_id}",
                "progress": f"/ws/upload-progress/{batch_id}",
            },
        ),
        answer.status,
        {"Location": f"/api/v1/batches/{batch_id}"},
    )


async def _receive(request: web.Request, intake: Intake) -> Answer:
    def wanted_by(said: Mapping[str, str]) -> str:
        return (said.get("batch_id") or request.query.get("batch_id", "")).lower()

    async def batch_of(said: Mapping[str, str]) -> str | None:
        wanted = wanted_by(said)
        if not wanted:
            return None
        return (await claim(request.app, intake.viewer, wanted, UploadOptions())).id

    async with receiving(request, THEIRS, batch_of=batch_of) as arrived:
        if len(arrived.files) > 1:
            raise InvalidRequest(what="one file at a time comes here; others go to another request")
        wanted = wanted_by(arrived.said)
        if wanted:
            batch = await claim(request.app, intake.viewer, wanted, arrived.options)
            intake = replace(intake, batch=batch)
        return await take_in(request.app, intake, arrived.files, arrived.options)
