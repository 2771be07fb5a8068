"""Which earlier job has stored the same already, by its bytes or by what was read."""

from collections.abc import Mapping
from typing import Any

from app.core.asking import Asking
from app.core.duplicates import decision_of
from app.core.reading import Task
from app.core.state import JobState
from app.pipeline.shop import Shop
from app.pipeline.steps.duplicate_check import ask_about_copy
from app.store.jobs import JobRow, find_same_file, get_job


async def stored_before(shop: Shop, row: JobRow, task: Task) -> JobState | None:
    """Return the job that stored the very same bytes, unless they are to be read all the same.

    Raises Asking where a person is to decide.
    """
    decision = decision_of(task)
    if decision in ("keep", "merge"):
        return None
    earlier = await find_same_file(shop.database.reader, row.user_id, row.sha256, not_job_id=row.id)
    if earlier is not None and decision is None:
        raise Asking(ask_about_copy(task, earlier.state))
    return None if earlier is None else earlier.state


async def stored_elsewhere(shop: Shop, row: JobRow, found: Mapping[str, Any]) -> JobState | None:
    """Return the job whose document has all that is to be stored of this one, if any.

    found  what the step `likeness` found
    """
    earlier_id = found.get("duplicate_of")
    if earlier_id is None:
        return None
    earlier = await get_job(shop.database.reader, str(earlier_id))
    is_theirs = earlier is not None and earlier.user_id == row.user_id
    return earlier.state if earlier is not None and is_theirs else None
