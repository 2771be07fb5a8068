"""Whether a worker died for lack of memory, or of something else."""

import asyncio
import logging
import os
import signal
from pathlib import Path

from app.core.errors import OutOfMemory, WorkerCrashed
from app.core.reading import Task

logger = logging.getLogger(__name__)

LAST_WORDS = "stderr.txt"  # in the working folder: what libraries said before they gave up
LAST_BYTES = 4096
GAVE_UP = ("memory allocation of", "bad_alloc", "out of memory", "Cannot allocate memory")
NO_MEMORY = "the system ran out of memory"
KILLS = Path("/proc/vmstat")


def oom_kills() -> int:
    """Return how many processes the system has ended for lack of memory; 0 where it keeps quiet."""
    try:
        lines = KILLS.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def last_words(task: Task) -> str:
    """Return the end of what the task's last worker wrote to its standard error."""
    try:
        with (Path(task["work_dir"]) / LAST_WORDS).open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - LAST_BYTES))
            return stream.read(LAST_BYTES).decode(errors="replace")
    except OSError:
        return ""


def gave_up_for_memory(number: int, words: str) -> bool:
    """Tell whether a library that ended its process by signal `number` said it was for memory."""
    return number == signal.SIGABRT and any(sign in words for sign in GAVE_UP)


class MemoryWatch:
    """Looks at the ends of workers that had no last word. `begin` comes first."""

    def __init__(self) -> None:
        self._kills = 0

    async def begin(self) -> None:
        """Know what has happened before the first worker."""
        self._kills = await asyncio.to_thread(oom_kills)

    async def look(self, status: int | None, task: Task) -> None:
        """Raise OutOfMemory where a library gave up for it, WorkerCrashed where the system did.

        status  the worker's wait status; None when it is not known

        The system takes memory from whom it can: that worker may fare better a second time.
        """
        number = os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else 0
        words = await asyncio.to_thread(last_words, task)
        if words:
            logger.warning("last words of a worker: job=%s\n%s", task["job_id"], words)
        if gave_up_for_memory(number, words):
            raise OutOfMemory(filename=task["filename"])
        before, self._kills = self._kills, await asyncio.to_thread(oom_kills)
        if number == signal.SIGKILL and self._kills > before:
            raise WorkerCrashed(filename=task["filename"], reason=NO_MEMORY, memory=True)
