"""The step extracting: all rows of a table as typed columns, in parts that later steps load."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.core.errors import TooManyRows
from app.core.notices import RejectedRows
from app.core.reading import Task, Tell
from app.reading.columns import Column
from app.reading.parts import PartWriter
from app.reading.tables import TableShape, read_rows
from app.reading.typed import type_rows

PART_ROWS = 50_000


def extract(task: Task, tell: Tell) -> dict[str, Any]:
    """Read all rows and leave them in the job's work folder, see parts.PartWriter.

    Returns rows (readable ones), rejected, parts, first_date, last_date and currencies.
    Raises TooManyRows and LineTooLong. Warns RejectedRows.
    """
    found = task["found"]["field_detection"]
    shape = TableShape.from_json(found["shape"])
    columns = [Column(**column) for column in found["columns"]]
    estimate = int(found["rows_estimate"])
    limit = task["limits"]["max_rows"]
    writer = PartWriter(Path(task["work_dir"]))
    done = 0
    for lines, rows in _batches(task, shape):
        done += len(rows)
        if done > limit:
            raise TooManyRows(filename=task["filename"], limit=limit)
        writer.add(type_rows(lines, rows, columns, has_amounts=found["has_amounts"]))
        total = max(done, estimate)
        tell(done, total, rows_done=done, rows_total=total)
    summary = writer.finish()
    if summary["rejected"]:
        tell.warn(RejectedRows(rejected=summary["rejected"], rows=done))
    return summary


def _batches(task: Task, shape: TableShape) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Yield (source lines, rows), about PART_ROWS at a time."""
    lines: list[int] = []
    rows: list[list[str]] = []
    for chunk in read_rows(Path(task["path"]), shape, task["limits"], task["filename"]):
        lines.extend(chunk.lines)
        rows.extend(chunk.rows)
        if len(rows) >= PART_ROWS:
            yield lines, rows
            lines, rows = [], []
    if rows:
        yield lines, rows
