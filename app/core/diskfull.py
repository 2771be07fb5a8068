"""Whether something failed because the disk is full. Pure."""

import errno
import sqlite3


def is_disk_full(error: BaseException) -> bool:
    """Tell whether `error` comes from a full disk, in whichever library's words."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
    # Rust libraries turn the system's error into text.
    return f"os error {errno.ENOSPC}" in str(error) or "No space left on device" in str(error)
