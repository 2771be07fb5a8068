"""Workbooks that are locked with a password: opened with what a person says, for all steps."""

import os
from pathlib import Path

import msoffcrypto

from app.core.asking import Asking, Question
from app.core.plugins import TABLE, folder_of
from app.core.reading import Task
from app.core.unreadable import PasswordProtected

COPY = "unlocked"
KEYS = ("password", "password:2", "password:3")  # a PDF's questions have the same ones


def path_of(task: Task) -> Path:
    """Return where the file can be read: the original, the copy without its lock, or the table
    that a plugin has made of it.

    The copy lies in the job's own folder, which goes when the job has ended. Raises what
    `unlock` raises, where the copy is gone.
    """
    found = task["found"].get("initializing_streaming", {})
    if "read_by" in found:
        return folder_of(Path(task["work_dir"]), found["read_by"]) / TABLE
    if not found.get("locked"):
        return Path(task["path"])
    copy = Path(task["work_dir"]) / COPY
    return copy if copy.is_file() else unlock(task)


def unlock(task: Task) -> Path:
    """Make the copy without its lock, and return where it is.

    Raises Asking for the password, three times at most, then PasswordProtected.
    """
    filename = task["filename"]
    for at, key in enumerate(KEYS):
        if key not in task["answers"]:
            again = f"That password does not open {filename}. Which one does?"
            first = f"{filename} is locked. Which password opens it?"
            raise Asking(
                Question(
                    key=key,
                    kind="password",
                    text=again if at else first,
                    evidence={"filename": filename},
                ),
                unanswered=(PasswordProtected.code, {"filename": filename}),
            )
        copy = _opened(task, str(task["answers"][key]))
        if copy is not None:
            return copy
    raise PasswordProtected(filename=filename)


def _opened(task: Task, password: str) -> Path | None:
    """Return the copy that `password` opened; None for a wrong one."""
    copy = Path(task["work_dir"]) / COPY
    half = copy.with_suffix(".part")
    try:
        with Path(task["path"]).open("rb") as locked, half.open("wb") as out:
            office = msoffcrypto.OfficeFile(locked)
            office.load_key(password=password, verify_password=True)
            office.decrypt(out)
            out.flush()
            os.fsync(out.fileno())
    except msoffcrypto.exceptions.InvalidKeyError:
        return None
    except (
        msoffcrypto.exceptions.FileFormatError,
        msoffcrypto.exceptions.DecryptionError,
    ) as error:
        raise PasswordProtected(filename=task["filename"]) from error  # a lock of another kind
    half.replace(copy)
    return copy
