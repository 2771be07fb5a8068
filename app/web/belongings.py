"""What belongs to whom: the rows and rooms that requests name, as things to ask `may` about."""

from dataclasses import replace
from typing import TypeVar

from aiohttp import web
from aiosqlite import Connection

from app.core.errors import InvalidRequest, NotAllowed, NotFound
from app.core.permissions import Action, Thing, Viewer, may, may_follow, obstacle
from app.core.rooms import Room, parse_room
from app.keys import DATABASE
from app.live.journal import Journal
from app.store.batches import BatchRow, get_batch
from app.store.jobs import JobRow, owner_of_job

Row = TypeVar("Row", JobRow, BatchRow)


def demand(viewer: Viewer, action: Action, row: Row | None, what: str) -> Row:
    """Return `row` when `viewer` may do `action` to it; None is what does not exist.

    Raises NotFound, also for somebody else's; NotAllowed for what is seen by a share link, but
    not to be changed by it.
    """
    thing = thing_of(row)
    if row is not None and may(viewer, action, thing):
        return row
    if viewer.guest is not None and thing is not None and may(viewer.guest, "read", thing):
        raise NotAllowed(why=obstacle(viewer.guest, action))
    raise NotFound(what=what, is_foreign=thing is not None)


def guest_of(viewer: Viewer, thing: Thing | None) -> Viewer | None:
    """Return the guest as whom `viewer` sees `thing`; None when it is theirs to see anyway."""
    if viewer.shared is not None:
        return viewer
    return None if may(replace(viewer, guest=None), "read", thing) else viewer.guest


def thing_of(row: JobRow | BatchRow | None) -> Thing | None:
    """Return whose `row` is and where it lies; None for none."""
    if row is None:
        return None
    if isinstance(row, JobRow):
        return Thing(row.user_id, row.batch_id, row.id)
    return Thing(row.user_id, row.id)


def belonging_at_hand(journal: Journal, room: Room) -> Thing | None:
    """Return what `room` is about, where that needs no look into the database; else None."""
    match room.kind:
        case "user":
            return Thing(room.id)
        case "job":
            known = journal.known_job(room.id)
            return None if known is None else Thing(*known, room.id)
        case _:
            return None


async def belonging_of(reader: Connection, room: Room) -> Thing | None:
    """Return what `room` is about; None for what does not exist, and for `all`."""
    match room.kind:
        case "user":
            return Thing(room.id)
        case "job":
            owner = await owner_of_job(reader, room.id)
            return None if owner is None else Thing(*owner, room.id)
        case "batch":
            return thing_of(await get_batch(reader, room.id))
        case _:
            return None


async def followed_room(request: web.Request, viewer: Viewer, name: str) -> Room:
    """Return the room called `name`. Raises InvalidRequest, NotFound also for somebody else's."""
    try:
        room = parse_room(name, viewer.user_id)
    except ValueError as error:
        raise InvalidRequest(what=str(error)) from error
    thing = await belonging_of(request.app[DATABASE].reader, room)
    if not may_follow(viewer, room, thing):
        raise NotFound(what="room", is_foreign=thing is not None)
    return room
