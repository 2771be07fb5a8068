"""How far a file has come that is still on its way: when that is worth telling, and the event."""

import time
from collections.abc import Awaitable, Callable

from app.core.events import UploadProgress
from app.core.messages import friendly_message
from app.live.journal import Journal

TELL_S = 1.0  # between two events of one file
TELL_SHARE = 0.01  # of the file
TELL_BYTES = 16 * 1024 * 1024  # where its size is not known


class Pace:
    """Remembers what was told last of one file, so that a log is not filled with it.

    Nothing is told in the first second: most files are there by then.
    """

    def __init__(self) -> None:
        self._told_bytes = 0
        self._told_s = time.monotonic()

    def is_news(self, received_bytes: int, total_bytes: int | None) -> bool:
        """Tell whether it is time to tell again; then it counts as told."""
        step = TELL_BYTES if total_bytes is None else total_bytes * TELL_SHARE
        now_s = time.monotonic()
        if now_s - self._told_s < TELL_S or received_bytes - self._told_bytes < step:
            return False
        self._told_s, self._told_bytes = now_s, received_bytes
        return True


def upload_progress(
    filename: str,
    received_bytes: int,
    total_bytes: int | None,
    *,
    batch_id: str | None = None,
    upload_id: str | None = None,
) -> UploadProgress:
    """Return how far a file has come, as an event of its batch, if it has one yet."""
    facts: dict[str, object] = {"filename": filename, "arrived": received_bytes}
    if total_bytes is not None:
        facts["size"] = total_bytes
    share = 100 * received_bytes / total_bytes if total_bytes else None
    return UploadProgress(
        batch_id=batch_id,
        upload_id=upload_id,
        filename=filename,
        bytes_received=received_bytes,
        bytes_total=total_bytes,
        progress=None if share is None else min(100.0, round(share, 1)),
        message=friendly_message("uploading", facts),
        details=facts,
    )


BatchOf = Callable[[], Awaitable[str | None]]
"""Which batch the files on their way belong to; None while it has no id, or nobody knows it."""


async def no_batch_yet() -> None:
    """A batch has its id once all of its files are there."""


class Telling:
    """Tells the owner of one request's files how far they have come.

    total_bytes  of the whole body; None while unknown
    batch_of     must name a batch of this user's, or raise: its listeners are told
    """

    def __init__(
        self, journal: Journal, user_id: str, total_bytes: int | None, batch_of: BatchOf
    ) -> None:
        self._journal = journal
        self._user_id = user_id
        self._total_bytes = total_bytes
        self._batch_of = batch_of
        self._received_bytes = 0
        self._pace = Pace()

    async def heard(self, size_bytes: int, filename: str) -> None:
        """More of the body is here. `filename`: of the latest file; "" for none."""
        self._received_bytes += size_bytes
        if filename and self._pace.is_news(self._received_bytes, self._total_bytes):
            told = upload_progress(
                filename,
                self._received_bytes,
                self._total_bytes,
                batch_id=await self._batch_of(),
            )
            await self._journal.append(told, user_id=self._user_id)
