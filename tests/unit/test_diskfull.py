"""A full disk is known by whatever words a library has for it."""

import errno
import sqlite3

import pytest

from app.core.diskfull import is_disk_full


def full_database() -> sqlite3.Error:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("PRAGMA max_page_count = 2")
    with pytest.raises(sqlite3.Error) as caught:
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        full_database(),
        RuntimeError("failed to write: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_known_by_any_name(error: Exception) -> None:
    assert is_disk_full(error)


@pytest.mark.parametrize(
    "error", [OSError(errno.EACCES, "no"), sqlite3.OperationalError("locked"), ValueError("28")]
)
def test_other_errors_are_no_full_disk(error: Exception) -> None:
    assert not is_disk_full(error)
