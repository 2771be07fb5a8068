"""Following a room: every event once, in order, across cuts and restarts, and the proof of it."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import aiohttp
from pydantic import ValidationError

from app.client.errors import Incomplete, Refused, Unreachable
from app.client.http import AGAIN, Http, read, wait_s, why
from app.core.events import AnyEvent, Event, parse_event
from app.core.names import one_line
from app.core.state import JobState

CONNECT_S = 15.0
SILENCES = 2.5  # heartbeats that may be missed
POLL_S = 50
POLLED_AT_ONCE = 500
POLLED_FOR_S = 300.0
TOLD_AFTER = 3  # failures in a row: a restart is nothing to speak of
HOLES_AT_MOST = 3  # a hole that is still there then is no accident of one connection
# What an upgrade is answered with where no WebSocket gets through: switched off, or a proxy.
NO_SOCKETS = frozenset({200, 400, 404, 405, 409, 426, 501, 502})
AUTHENTICATION, PERMISSION, CROWD = 4001, 4003, 4009
FULL, FULL_S = 429, 10.0
HINT = re.compile(r"retry_after=(\d+(?:\.\d+)?)", re.ASCII)
LONGEST_APART_S = 60.0

logger = logging.getLogger(__name__)


class Position(NamedTuple):
    """A place in a log: what to keep, to go on from there another day. As text `<log>:<seq>`."""

    log: str
    seq: int

    def __str__(self) -> str:
        return f"{self.log}:{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Return the position that `text` is. Raises ValueError."""
        log, colon, seq = text.rpartition(":")
        if not colon or not seq.isdecimal():
            raise ValueError(f"not a position: {text!r}; one looks like <log>:<seq>")
        return cls(log, int(seq))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of one job, told where its events are gone: see `truncated` and `reset`."""

    job_id: str
    state: JobState


Told = AnyEvent | Event | Snapshot
"""An event of the catalogue, one of a type that this version does not know, or a state."""


class Caught(NamedTuple):
    """Everything that there was is told; what comes now happens now."""

    seq: int


class Following:
    """Iterates over what is told in a room, for ever. Cancel it, or close it, to stop.

    Cuts, restarts and refusals for want of room are waited out; that nobody is let in is raised.
    Of each job the events come in order of n without a hole, each once: a hole makes it ask again
    from the last whole place, and raise Incomplete when it is still there. (With `types` events
    are left out on purpose, and nothing can be proved.)
    """

    def __init__(
        self,
        http: Http,
        room: str,
        after: Position | int | None,
        types: Collection[str] | None,
    ) -> None:
        """after: where to go on from; 0 from the start, None from now on."""
        self._http = http
        self.room = room
        self._log = after.log if isinstance(after, Position) else None
        self._seq = after.seq if isinstance(after, Position) else after
        self._types = sorted(types) if types else None
        self.heard: dict[str, int] = {}
        """Of each job, up to which n everything was heard; the proof that nothing is missing."""
        self._from_start = after == 0
        self._holes = 0
        self._polls = False  # no socket got through
        self._apart_s: float | None = None  # a server that restarts keeps its crowd apart
        self._told = self._without_end()

    @property
    def position(self) -> Position | None:
        """Everything up to here was told; None before the server was reached."""
        return None if self._log is None or self._seq is None else Position(self._log, self._seq)

    def __aiter__(self) -> AsyncIterator[Told]:
        return self

    async def __anext__(self) -> Told:
        while True:
            told = await anext(self._told)
            if not isinstance(told, Caught):
                return told

    async def next(self) -> Told | Caught:
        """Return what comes next; also that everything that there was is told."""
        return await anext(self._told)

    async def close(self) -> None:
        """Stop listening."""
        await self._told.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _without_end(self) -> AsyncGenerator[Told | Caught]:
        failures = 0
        while True:
            polls, self._polls = self._polls, False
            try:
                async for told in self._polling() if polls else self._listening():
                    failures = 0
                    yield told
                pause_s, said = self._apart_s or wait_s(failures), "the connection was ended"
            except aiohttp.WSServerHandshakeError as error:
                if error.status in (401, 403):
                    self._explain(AUTHENTICATION if error.status == 401 else PERMISSION, None)
                self._polls = error.status in NO_SOCKETS
                pause_s, said = 0.0 if self._polls else wait_s(failures), f"status {error.status}"
            except Refused as error:
                if error.status not in AGAIN:
                    raise
                usual_s = FULL_S if error.status == FULL else wait_s(failures)
                pause_s, said = error.retry_after_s or usual_s, str(error)
            except (aiohttp.ClientError, OSError, TimeoutError, Unreachable) as error:
                pause_s, said = wait_s(failures), why(error)
            failures += 1
            if failures == TOLD_AFTER:
                url, said = self._http.url, one_line(said)
                logger.warning("%s does not answer, and is asked again: %s", url, said)
            await asyncio.sleep(pause_s)

    # By WebSocket

    async def _listening(self) -> AsyncGenerator[Told | Caught]:
        http = self._http
        self._apart_s = None
        async with asyncio.timeout(CONNECT_S):
            socket = await http.session.ws_connect(http.address("/ws"), max_msg_size=0)
        async with socket:
            patience_s, log = CONNECT_S, ""
            while True:
                frame = await socket.receive(timeout=patience_s)
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    self._explain(socket.close_code, frame.extra)
                    self._apart_s = apart_s(frame.extra)
                    return
                for line in frame.data.split("\n"):
                    message = json.loads(line)
                    if message["type"] == "welcome":
                        log = message["log"]
                        patience_s = message["heartbeat"] * SILENCES
                        await socket.send_json(self._ask(log))
                    for told in self._take(message, line, log):
                        yield told

    def _ask(self, log: str) -> dict[str, Any]:
        ask: dict[str, Any] = {"op": "subscribe", "id": 1, "room": self.room}
        if self._seq is not None:
            ask |= {"after": self._seq, "log": self._log or log}
        if self._types:
            ask["types"] = self._types
        return ask

    def _take(self, message: dict[str, Any], line: str, log: str) -> list[Told | Caught]:
        match message["type"]:
            case "subscribed":
                if self._seq is None:
                    self._reach(log, message["head"])
            case "reset":  # the place stays with its log until `live`: a cut before is one again
                self.heard.clear()
            case "snapshot":
                return [self._folded(message["state"])]
            case "live":
                self._reach(log, message["seq"])
                return [Caught(message["seq"])]
            case "error":
                raise Refused(message["code"], message["message"])
            case _:
                if "timestamp" in message and "message" in message:
                    return self._event(message, line, log)
        return []

    def _explain(self, code: int | None, reason: str | None) -> None:
        """Raise what a close code means; return for one after which one comes back."""
        if code == AUTHENTICATION:
            raise Refused("not_authenticated", reason or "The token is not good", status=401)
        if code == PERMISSION:
            raise Refused("not_allowed", reason or "This is not allowed", status=403)
        if code == CROWD:
            raise Refused("too_many_connections", reason or "Too many connections", status=429)

    # By polling

    async def _polling(self) -> AsyncGenerator[Told | Caught]:
        """Ask again and again, for a while: what kept sockets from getting through may be over."""
        clock_s = asyncio.get_running_loop().time
        until_s = clock_s() + POLLED_FOR_S
        while clock_s() < until_s:
            page = await self._page()
            if self._seq is None:  # from now on
                self._reach(page["log"], page["head"])
                yield Caught(page["head"])
                continue
            if page["reset"]:
                self.heard.clear()
            if page["reset"] or page["truncated"]:
                async for state in states_of(self._http, self.room):
                    yield self._folded(state)
            for event in page["events"]:
                for told in self._event(event, json.dumps(event), page["log"]):
                    yield told
            self._reach(page["log"], page["after"])
            if not page["more"]:
                yield Caught(page["after"])

    async def _page(self) -> dict[str, Any]:
        wait = 0 if self._seq is None or self._log is None else POLL_S
        query = {
            "room": self.room,
            "after": self._seq or 0,
            "limit": POLLED_AT_ONCE,
            "wait": wait,
            "log": self._log,
            "types": ",".join(self._types) if self._types else None,
        }
        address = self._http.address("events/history")
        given = {key: str(value) for key, value in query.items() if value is not None}
        async with self._http.session.get(address, params=given) as answer:
            page: dict[str, Any] = await read(answer)
            return page

    # What was told

    def _reach(self, log: str, seq: int) -> None:
        """Everything up to `seq` was told. A place is kept with its log: neither goes without."""
        self._log, self._seq = log, seq

    def _event(self, event: dict[str, Any], line: str, log: str) -> list[Told | Caught]:
        job_id, n, seq = event["job_id"], event["n"], event["seq"]
        if job_id is not None and n is not None and self._types is None:
            # From the start a job begins with 1, unless its state came instead of what is gone.
            before = self.heard.get(job_id, 0 if self._from_start else None)
            if before is not None and n <= before:
                return []
            if before is not None and n > before + 1:
                self._holes += 1
                if self._holes > HOLES_AT_MOST:
                    raise Incomplete(
                        f"events {before + 1} to {n - 1} of the job {job_id} are missing"
                    )
                raise ConnectionError("a hole")  # asked for again from the last whole place
            self.heard[job_id] = n
            self._holes = 0
        self._reach(log, seq)
        return [typed(line)]

    def _folded(self, state: JobState) -> Snapshot:
        self.heard[state["job_id"]] = state["n"]
        return Snapshot(state["job_id"], state)


def apart_s(reason: str | None) -> float | None:
    """Return in how many seconds to come back: "restarting; retry_after=3.217". None: not said."""
    found = HINT.search(reason or "")
    return None if found is None else min(float(found[1]), LONGEST_APART_S)


def job_or_batch(room: str) -> tuple[str, str]:
    """Return which of the two `room` is, "job" or "batch", and its id. Raises ValueError."""
    kind, _, ident = room.partition(":")
    if kind not in ("job", "batch") or not ident:
        raise ValueError(f"{room!r} is no job and no batch; name one as job:<id> or batch:<id>")
    return kind, ident


def typed(body: str | bytes) -> AnyEvent | Event:
    """Return the event that `body` holds; a plain Event where its type is newer than this."""
    raw = body.encode() if isinstance(body, str) else body
    try:
        return parse_event(raw)
    except ValidationError:
        return Event.model_validate_json(raw)


async def states_of(http: Http, room: str) -> AsyncIterator[JobState]:
    """Yield the state of every job of a room, newest first.

    Raises ValueError for a room whose jobs are not listed, Refused, Unreachable.
    """
    query: dict[str, Any] = {"limit": 100}
    if room == "all":
        query["owner"] = "all"
    elif not await _is_own(http, room):
        kind, ident = job_or_batch(room)
        if kind == "job":
            yield await http.ask("GET", f"jobs/{ident}")
            return
        query["batch_id"] = ident
    while True:
        page = await http.ask("GET", "jobs", query=query)
        for state in page["jobs"]:
            yield state
        if page["next"] is None:
            return
        query["before"] = page["next"]


async def _is_own(http: Http, room: str) -> bool:
    kind, _, ident = room.partition(":")
    if kind != "user" or ident == "me":
        return kind == "user"
    me = await http.ask("GET", "auth/me")
    return bool(me["user_id"] == ident)
