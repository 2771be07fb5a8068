"""Telling that stored rows were changed by hand."""

from collections.abc import Mapping

from aiohttp import web

from app.core.events import RowsEdited
from app.core.messages import friendly_message
from app.keys import DATABASE, JOURNAL, RECORDS
from app.store.jobs import get_job
from app.web.identity import viewer_of


async def tell_of_rows(request: web.Request, jobs: Mapping[str, int]) -> None:
    """Tell whoever follows these jobs that so many of their rows were changed."""
    by = viewer_of(request).name
    drafts = []
    for job_id, rows in jobs.items():
        if await get_job(request.app[DATABASE].reader, job_id) is None:  # deleted meanwhile
            continue
        counts = (await request.app[RECORDS].rows(job_id, limit=0)).counts
        drafts.append(
            RowsEdited(
                job_id=job_id,
                by=by,
                rows=rows,
                new_rows=counts["new"],
                existing_rows=counts["known"],
                review=counts["review"],
                message=friendly_message("rows_edited", {"rows": rows}),
            )
        )
    if drafts:
        await request.app[JOURNAL].append(*drafts)
