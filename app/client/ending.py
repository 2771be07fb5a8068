"""Following a job or a batch until all of it has ended, and everything of it was told."""

import asyncio
from collections.abc import AsyncIterator

from app.client.errors import Refused, Unreachable
from app.client.following import Caught, Following, Position, Told, job_or_batch
from app.client.http import AGAIN, Http, wait_s
from app.core.events import FINISHED

GONE = 404
ENDS = {
    "job": frozenset({"processing_completed", "processing_failed", "job_cancelled"}),
    "batch": frozenset({"batch_completed"}),
}


async def told_until_done(
    http: Http, room: str, after: Position | int | None
) -> AsyncIterator[Told]:
    """Yield what is told of a job or a batch, to the last event of its end.

    Raises ValueError for another room, which has no end, and what following raises.
    """
    kind, _ = job_or_batch(room)
    async with Following(http, room, after, None) as following:
        caught_up, last = False, None
        while True:
            told = await following.next()
            if isinstance(told, Caught):
                caught_up = True
            else:
                yield told
            place = following.position
            if not caught_up or place is None:
                continue
            may_be_over = isinstance(told, Caught) or getattr(told, "type", "") in ENDS[kind]
            if may_be_over or (last is not None and place.seq >= last):
                last = await _last_place(http, room, place)
                if last is not None and last <= place.seq:
                    return


async def _last_place(http: Http, room: str, place: Position) -> int | None:
    """Return where the newest event of a room is once its work has ended; None before that.

    It may lie past `place`, up to which was told: an end that is seen here is told a moment later.
    """
    failures = 0
    while True:
        try:
            if not FINISHED.issuperset(await _statuses(http, room)):
                return None
            query = {"room": room, "after": place.seq, "log": place.log, "limit": 1000}
            events = (await http.ask("GET", "events/history", query=query))["events"]
            return events[-1]["seq"] if events else place.seq
        except (Unreachable, Refused) as error:  # waited out, as following does
            if isinstance(error, Refused) and error.status == GONE:
                return place.seq  # it was there, and was deleted
            if isinstance(error, Refused) and error.status not in AGAIN:
                raise
            await asyncio.sleep(wait_s(failures))
            failures += 1


async def _statuses(http: Http, room: str) -> list[str]:
    """Return which statuses there are among the jobs of `room`."""
    kind, ident = job_or_batch(room)
    if kind == "job":
        return [(await http.ask("GET", f"jobs/{ident}"))["status"]]
    counts = (await http.ask("GET", f"batches/{ident}"))["counts"]
    return [status for status, count in counts.items() if count]
