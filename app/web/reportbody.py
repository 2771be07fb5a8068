"""The body of a request with reports: read, taken apart and checked, in slices for the loop."""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from app.core.errors import InvalidReport, InvalidRequest, ReportTooLarge, UploadCut
from app.core.quantities import size_text
from app.core.reports import REPORT_TYPES, REPORTS, AnyReport
from app.keys import REPORTING, SETTINGS

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
CHECKED_AT_ONCE = 100  # reports; then others have their turn on the loop
CHECKED_BYTES = 64 * 1024  # or as many
LONGEST_REPORT_BYTES = 16 * 1024
VALUES_AT_MOST = 100_000  # in one request
WHOLE_BYTES = 64 * 1024  # JSON that is taken apart at once: that takes some hundred microseconds
LINE = re.compile(rb"[^\s][^\n]*")
BLANK = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder()
ROOM = 8  # levels that a report gains on its way into the log


async def read_body(request: web.Request) -> bytes:
    """Return the body. Raises ReportTooLarge, UploadCut, InvalidRequest."""
    settings = request.app[SETTINGS]
    most = settings.max_report_bytes
    if (request.content_length or 0) > most:
        raise ReportTooLarge(limit=size_text(most))
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.upload_idle_s):
            async for part in request.content.iter_any():
                size += len(part)
                if size > most:
                    raise ReportTooLarge(limit=size_text(most))
                parts.append(part)
    except TimeoutError as error:
        raise UploadCut from error
    except web.RequestPayloadError as error:
        raise InvalidRequest(what="the body is not packed as its headers say") from error
    return b"".join(parts)


async def read_reports(request: web.Request, body: bytes) -> list[AnyReport]:
    """Return what the body holds. Raises InvalidRequest, and InvalidReport that names its place.

    Others have their turn on the loop between a slice of it and the next.
    """
    most = request.app[SETTINGS].max_reports_per_request
    if sum(map(body.count, (b",", b"[", b"{"))) > VALUES_AT_MOST:
        raise InvalidRequest(what=f"more than {VALUES_AT_MOST:,} values in one request")
    if request.content_type in NDJSON:
        pieces: Iterator[Any] = (match[0] for match in LINE.finditer(body))
    else:
        pieces = _elements(body) if len(body) > WHOLE_BYTES else iter(_listed(body))
    reports: list[AnyReport] = []
    while True:
        async with request.app[REPORTING].slices.one():
            some = _some(pieces)
            reports += _checked(some, len(reports))
        if not some:
            break
        if len(reports) > most:
            raise InvalidRequest(what=f"a request has at most {most:,} reports")
    if not reports:
        raise InvalidRequest(what="the body holds no reports")
    return reports


def _some(pieces: Iterator[Any]) -> list[Any]:
    """Return the next pieces, as many as can be checked at once; none at the end."""
    some: list[Any] = []
    size = 0
    for piece in islice(pieces, CHECKED_AT_ONCE):
        some.append(piece)
        size += len(piece) if isinstance(piece, bytes) else 0
        if size > CHECKED_BYTES:
            break
    return some


def _listed(body: bytes) -> list[Any]:
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(what=f"the body is not JSON ({error})") from error
    return values if isinstance(values, list) else [values]


def _elements(body: bytes) -> Iterator[Any]:
    """Yield the elements of a JSON list, each as a text of its own: nothing takes all at once.

    Raises InvalidRequest for what is not JSON, InvalidReport for what is nested too deep.
    """
    if not body.lstrip().startswith(b"["):
        yield from _listed(body)
        return
    count = 0
    try:
        text = body.decode()
        at = _after_blanks(text, text.index("[") + 1)
        while text[at : at + 1] != "]" or count:
            end = DECODER.raw_decode(text, at)[1]
            yield text[at:end].encode()
            count += 1
            at = _after_blanks(text, end)
            if text[at : at + 1] != ",":
                break
            at = _after_blanks(text, at + 1)
        if text[at : at + 1] != "]" or _after_blanks(text, at + 1) < len(text):
            raise ValueError(f"the list does not end well: char {at}")
    except RecursionError as error:
        raise InvalidReport(index=count, what="it is nested too deep") from error
    except ValueError as error:
        raise InvalidRequest(what=f"the body is not JSON ({error})") from error


def _after_blanks(text: str, at: int) -> int:
    found = BLANK.match(text, at)
    return at if found is None else found.end()


def _checked(some: Sequence[Any], start: int) -> list[AnyReport]:
    """Return `some` reports, as texts or plain values, the first of which is the `start`th."""
    values: list[Any] = []
    for at, one in enumerate(some, start):
        try:
            value = orjson.loads(one) if isinstance(one, bytes) else one
        except orjson.JSONDecodeError as error:
            raise InvalidReport(index=at, what=f"it is not JSON ({error})") from error
        try:
            measure(value)
        except ValueError as error:
            raise InvalidReport(index=at, what=str(error)) from error
        values.append(value)
    try:
        return REPORTS.validate_python(values)
    except ValidationError as error:
        raise _named(error, start) from error


def measure(value: Any) -> None:
    """Raise ValueError for what is too large for one event, or nested too deep for the log."""
    try:
        size = len(orjson.dumps([[[[[[[[value]]]]]]]]))
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise ValueError("it is nested too deep") from error
    if size > LONGEST_REPORT_BYTES + 2 * ROOM:
        raise ValueError(f"it has more than {LONGEST_REPORT_BYTES} bytes")


def _named(error: ValidationError, start: int) -> InvalidReport:
    """Return what is wrong with the first bad report, and which it is."""
    first = error.errors(include_url=False, include_input=False)[0]
    index, *where = first["loc"]
    place = ".".join(str(part) for part in where[1:])  # the first is its type
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "there is no such field, or it is the server's to say"
    elif first["type"] == "union_tag_invalid":
        told = str(first["ctx"]["tag"])[:64]
        message = f"{told} is not reported; {', '.join(REPORT_TYPES)} are"
    elif first["type"] == "union_tag_not_found":
        message = "it has no type"
    return InvalidReport(
        index=start + int(index), what=f"{place[:200]}: {message}" if place else message
    )
