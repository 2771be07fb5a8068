"""The real readers on a disk that is full as long as a file named `full` lies in the data folder.

Without leave to mount anything: a part of the work folder leads to /dev/full, where the kernel
refuses every byte as a full disk does; the database of rows may not grow by a page.
"""

import sqlite3
from pathlib import Path
from typing import Any

from app.core.reading import Task, Tell
from app.pipeline import jail
from app.pipeline.landlock import Right
from app.reading import extract as extracting
from app.reading import save as storing
from app.reading.parts import REJECTED


def full_mark(data_dir: Path) -> Path:
    """Return the file that makes the disk full."""
    return data_dir / "full"


def let_links_be_made() -> None:
    """Let the workers make links in their own folder."""
    jail.OWN_FOLDER |= Right.MAKE_SYM


def extract(task: Task, tell: Tell) -> dict[str, Any]:
    """Read all rows, but their place in the work folder takes none."""
    place = Path(task["work_dir"]) / REJECTED
    if not _is_full(task):
        return extracting.extract(task, tell)
    place.unlink(missing_ok=True)
    place.symlink_to("/dev/full")
    try:
        return extracting.extract(task, tell)
    finally:
        place.unlink()


def store(task: Task, tell: Tell) -> dict[str, Any]:
    """Store the rows in a database that has all the pages it may have."""
    if _is_full(task):
        connect = sqlite3.connect

        def connect_narrowly(*where: Any, **how: Any) -> sqlite3.Connection:
            connection = connect(*where, **how)
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")
            return connection

        sqlite3.connect = connect_narrowly  # this worker does nothing else
    return storing.store(task, tell)


def _is_full(task: Task) -> bool:
    return full_mark(Path(task["records_path"]).parent).exists()
