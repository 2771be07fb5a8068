"""The step delta_analysis: how many of a file's rows its owner's earlier files hold already."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from app.core.asking import DUPLICATE, Asking, Choice, Question
from app.core.duplicates import decision_of
from app.core.errors import NotFound
from app.core.reading import Task, Tell
from app.reading.extract import extract
from app.reading.parts import Parts
from app.store.records_bulk import job_ids, known_rows
from app.store.records_known import decide_known
from app.store.records_schema import import_of, reading_records, writing_records

SLICE_ROWS = 50_000
FILES_SHOWN = 20  # of those in which rows were seen


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
    """Return new_rows and existing_rows. Nothing is written.

    Raises Asking where some rows are known and a person is to decide.
    """
    parts = parts_of(task, tell)
    rows = int(parts.summary["rows"])
    earlier: Counter[int] = Counter()
    with reading_records(task["records_path"]) as connection:
        keys = told(in_slices(parts.keys()), tell, rows)
        for _, row_id in known_rows(connection, task["user_id"], keys):
            earlier[import_of(row_id)] += 1
        known = earlier.total()
        if known and decision_of(task) is None:
            jobs = job_ids(connection, earlier)
            seen_in = [
                {"job_id": jobs.get(number), "rows": count}
                for number, count in earlier.most_common(FILES_SHOWN)
            ]
            raise Asking(_question(task, rows - known, known, seen_in))
    tell(rows, rows, rows_done=rows, rows_total=rows)
    return {"new_rows": rows - known, "existing_rows": known}


def decide_rows(task: Task, tell: Tell) -> dict[str, Any]:
    """An errand: store known rows as new after all, or leave them out again.

    Options: job_id, state ("new" or "known") and rows, numbers in the file, None for all.
    Returns changed. Raises NotFound.
    """
    options = task["options"]
    with writing_records(task["records_path"]) as connection:
        changed = decide_known(
            connection,
            task["user_id"],
            options["job_id"],
            known=options["state"] == "known",
            rows=options["rows"],
        )
    if changed is None:
        raise NotFound(what="file with rows")
    return {"changed": changed}


def _question(task: Task, new: int, known: int, seen_in: list[dict[str, Any]]) -> Question:
    evidence = {"new_rows": new, "existing_rows": known, "seen_in": seen_in}
    return Question(
        key=DUPLICATE,
        kind="duplicate",
        text=f"I have {known:,} of {new + known:,} rows of {task['filename']} already."
        " What shall I do with them?",
        choices=(
            Choice("skip", "Leave them out", f"Only the {new:,} new ones are stored."),
            Choice("keep", "Store them again", f"All {new + known:,} are stored as new."),
        ),
        default="skip",
        suggested="skip",
        evidence=evidence,
    )


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
