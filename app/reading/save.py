"""The step storing: a file's rows into records.db in one transaction; and taking them back."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import polars as pl

from app.core.duplicates import decision_of
from app.core.reading import Task, Tell
from app.reading.answered import keep_answers
from app.reading.delta import SLICE_ROWS, in_slices, parts_of
from app.reading.parts import Parts
from app.store.documents_alike import empty_filled
from app.store.records import get_import
from app.store.records_bulk import (
    CELLS,
    begin_import,
    finish_import,
    insert_keys,
    insert_labels,
    insert_rejected,
    insert_rows,
    known_rows,
    undo_import,
)
from app.store.records_memory import forget_taught_by
from app.store.records_schema import ROW_BITS, reading_records, writing_records

ROW_WORK, KEY_WORK = 10, 5  # what writing a row takes, and later its key with the commit; measured


def store(task: Task, tell: Tell) -> dict[str, Any]:
    """Store all rows of a file at once; a job that stored before stores nothing again.

    Rows that earlier files hold are marked as known, unless they are to be kept: then they are
    stored as new all the same. Returns stored, known and rejected. Raises StorageFull.
    """
    job_id = task["job_id"]
    with reading_records(task["records_path"]) as connection:
        if done := _done(connection, job_id):
            return done
    parts = parts_of(task, tell)
    found = task["found"]["field_detection"]
    keep = decision_of(task) == "keep"
    with writing_records(task["records_path"]) as connection:
        # Meanwhile the last worker of a server that was killed may have stored them.
        if done := _done(connection, job_id):
            return done
        keys = parts.keys()
        seen = pl.DataFrame(
            known_rows(connection, task["user_id"], in_slices(keys)),
            schema={"n": pl.Int64, "seen": pl.Int64},
            orient="row",
        )
        import_id = begin_import(
            connection,
            job_id=job_id,
            user_id=task["user_id"],
            columns=[column["name"] for column in found["columns"]],
            has_amounts=bool(found["has_amounts"]),
        )
        keep_answers(connection, task)
        base = import_id << ROW_BITS
        rows = int(parts.summary["rows"])
        insert_labels(connection, import_id, parts.labels())
        done_rows = worked = 0
        # The keys of rows that are known stay with the rows that brought them.
        keys = keys.join(seen, on="n", how="anti", maintain_order="left")
        work = rows * ROW_WORK + keys.height * KEY_WORK
        for part in _with_seen(parts, seen, keep=keep):
            present = [n for n in CELLS if n in part and part[n].null_count() < part.height]
            frame = part.select(pl.col("n") + base, *present)
            insert_rows(connection, present, in_slices(frame))
            done_rows += part.height
            worked += part.height * ROW_WORK
            tell(worked, work, rows_done=done_rows, rows_total=rows)
        for part in keys.iter_slices(SLICE_ROWS):
            insert_keys(connection, in_slices(part.select("key", pl.col("n") + base)))
            worked += part.height * KEY_WORK
            tell(worked, work, rows_done=rows, rows_total=rows)
        rejected = insert_rejected(connection, import_id, parts.rejected())
        known = 0 if keep else seen.height
        finish_import(connection, import_id, stored=rows - known, known=known, rejected=rejected)
    return {"stored": rows - known, "known": known, "rejected": rejected}


def _done(connection: sqlite3.Connection, job_id: str) -> dict[str, Any] | None:
    """Return what storing returned when it was done before."""
    stored = get_import(connection, job_id)
    if stored is None:
        return None
    return {"stored": stored.stored, "known": stored.known, "rejected": stored.rejected}


def _with_seen(parts: Parts, seen: pl.DataFrame, *, keep: bool) -> Iterator[pl.DataFrame]:
    """Yield parts with what earlier files say of each row: seen, and known unless it is kept."""
    for part in parts.frames():
        if not seen.is_empty():
            part = part.join(seen, on="n", how="left", maintain_order="left")
            if not keep:
                part = part.with_columns(known=pl.col("seen").is_not_null().cast(pl.Int64))
        yield part


def undo(task: Task, tell: Tell) -> dict[str, Any]:
    """Take back what the job stored, as if it had never been there. Returns rows, the new ones.

    The fields that it brought to another job's document go, too, and what its answers taught: who
    takes a file back may have answered wrongly.
    """
    with writing_records(task["records_path"]) as connection:
        empty_filled(connection, task["job_id"])
        forget_taught_by(connection, task["user_id"], task["job_id"])
        return {"rows": undo_import(connection, task["job_id"])}
