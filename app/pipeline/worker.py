"""One worker process, as the server sees it: it is given steps, and heard until each has ended."""

import asyncio
import logging
import os
import signal
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from app.core.asking import Asking, Question
from app.core.errors import AppError, InternalError, StepTimeout, WorkerCrashed
from app.core.notices import Notice
from app.core.reading import Task
from app.core.unreadable import from_wire
from app.pipeline.memory import MemoryWatch

logger = logging.getLogger(__name__)

# A step's news is a few megabytes at most; a hostile file that has hold of a reader says more.
MOST_TOLD_BYTES = 64 * 1024 * 1024

REASONS: dict[int, str] = {
    signal.SIGKILL: "something else ended it",
    signal.SIGABRT: "a library gave up",
    signal.SIGSEGV: "a fault in a library",
    signal.SIGBUS: "a fault in a library",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A reader is at `done` of `total` units."""

    done: int
    total: int | None
    context: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OwnEvents:
    """Events that a step has of its own, not yet believed: see report.own_events."""

    bodies: list[dict[str, Any]]


Heard = Told | Notice | OwnEvents
Hear = Callable[[Heard], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may use.

    timeout_s     wall time of the step; twice as much CPU time
    memory_bytes  address space
    file_bytes    largest file it may write; None where the file is a shared database
    records       it may touch the database of rows
    """

    timeout_s: float
    memory_bytes: int
    file_bytes: int | None = None
    records: bool = False


class Worker:
    """A process that waits for work.

    can_go_on  it found something, and is fit for another step that may touch the same
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        end: Callable[[], Awaitable[int | None]],
        memory: MemoryWatch,
    ) -> None:
        """Speak to it through `reader` and `writer`; `end` kills it and returns its wait status."""
        self.can_go_on = False
        self._reader = reader
        self._writer = writer
        self._end = end
        self._memory = memory

    async def do(self, target: str, task: Task, limits: Limits, hear: Hear) -> dict[str, Any]:
        """Let it run the reader `target`; see Workers.run. After an error it is to be ended."""
        self.can_go_on = False
        try:
            async with asyncio.timeout(limits.timeout_s) as clock:
                self._writer.write(_order(target, task, limits))
                last = await self._listen(hear, clock)
        except TimeoutError as error:
            raise _too_long(task, limits) from error
        found = None if last is None else _outcome(last, task)
        if last is None or found is None:
            status = await self.end()
            if last is None:
                await self._memory.look(status, task)
            raise _unanswered(status, task, limits)
        self.can_go_on = last.get("can_go_on") is True
        return found

    async def end(self) -> int | None:
        """Wait for its end, helped along; return its wait status, None if unknown."""
        self._writer.close()
        return await self._end()

    async def _listen(self, hear: Hear, clock: asyncio.Timeout) -> dict[str, Any] | None:
        """Pass on what the worker tells; return its last word, or None when it had none.

        clock  the step's time: it stands still while the server writes down what it heard, which
               waits where the disk is full
        """
        loop = asyncio.get_running_loop()
        told_bytes = 0
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
                told_bytes += len(line)
                if told_bytes > MOST_TOLD_BYTES:
                    logger.error("worker said more than a step may: bytes=%d", told_bytes)
                    return None
                message = orjson.loads(line)
                match message["is"]:
                    case "told":
                        said: Heard = _told(message)
                    case "events":
                        said = OwnEvents([dict(body) for body in message["events"]])
                    case "warned":
                        said = Notice.from_wire(message["code"], message["facts"])
                    case _:
                        return dict(message)
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            except (
                asyncio.LimitOverrunError,
                ValueError,
                TypeError,
                KeyError,
                OverflowError,
            ) as error:
                # It reads files from strangers: what it says is believed only in this shape.
                logger.error("worker said something that is no message: error=%r", error)
                return None
            left_s = (clock.when() or 0.0) - loop.time()
            clock.reschedule(None)
            try:
                await hear(said)
            finally:
                clock.reschedule(loop.time() + left_s)


def _told(message: dict[str, Any]) -> Told:
    total = message["total"]
    return Told(
        int(message["done"]), None if total is None else int(total), dict(message["context"])
    )


def _order(target: str, task: Task, limits: Limits) -> bytes:
    order = {
        "target": target,
        "task": task,
        "memory_bytes": limits.memory_bytes,
        "cpu_s": max(1, round(limits.timeout_s * 2)),
        "file_bytes": limits.file_bytes,
        "records": limits.records,
    }
    return orjson.dumps(order) + b"\n"


def _outcome(last: dict[str, Any], task: Task) -> dict[str, Any] | None:
    """Turn a worker's last word into a result or an error; None where it is neither."""
    match last:
        case {"is": "found", "found": dict(found)}:
            return found
        case {"is": "asked", "questions": list(questions), "unanswered": unanswered}:
            raise _asking(questions, unanswered, task)
        case {"is": "failed", "code": str(code), "facts": dict(facts)}:
            raise from_wire(code, {"filename": task["filename"], **facts})
        case {"is": "broken", "trace": str(trace)}:
            reference = uuid.uuid4().hex[:8]
            logger.error("reader failed: reference=%s job=%s\n%s", reference, task["job_id"], trace)
            raise InternalError(reference=reference)
    return None


def _unanswered(status: int | None, task: Task, limits: Limits) -> AppError:
    """Return the error for a worker that ended without a word, by its wait status."""
    if status is None:
        return crashed(task, "the system ended it")
    if not os.WIFSIGNALED(status):
        return crashed(task, "it ended without an answer")
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU:
        return _too_long(task, limits)
    return crashed(task, REASONS.get(number, f"signal {number}"))


def _asking(questions: list[Any], unanswered: Any, task: Task) -> Exception:
    try:
        asked = [Question.from_json(question) for question in questions]
        code, facts = unanswered or (None, {})
        return Asking(*asked, unanswered=(str(code), dict(facts)) if code else None)
    except (TypeError, KeyError, ValueError) as error:
        logger.error("worker asked something that is no question: error=%r", error)
        return crashed(task, "it asked something senseless")


def _too_long(task: Task, limits: Limits) -> StepTimeout:
    return StepTimeout(filename=task["filename"], limit_s=round(limits.timeout_s))


def crashed(task: Task, reason: str) -> WorkerCrashed:
    """Return the error for a worker that did not do its task, with the reason for people."""
    return WorkerCrashed(filename=task["filename"], reason=reason)
