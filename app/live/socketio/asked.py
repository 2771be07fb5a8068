"""Questions that are open when somebody begins to listen: who was away did not hear them."""

from dataclasses import asdict
from typing import Any

from aiosqlite import Connection

from app.core.rooms import Room
from app.core.times import iso_from_ms
from app.store.clarifications import list_clarifications
from app.store.events import last_before

QUESTIONS_AT_MOST = 20
"""Of one room, the newest. Of more than that a list is asked for."""


async def open_questions(db: Connection, room: Room, head: int) -> list[dict[str, Any]]:
    """Return what was told of the open questions of a job or batch, oldest first.

    head  nothing past it was told; the `seq` of a question is a place before any was asked
    """
    ids = {"job_id": room.id} if room.kind == "job" else {"batch_id": room.id}
    found = await list_clarifications(db, **ids, state="open", limit=QUESTIONS_AT_MOST)
    place = await last_before(db, found[-1].asked_ms, head) if found else 0
    return [
        {
            "type": "clarification_requested",
            "job_id": one.job_id,
            "seq": place,
            "timestamp": iso_from_ms(one.asked_ms),
            "clarification_id": one.id,
            "question": one.question.text,
            "choices": [asdict(choice) for choice in one.question.choices],
            "default": one.question.default,
            "expires_at": iso_from_ms(one.expires_ms),
        }
        for one in reversed(found)
    ]
