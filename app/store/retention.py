"""What the log no longer holds: events of ended jobs, pruned whole; their last state is kept."""

from aiosqlite import Connection

from app.core.rooms import Room

OF_JOBS = "SELECT max(pruned_upto) FROM job WHERE pruned_upto > 0"
OF_BATCHES = "SELECT max(pruned_upto) FROM batch WHERE pruned_upto > 0"
FLOOR = {
    "all": f"SELECT max(ifnull(({OF_JOBS}), 0), ifnull(({OF_BATCHES}), 0))",
    "user": f"SELECT max(ifnull(({OF_JOBS} AND user_id = ?1), 0),"
    f" ifnull(({OF_BATCHES} AND user_id = ?1), 0))",
    "batch": f"SELECT max(ifnull(({OF_JOBS} AND batch_id = ?1), 0),"
    f" ifnull(({OF_BATCHES} AND id = ?1), 0))",
    "job": f"SELECT ifnull(({OF_JOBS} AND id = ?1), 0)",
}


async def floor_of_room(db: Connection, room: Room) -> int:
    """Return the place of the newest event of `room` that was pruned, 0 when none was.

    Everything of the room past it is in the log. Of what lies before it some may be gone: whoever
    asks for events past a lower place has to be told so.
    """
    rows = list(await db.execute_fetchall(FLOOR[room.kind], (room.id,) if room.id else ()))
    return int(rows[0][0])
