"""The step extracting: all rows of a table as typed columns, in parts that later steps load."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from app.core.notices import RejectedRows
from app.core.reading import Task, Tell
from app.core.unreadable import TooManyRows
from app.reading.columns import Column
from app.reading.frames import plain_frame
from app.reading.parts import PartWriter
from app.reading.sellers import with_kinds
from app.reading.tables import TableShape, read_rows
from app.reading.typed import Rejected, fit_rows, type_rows
from app.reading.unlocked import path_of

PART_ROWS = 50_000


def extract(task: Task, tell: Tell) -> dict[str, Any]:
    """Read all rows and leave them in the job's work folder, see parts.PartWriter.

    Returns rows (readable ones), rejected, parts, first_date, last_date and currencies.
    Raises TooManyRows and LineTooLong. Warns RejectedRows.
    """
    found = task["found"]["field_detection"]
    columns = with_kinds((Column(**column) for column in found["columns"]), task["found"])
    has_amounts = bool(found["has_amounts"])
    writer = PartWriter(Path(task["work_dir"]), task["user_id"])
    done = 0
    with _no_collections():
        for part in _in_parts(task, tell, columns, has_amounts=has_amounts):
            frame, misfits = part.frame, part.misfits
            done += frame.height + len(misfits)
            if done > task["limits"]["max_rows"]:
                raise TooManyRows(filename=task["filename"], limit=task["limits"]["max_rows"])
            rows, rejected = type_rows(frame, columns, has_amounts=has_amounts)
            writer.add(rows, sorted([*misfits, *rejected], key=lambda row: row.line))
            tell(
                min(part.bytes_done, task["size"]),
                task["size"],
                rows_done=done,
                rows_total=done if part.last else None,
            )
        summary = writer.finish()
    if summary["rejected"]:
        rows = summary["rows"] + summary["rejected"]
        tell.warn(RejectedRows(rejected=summary["rejected"], rows=rows))
    return summary


class _Part(NamedTuple):
    """About PART_ROWS rows: those of the table's width, and the misfits.

    bytes_done  how much of the file was read up to here
    last        there is nothing behind it, for certain; without it nobody knows
    """

    frame: pl.DataFrame
    misfits: list[Rejected]
    bytes_done: int
    last: bool = False


def _in_parts(
    task: Task, tell: Tell, columns: list[Column], *, has_amounts: bool
) -> Iterator[_Part]:
    """Yield the table's rows part by part.

    Warns of what detect_shape could not count yet in the rows it looked at.
    """
    found = task["found"]["field_detection"]
    shape = TableShape.from_json(found["shape"])
    usual = Counter(map(len, found["sample"])).most_common(1)[0][0]
    path, limits, name = path_of(task), task["limits"], task["filename"]
    plain = plain_frame if shape.width == len(columns) else None
    frames: list[pl.DataFrame] = []
    misfits: list[Rejected] = []
    height = 0
    source = read_rows(path, shape, limits, name, as_frame=plain)
    for chunk in source:
        if chunk.frame is None:
            frame, odd = fit_rows(
                chunk.lines, chunk.rows, columns, has_amounts=has_amounts, usual_width=usual
            )
            misfits.extend(odd)
        else:
            lines = pl.Series("line", chunk.lines, dtype=pl.Int64)
            frame = chunk.frame.insert_column(0, lines)
        frames.append(frame)
        height += frame.height
        if height >= PART_ROWS or len(misfits) >= PART_ROWS:
            yield _Part(pl.concat(frames, rechunk=True), misfits, chunk.bytes_done)
            frames, misfits, height = [], [], 0
    if frames:
        yield _Part(pl.concat(frames, rechunk=True), misfits, task["size"], last=True)
    for notice in source.notices():
        tell.warn(notice)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Rows are lists of strings in no cycle: looking through them for cycles costs seconds."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
