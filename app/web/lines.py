"""PUT /up/{filename}: a file in, and what happens to it back as lines of plain text, for curl."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson
from aiohttp import web

from app.core.errors import ShuttingDown, TooManyConnections
from app.core.names import one_line
from app.core.permissions import obstacle
from app.core.rooms import Room
from app.keys import DATABASE, HUB, SETTINGS
from app.live.polls import Poll
from app.store.events import Recorded, read_room
from app.store.idempotency import Answer
from app.store.jobs import get_job
from app.store.retention import floor_of_room
from app.web.batches import Intake, brought_once, take_in
from app.web.identity import origin_of, owner_for, viewer_of
from app.web.problems import PLAIN, in_words
from app.web.seats import demand_seat
from app.web.uploads import UploadOptions, receiving_one
from app.web.wire import read_query

PAGE_EVENTS = 200
HEADERS = {
    **PLAIN,
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold lines back until it has a bufferful
}
ENDS = {"completed": "Done", "error": "Failed", "cancelled": "Cancelled"}
"""A job's status at its end -> the word that the last line begins with."""
NOT_YET = "Waiting"  # the word where the lines end before the job


async def put(request: web.Request) -> web.StreamResponse:
    """PUT /up/{filename}: take the body in as one file, and tell what happens to it to its end.

    Once the file is safe nothing is an error any more: who can not be told is told where to look.
    Whether it may listen, and has a connection left for that, is known before the file travels.
    """
    viewer, options = owner_for(request, "upload"), read_query(request, UploadOptions)
    why = obstacle(viewer, "listen")
    if not why:
        demand_seat(request, viewer)

    async def one_file(request: web.Request, intake: Intake) -> Answer:
        async with receiving_one(request, request.match_info["filename"], options) as arrived:
            return await take_in(request.app, intake, arrived.files, arrived.options)

    accepted = orjson.loads((await brought_once(request, one_file)).body)
    job = accepted["jobs"][0]
    address = one_line(f"{origin_of(request)}/jobs/{job['job_id']}")
    headers = {**HEADERS, "Location": f"/api/v1/jobs/{job['job_id']}"}
    if not why:
        try:
            demand_seat(request, viewer)
        except (TooManyConnections, ShuttingDown) as error:
            why = str(error)
    if why:
        line = f"{NOT_YET}: {job['filename']} is here and safe. Not followed: {why}. See {address}"
        return web.Response(body=_text(line), status=202, headers=headers)
    return await _follow(request, Room("job", job["job_id"]), address, headers)


async def _follow(
    request: web.Request, room: Room, address: str, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Answer with the messages of a job until it ends, or nobody may hear them any more.

    Nothing waits until the connection is counted. Nothing is held but a page of the log.

    Raises ConnectionResetError when the client has left, or takes nothing.
    """
    response = web.StreamResponse(headers=headers)
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has left")
    app, told = request.app, _Told()
    hub, reader, settings = app[HUB], app[DATABASE].reader, app[SETTINGS]
    after = 0

    async def say(text: bytes) -> None:
        try:
            async with asyncio.timeout(settings.websocket_connection_timeout):
                await response.write(text)
        except TimeoutError as error:
            transport.abort()
            raise ConnectionResetError("the client takes nothing") from error

    with hub.polls.waiting(Poll(viewer_of(request), room, None, transport)) as poll:
        await response.prepare(request)
        await say(_text(f"Job: {address}"))
        while not transport.is_closing():
            poll.news.clear()
            head = hub.head
            # What is in the log is told first, also to those who are sent away.
            events = await read_room(reader, room, after, head, PAGE_EVENTS)
            end = told.hear(events)
            if told.lines:
                await say(b"".join(told.take()))
            if len(events) == PAGE_EVENTS:
                after = events[-1].seq
                continue
            if end is None and after < await floor_of_room(reader, room):
                job = await get_job(reader, room.id)  # events go only of jobs that have ended
                end = None if job is None else _end_of(job.state)
            after = head
            if end is None and (hub.closing or poll.is_over):
                cause = (
                    "The server restarts"
                    if hub.closing
                    else "What you came by has changed or ended"
                )
                end = f"{NOT_YET}: {cause}, and the work goes on. See {address}"
            if end is not None:
                await say(_text(end))
                break
            with suppress(TimeoutError):  # then it is seen whether the client is still there
                async with asyncio.timeout(settings.websocket_heartbeat_interval):
                    await poll.news.wait()
    return response


class _Told:
    """What becomes lines, and what the last line would be if nothing more happened."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._said = ""
        self._end: str | None = None

    def hear(self, events: Sequence[Recorded]) -> str | None:
        """Make lines of `events`, and return the last line if the job has ended, so far.

        What a job says at its end is its last line, unless it goes on: it was tried again.
        """
        for event in events:
            fact = orjson.loads(event.body)
            self._end = _end_of(fact)
            if self._end is None and fact["message"] != self._said:
                self._said = fact["message"]
                self.lines.append(_text(self._said))
        return self._end

    def take(self) -> list[bytes]:
        """Return the lines that were not taken yet."""
        lines, self.lines = self.lines, []
        return lines


def _end_of(fact: Mapping[str, Any]) -> str | None:
    """Return the last line, when an event or a job's state says that the job has ended."""
    word = ENDS.get(fact["status"])
    if word is None:
        return None
    error = fact.get("error")
    said = fact["message"] if error is None else in_words(error)
    return f"{word}: {said}"


def _text(line: str) -> bytes:
    return one_line(line).encode() + b"\n"
