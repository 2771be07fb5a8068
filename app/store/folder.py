"""The data folder belongs to one server at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.settings import SettingsError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second server out of the data folder; the system lets go when this one dies.

    Raises SettingsError when another has it.
    """
    with (folder / "livetrail.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SettingsError(
                f"another Livetrail is using the data folder {folder}; stop it, or choose another"
                " with --data-dir"
            ) from error
        yield
