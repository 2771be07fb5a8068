"""Typed values out of requests, and JSON into answers."""

import asyncio
import hashlib
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

import orjson
from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from app.core.conversation import VALUE_ERROR
from app.core.errors import InvalidRequest, UploadCut
from app.core.ids import is_uuid
from app.keys import SETTINGS

Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")

HIGHEST_NUMBER = 2**63 - 1  # that SQLite keeps


def validated(model: type[Model], values: Any, where: str) -> Model:
    """Return `values` as a `model`. Raises InvalidRequest that names what is wrong, and where."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join([where, *map(str, first["loc"])]) if first["loc"] else where
        known = ""
        if first["type"] == "extra_forbidden":
            names = sorted(field.alias or name for name, field in model.model_fields.items())
            known = f"; known are {', '.join(names) or 'none'}"
        message = first["msg"].removeprefix(VALUE_ERROR)
        raise InvalidRequest(what=f"{place[:200]}: {message}{known}") from error


def read_query(request: web.Request, model: type[Model]) -> Model:
    """Return the query as a `model`. Raises InvalidRequest."""
    return validated(model, dict(request.query), "query")


async def read_json(request: web.Request, model: type[Model]) -> Model:
    """Return the body as a `model`; an absent body is an empty object. Raises InvalidRequest."""
    text = await _in_time(request, request.read())
    try:
        values = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(what=f"the body is not JSON ({error})") from error
    return validated(model, values, "body")


async def read_fields(request: web.Request) -> dict[str, str]:
    """Return the fields of a form that a page sent. Raises InvalidRequest, UploadCut.

    Multipart is for files: the framework would open one for each part, for anybody who asks.
    """
    if request.content_type.startswith("multipart/"):
        raise InvalidRequest(what="a form without files is not sent as multipart")
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise InvalidRequest(what="a form is sent as UTF-8")
    form = await _in_time(request, request.post())
    return {key: value for key, value in form.items() if isinstance(value, str)}


def shown(text: str, at_most: int) -> str:
    """Return the beginning of a header as it may be kept and told on: as valid Unicode."""
    return text[:at_most].encode(errors="replace").decode()


async def _in_time(request: web.Request, reading: Awaitable[Value]) -> Value:
    """Wait for a small body, but not for ever. Raises UploadCut, InvalidRequest."""
    try:
        async with asyncio.timeout(request.app[SETTINGS].upload_idle_s):
            return await reading
    except TimeoutError as error:
        raise UploadCut from error
    except web.RequestPayloadError as error:
        raise InvalidRequest(what="the body is not packed as its headers say") from error


def read_id(request: web.Request, name: str) -> str:
    """Return the id in the path; what is not one belongs to nothing, so it is looked up as ""."""
    ident = request.match_info[name]
    return ident if is_uuid(ident) else ""


def number_in_path(request: web.Request, name: str) -> int:
    """Return the whole number in the path; what is none belongs to nothing: 0."""
    text = request.match_info[name]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return number if number <= HIGHEST_NUMBER else 0


def wants_html(request: web.Request) -> bool:
    """Tell whether a person with a browser waits for the answer."""
    return not request.path.startswith("/api/") and "text/html" in request.headers.get(
        hdrs.ACCEPT, ""
    )


def json_answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return `value` (a model or plain JSON values) as an answer."""
    plain = value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value
    return json_bytes(orjson.dumps(plain), status, headers)


def json_bytes(
    body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return JSON that is already bytes as an answer."""
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def state_answer(
    request: web.Request, value: Any, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return what may be asked for again: with an ETag, or 304 when the asker has it already."""
    plain = value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value
    body = orjson.dumps(plain)
    etag = hashlib.sha256(body).hexdigest()[:32]
    given = {**(headers or {}), "ETag": f'"{etag}"'}
    if any(known.value in (etag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=given)
    return json_bytes(body, headers=given)


def next_link(request: web.Request, **changes: str | int) -> dict[str, str]:
    """Return the Link header (RFC 8288) of the page after this one."""
    url = request.rel_url.update_query({key: str(value) for key, value in changes.items()})
    url = url.without_query_params("token")  # a ticket is used up by now
    return {"Link": f'<{url}>; rel="next"'}
