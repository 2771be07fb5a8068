"""The step delta_analysis: how many of a file's rows its owner's earlier files hold already."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from app.core.reading import Task, Tell
from app.reading.extract import extract
from app.reading.parts import Parts
from app.store.records_bulk import known_rows
from app.store.records_schema import reading_records

SLICE_ROWS = 50_000


def parts_of(task: Task, tell: Tell) -> Parts:
    """Return what extracting left; extracted again when it is gone from the work folder."""
    folder = Path(task["work_dir"])
    try:
        return Parts(folder)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        extract(task, tell)
        return Parts(folder)


def compare(task: Task, tell: Tell) -> dict[str, Any]:
    """Return new_rows and existing_rows. Nothing is written."""
    parts = parts_of(task, tell)
    rows = int(parts.summary["rows"])
    with reading_records(task["records_path"]) as connection:
        keys = told(in_slices(parts.keys()), tell, rows)
        known = sum(1 for _ in known_rows(connection, task["user_id"], keys))
    tell(rows, rows, rows_done=rows, rows_total=rows)
    return {"new_rows": rows - known, "existing_rows": known}


def in_slices(frame: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a frame as tuples, made some thousands at a time."""
    return chain.from_iterable(
        zip(*(column.to_list() for column in part.get_columns()), strict=True)
        for part in frame.iter_slices(SLICE_ROWS)
    )


def told(rows: Iterator[tuple[Any, ...]], tell: Tell, total: int) -> Iterator[tuple[Any, ...]]:
    """Pass rows on, telling how many have passed."""
    for done, row in enumerate(rows, 1):
        if done % SLICE_ROWS == 0:
            tell(done, total, rows_done=done, rows_total=total)
        yield row
