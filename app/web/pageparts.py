"""What the pages of many files and of one both show: a title, exports, as whose guest."""

from collections.abc import Sequence

from aiohttp import web

from app.core.errors import NotAuthenticated
from app.core.permissions import Thing, Viewer
from app.core.state import JobState
from app.core.times import iso_from_ms
from app.keys import DATABASE
from app.store.accounts import now_ms
from app.store.batches import BatchRow
from app.store.exports import list_exports
from app.store.shares import get_share
from app.web import views
from app.web.belongings import guest_of
from app.web.exportview import ExportLine, export_line
from app.web.identity import viewer_of

EXPORTS_SHOWN = 10


def batch_title(batch: BatchRow, jobs: Sequence[JobState]) -> str:
    """Return what a batch is called; one without a name after its files."""
    if batch.name:
        return batch.name
    first = min((job["filename"] for job in jobs), default="An upload")
    return first if len(jobs) < 2 else f"{first} and {len(jobs) - 1:,} more"


async def exports_shown(
    request: web.Request, *, job_id: str | None = None, batch_id: str | None = None
) -> tuple[ExportLine, ...]:
    """Return what whoever asks has exported of the job or batch, newest first."""
    found = await list_exports(
        request.app[DATABASE].reader,
        viewer_of(request).user_id,
        job_id=job_id,
        batch_id=batch_id,
        limit=EXPORTS_SHOWN,
    )
    return tuple(map(export_line, found))


async def guest_shown(
    request: web.Request, viewer: Viewer, thing: Thing | None
) -> views.Guest | None:
    """Return as whose guest `viewer` sees `thing`; None for somebody who sees it anyway.

    Raises NotAuthenticated when the share link has ended meanwhile.
    """
    guest = guest_of(viewer, thing)
    if guest is None:
        return None
    share = await get_share(request.app[DATABASE].reader, guest.via, now_ms())
    if share is None:
        raise NotAuthenticated
    return views.Guest(guest.name, iso_from_ms(share.expires_ms))
