"""The fields of an invoice: what was read, and what a person says they are."""

from collections.abc import Mapping
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.documents import FIELDS, FieldValue, absent
from app.core.errors import InvalidRequest
from app.core.events import FieldsEdited
from app.core.field_values import LABELS, TITLES, normal_value
from app.core.messages import friendly_message
from app.keys import DOOR, JOURNAL, RECORDS, RUNNER
from app.web.audit import note
from app.web.identity import viewer_for
from app.web.jobs import job_of
from app.web.models import FieldAnswer, FieldList
from app.web.wire import json_answer, read_json, state_answer

EDIT = "app.reading.field_edits:edit_fields"  # by name: loaded in worker processes only
LONGEST_VALUE = 500


class FieldsWish(BaseModel):
    """What fields are: dates as 2026-11-20, amounts as 1234.50; null says it is not there."""

    model_config = ConfigDict(extra="forbid")
    fields: dict[str, Annotated[str, Field(max_length=LONGEST_VALUE)] | None] = Field(
        min_length=1, max_length=len(FIELDS)
    )


async def fields(request: web.Request) -> web.Response:
    """GET /api/v1/jobs/{job_id}/fields: of an invoice or receipt, with place and confidence."""
    job = await job_of(request)
    return state_answer(request, await _fields_of(request, job.id))


async def edit(request: web.Request) -> web.Response:
    """PATCH /api/v1/jobs/{job_id}/fields: say what fields are. The vendor's next invoice knows."""
    request.app[DOOR].pass_through()
    viewer, job = viewer_for(request, "control"), await job_of(request, "control")
    wish = await read_json(request, FieldsWish)
    said = {name: _said(name, text) for name, text in wish.fields.items()}
    note(request, "control", op="fields", job_id=job.id)
    options = {"job_id": job.id, "fields": said}
    edited = await request.app[RUNNER].errand(job.user_id, EDIT, options)
    names = ", ".join(LABELS[name] for name in said)
    await request.app[JOURNAL].append(
        FieldsEdited(
            job_id=job.id,
            by=viewer.name,
            fields_said=said,
            review=_to_review(edited["fields"]),
            message=friendly_message("fields_edited", {"names": names}),
        )
    )
    return json_answer(await _fields_of(request, job.id))


def _said(name: str, text: str | None) -> str | None:
    """Return the value as it is kept. Raises InvalidRequest."""
    if name not in FIELDS:
        raise InvalidRequest(
            what=f"body.fields: there is no field {name[:100]}; known are {', '.join(FIELDS)}"
        )
    try:
        return None if text is None else normal_value(name, text)
    except ValueError as error:
        raise InvalidRequest(what=f"body.fields.{name}: {error}") from error


async def _fields_of(request: web.Request, job_id: str) -> FieldList:
    reader = request.app[RECORDS].documents
    document = await reader.document(job_id)
    found: Mapping[str, FieldValue] = {name: absent() for name in FIELDS}
    items = []
    if document is not None:
        found, items = await reader.fields(document), await reader.line_items(document)
    api = f"/api/v1/jobs/{job_id}"
    return FieldList(
        fields={name: FieldAnswer(**value, label=TITLES[name]) for name, value in found.items()},
        line_items=items,
        review=_to_review(found),
        links={"self": f"{api}/fields", "job": api, "pages": f"{api}/pages"},
    )


def _to_review(fields: Mapping[str, FieldValue]) -> int:
    return sum(value["status"] == "check" for value in fields.values())
