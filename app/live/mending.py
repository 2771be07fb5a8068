"""States of jobs instead of their events: asked for, or because the log no longer holds those."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.core.protocol import Snapshot, Truncated
from app.core.state import JobState
from app.live.formats import Said, chunks
from app.live.ports import Source
from app.live.subscription import Subscription

if TYPE_CHECKING:
    from app.live.session import Session


async def send_snapshot(session: "Session", source: Source, subscription: Subscription) -> None:
    """Write some states of the room's jobs; what they already hold is not told again.

    They are read as fast as the client takes them: nothing is held for it while it does not.
    """
    states = await source.snapshot(subscription.room, subscription.told_job)
    states = states[: subscription.states]
    if not states:
        subscription.states = 0
        return
    await source.told(max(state["last_seq"] for state in states))
    for state in _show(session, subscription, states):
        subscription.hold(state, subscription.cursor)
        subscription.told_job = state["job_id"]
        subscription.states -= 1


async def mend(session: "Session", source: Source, subscription: Subscription) -> None:
    """Say that the log does not reach back, and write some states of the jobs gone from it.

    More may be pruned until the read begins: then there is more to tell, or again from
    further back.
    """
    room = subscription.room
    if subscription.floor is None:
        subscription.floor = await source.floor(room)
        return
    if subscription.truncated < subscription.floor:
        subscription.truncated = subscription.floor
        subscription.announced = False
        oldest = subscription.floor + 1
        session.say(Truncated(id=subscription.ask_id, room=str(room), oldest=oldest))
    after = subscription.mended_from
    jobs = await source.pruned(room, after)
    if subscription.mended_from < after:
        return
    if not jobs:  # all were told; nothing was pruned since the last look
        subscription.mended = subscription.floor
        return
    shown = _show(session, subscription, [job.state for job in jobs])
    for job in jobs[: len(shown)]:
        subscription.hold(job.state, job.pruned_upto)
        subscription.mended = job.pruned_upto


def _show(
    session: "Session", subscription: Subscription, states: Sequence[JobState]
) -> Sequence[JobState]:
    """Write the first of `states`, as many as the transport takes; return which."""
    room, upto = str(subscription.room), session.told_upto
    messages = [Said(upto, "snapshot", Snapshot.of(room, state).encoded()) for state in states]
    shown = 0
    for chunk in chunks(messages, session.form):
        if session.line.writing_paused or _is_over(session, subscription):
            break
        session.put(chunk.data)
        shown += chunk.events
    return states[:shown]


def _is_over(session: "Session", subscription: Subscription) -> bool:
    return session.is_closing() or session.subscriptions.get(subscription.room) is not subscription
