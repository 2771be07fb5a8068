"""Files that arrive piece by piece: what is known of them until they are a job's."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from aiosqlite import Connection

from app.core.errors import TooManyFiles, TooManyUploads

HOUR_MS = 3_600_000
AWAITED_MS = 600_000  # the end of a batch waits so long for an upload to which nothing comes


def kept_until_ms(now_ms: int, expires_h: float) -> int:
    """Return until when an upload is kept to which something comes now."""
    return now_ms + round(expires_h * HOUR_MS)


def awaited_ms(now_ms: int, expires_h: float) -> int:
    """Return until when an upload is kept that has just been quiet for too long to be waited for.

    It can still be resumed; its batch then ends once more.
    """
    return kept_until_ms(now_ms, expires_h) - AWAITED_MS


@dataclass(frozen=True, slots=True)
class UploadRow:
    """A file that a client sends in pieces, over as many requests as it takes.

    metadata      as it was sent
    length_bytes  of the whole file; None while the client does not know
    offset_bytes  so many are on the disk and count
    job_id        what became of it; None before every byte is there
    """

    id: str
    user_id: str
    batch_id: str
    filename: str
    metadata: str
    length_bytes: int | None
    offset_bytes: int
    job_id: str | None
    created_ms: int
    expires_ms: int

    @property
    def is_whole(self) -> bool:
        """Tell whether every byte is there."""
        return self.offset_bytes == self.length_bytes


COLUMNS = (
    "SELECT id, user_id, batch_id, filename, metadata, length_bytes, offset_bytes, job_id,"
    " created_ms, expires_ms FROM upload"
)


def _upload(row: Any) -> UploadRow:
    return UploadRow(*row)


# Inside the caller's transaction

OPEN_OF_USER = "SELECT count(*) FROM upload WHERE user_id = ? AND job_id IS NULL"
FILES_OF_BATCH = (
    "SELECT (SELECT count(*) FROM job WHERE batch_id = ?1)"
    " + (SELECT count(*) FROM upload WHERE batch_id = ?1 AND job_id IS NULL)"
)
INSERT = "INSERT INTO upload VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def insert_upload(
    connection: sqlite3.Connection, upload: UploadRow, *, open_at_most: int, files_at_most: int
) -> None:
    """Write a new upload.

    open_at_most   unfinished ones of one user
    files_at_most  in one batch

    Raises TooManyUploads, TooManyFiles.
    """
    (open_now,) = connection.execute(OPEN_OF_USER, (upload.user_id,)).fetchone()
    if open_now >= open_at_most:
        raise TooManyUploads(limit=open_at_most)
    (files,) = connection.execute(FILES_OF_BATCH, (upload.batch_id,)).fetchone()
    if files >= files_at_most:
        raise TooManyFiles(limit=files_at_most)
    values = (
        upload.id,
        upload.user_id,
        upload.batch_id,
        upload.filename,
        upload.metadata,
        upload.length_bytes,
        upload.offset_bytes,
        upload.job_id,
        upload.created_ms,
        upload.expires_ms,
    )
    connection.execute(INSERT, values)


def move_upload(connection: sqlite3.Connection, upload: UploadRow) -> None:
    """Write how far an upload has come, its length, and how long it is kept."""
    connection.execute(
        "UPDATE upload SET offset_bytes = ?, length_bytes = ?, expires_ms = ? WHERE id = ?",
        (upload.offset_bytes, upload.length_bytes, upload.expires_ms, upload.id),
    )


def complete_upload(connection: sqlite3.Connection, upload_id: str, job_id: str) -> None:
    """Write which job became of an upload."""
    connection.execute("UPDATE upload SET job_id = ? WHERE id = ?", (job_id, upload_id))


def delete_upload(connection: sqlite3.Connection, upload_id: str) -> int | None:
    """Forget an upload.

    Returns how many bytes of it are on the disk and count; None when there are none of its own any
    more: it became a job, or was forgotten before.
    """
    gone = connection.execute(
        "DELETE FROM upload WHERE id = ? RETURNING job_id, offset_bytes", (upload_id,)
    ).fetchone()
    return None if gone is None or gone[0] is not None else int(gone[1])


NEVER_BEGUN = """
    DELETE FROM batch
    WHERE begun = 0 AND created_ms < ?
        AND NOT EXISTS (SELECT 1 FROM upload WHERE batch_id = batch.id)
        AND NOT EXISTS (SELECT 1 FROM event WHERE batch_id = batch.id)
"""


def forget_unused_batches(connection: sqlite3.Connection, before_ms: int) -> None:
    """Forget batches that were given an id before then, and of which nothing ever came."""
    connection.execute(NEVER_BEGUN, (before_ms,))


# Reading


async def get_upload(db: Connection, upload_id: str) -> UploadRow | None:
    """Return the upload, or None when there is none with this id."""
    rows = list(await db.execute_fetchall(f"{COLUMNS} WHERE id = ?", (upload_id,)))
    return _upload(rows[0]) if rows else None


async def unfinished_uploads(db: Connection) -> dict[str, int]:
    """Return all uploads that are no job's yet: how many bytes count, by id."""
    rows = await db.execute_fetchall("SELECT id, offset_bytes FROM upload WHERE job_id IS NULL")
    return {row[0]: row[1] for row in rows}


async def whole_uploads(db: Connection) -> list[UploadRow]:
    """Return the uploads whose every byte is there, and that are no job's yet."""
    rows = await db.execute_fetchall(
        f"{COLUMNS} WHERE job_id IS NULL AND offset_bytes = length_bytes ORDER BY id"
    )
    return [_upload(row) for row in rows]


async def expired_uploads(db: Connection, now_ms: int) -> list[UploadRow]:
    """Return the uploads whose time is over, the oldest first."""
    rows = await db.execute_fetchall(
        f"{COLUMNS} WHERE expires_ms < ? ORDER BY expires_ms", (now_ms,)
    )
    return [_upload(row) for row in rows]


async def batches_not_awaited(db: Connection, awaited_ms: int) -> list[str]:
    """Return the batches to which an upload belongs whose batch does not wait for it any more."""
    rows = await db.execute_fetchall(
        "SELECT DISTINCT batch_id FROM upload WHERE job_id IS NULL AND expires_ms < ?",
        (awaited_ms,),
    )
    return [row[0] for row in rows]
