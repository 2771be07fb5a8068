"""Worker processes: one a step and job, forked from a warm process, heard through a pipe.

The event loop only sends small frames and reads lines; starting, reaping and killing processes is
the fork server's work (forkserver.py).
"""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import orjson

from app.core.asking import Asking, Question
from app.core.errors import AppError, InternalError, StepTimeout, WorkerCrashed
from app.core.notices import Notice
from app.core.reading import Task
from app.pipeline.child import LARGEST_MESSAGE_BYTES
from app.pipeline.forkserver import EXITED, HELD, KILL, READY, REPLY, REQUEST, START, STARTED
from app.pipeline.jail import InForce
from app.pipeline.memory import MemoryWatch

logger = logging.getLogger(__name__)

# Importing every library on a slow machine; only the first worker ever waits for it.
START_WITHIN_S = 120.0
GONE_WITHIN_S = 5.0
FORKSERVER_GONE_WITHIN_S = 0.5
# A step's news is a few megabytes at most; a hostile file that has hold of a reader says more.
MOST_TOLD_BYTES = 64 * 1024 * 1024

BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from app.pipeline import forkserver;"
    " forkserver.main(int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4]))"
)
# A worker is one of several processes on few cores: its linear algebra stays on one thread, and
# the fork server has no threads that a fork would lose.
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JOBLIB_MULTIPROCESSING": "0",  # it may start no process, and need not try
}
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}  # a library of ours would tell its maker how it is used

# What a worker may know of the server's environment: where its libraries are, and its language.
# Keys and passwords that somebody set there are nothing for code that reads strangers' files.
PASSED_ON = ("PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_", "LD_", "DYLD_", "PYTHON", "VIRTUAL_ENV")

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


@dataclass(slots=True)
class _Worker:
    started: asyncio.Future[int]  # its process id
    exited: asyncio.Future[int]  # its wait status


class ForkServerGone(Exception):
    """The process that forks the workers ended; the next start makes a new one."""


@dataclass(slots=True)
class _ForkServer:
    """The server's end of a fork server."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    ready: asyncio.Future[int]
    workers: dict[int, _Worker] = field(default_factory=dict)
    buffer: bytearray = field(default_factory=bytearray)
    gone: bool = False


class Workers:
    """Runs readers in processes of their own.

    held_by  what its workers are held back by; None until that is known
    preload  what every worker needs, loaded once and shared by fork: "module", or
             "module:function" to call one
    """

    def __init__(self, preload: Sequence[str] = ()) -> None:
        self.held_by: InForce | None = None  # unknown until the first fork server has tried
        self._preload = tuple(preload)
        self._warming: asyncio.Task[_ForkServer] | None = None
        self._last_worker = 0
        self._memory = MemoryWatch()

    async def __aenter__(self) -> "Workers":
        """Begin to warm up; does not wait until the libraries are loaded."""
        await self._memory.begin()
        await self._warm()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the fork server and every worker with it."""
        if self._warming is not None:
            with suppress(OSError):
                forkserver = await self._warming
                self._let_go(forkserver)
                await asyncio.to_thread(_end, forkserver.process)

    async def ready(self) -> int:
        """Wait until the libraries are loaded; return the fork server's process id."""
        forkserver = await self._warm()
        return await asyncio.shield(forkserver.ready)

    async def run(self, target: str, task: Task, limits: Limits, hear: Hear) -> dict[str, Any]:
        """Run the reader `target` ("module:function") in a new process; return what it found.

        hear  called in order with everything the reader tells, and awaited before the next

        Raises the reader's AppError or Asking, OutOfMemory, WorkerCrashed, StepTimeout or
        InternalError. When it is cancelled the process is gone before this returns.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            forkserver = await self._warm()
            worker_id, worker = self._start(forkserver, theirs)
        except OSError as error:
            ours.close()
            raise _crashed(task, "it could not be started") from error
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        try:
            reader, writer = await asyncio.open_unix_connection(
                sock=ours, limit=LARGEST_MESSAGE_BYTES + 1
            )
        except BaseException:
            ours.close()
            await self._end(forkserver, worker_id, worker)
            raise
        try:
            await self._started(worker, task)
            async with asyncio.timeout(limits.timeout_s):
                writer.write(_order(target, task, limits))
                last = await self._listen(reader, hear)
        except TimeoutError as error:
            raise _too_long(task, limits) from error
        finally:
            writer.close()
            status = await self._end(forkserver, worker_id, worker)
        if last is None:
            await self._memory.look(status, task)
        return _outcome(last, status, task, limits)

    async def _warm(self) -> _ForkServer:
        """Return the fork server, a new one if need be. Raises OSError when none can be started."""
        if self._warming is None or (self._warming.done() and _is_lost(self._warming)):
            self._warming = asyncio.create_task(self._start_forkserver(), name="fork server")
        # A step that is cancelled while it waits must not take the others' fork server with it.
        return await asyncio.shield(self._warming)

    async def _start_forkserver(self) -> _ForkServer:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            # Starting a process blocks until it has begun: not on the loop's thread.
            process = await asyncio.to_thread(_spawn, theirs, self._preload)
        loop = asyncio.get_running_loop()
        forkserver = _ForkServer(process, ours, loop.create_future())
        loop.add_reader(ours, self._hear_forkserver, forkserver)
        return forkserver

    def _start(self, forkserver: _ForkServer, theirs: socket.socket) -> tuple[int, _Worker]:
        """Ask for a worker at the other end of `theirs`. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._last_worker += 1
        frame = REQUEST.pack(START, self._last_worker)
        socket.send_fds(forkserver.control, [frame], [theirs.fileno()])
        worker = _Worker(loop.create_future(), loop.create_future())
        forkserver.workers[self._last_worker] = worker
        return self._last_worker, worker

    async def _started(self, worker: _Worker, task: Task) -> None:
        try:
            async with asyncio.timeout(START_WITHIN_S):
                await asyncio.shield(worker.started)
        except (TimeoutError, ForkServerGone) as error:
            raise _crashed(task, "it could not be started") from error

    async def _listen(self, reader: asyncio.StreamReader, hear: Hear) -> dict[str, Any] | None:
        """Pass on what the worker tells; return its last word, or None when it had none."""
        told_bytes = 0
        while True:
            try:
                line = await reader.readuntil(b"\n")
                told_bytes += len(line)
                if told_bytes > MOST_TOLD_BYTES:
                    logger.error("worker said more than a step may: bytes=%d", told_bytes)
                    return None
                message = orjson.loads(line)
                match message["is"]:
                    case "told":
                        said: Heard = Told(
                            int(message["done"]), message["total"], dict(message["context"])
                        )
                    case "events":
                        said = OwnEvents([dict(body) for body in message["events"]])
                    case "warned":
                        said = Notice.from_wire(message["code"], message["facts"])
                    case _:
                        return dict(message)
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            except (asyncio.LimitOverrunError, ValueError, TypeError, KeyError) as error:
                # It reads files from strangers: what it says is believed only in this shape.
                logger.error("worker said something that is no message: error=%r", error)
                return None
            await hear(said)

    async def _end(self, forkserver: _ForkServer, worker_id: int, worker: _Worker) -> int | None:
        """Wait for the worker's end, helped along; return its wait status, None if unknown."""
        if not worker.exited.done():
            with suppress(OSError):
                forkserver.control.send(REQUEST.pack(KILL, worker_id))
        try:
            async with asyncio.timeout(GONE_WITHIN_S):
                return await asyncio.shield(worker.exited)
        except (TimeoutError, ForkServerGone):
            return None

    def _hear_forkserver(self, forkserver: _ForkServer) -> None:
        try:
            data = forkserver.control.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            if not forkserver.gone:
                logger.error("fork server ended: pid=%d", forkserver.process.pid)
            self._let_go(forkserver)
            return
        buffer = forkserver.buffer
        buffer += data
        while len(buffer) >= REPLY.size:
            what, worker_id, value = REPLY.unpack_from(buffer)
            del buffer[: REPLY.size]
            if what == HELD:
                self._note_hold(InForce.from_bits(value))
            elif what == READY:
                forkserver.ready.set_result(value)
            elif what == STARTED:
                forkserver.workers[worker_id].started.set_result(value)
            elif what == EXITED:
                forkserver.workers.pop(worker_id).exited.set_result(value)

    def _note_hold(self, held_by: InForce) -> None:
        self.held_by = held_by
        level = (
            logging.INFO
            if all((held_by.network, held_by.landlock, held_by.calls))
            else logging.WARNING
        )
        logger.log(level, "jail: %s", held_by.sentence())

    def _let_go(self, forkserver: _ForkServer) -> None:
        """Close our end; whoever still waits for the fork server is told that it is gone."""
        if forkserver.gone:
            return
        forkserver.gone = True
        asyncio.get_running_loop().remove_reader(forkserver.control)
        forkserver.control.close()
        waiting = [forkserver.ready]
        for worker in forkserver.workers.values():
            waiting += [worker.started, worker.exited]
        for future in waiting:
            if not future.done():
                future.set_exception(ForkServerGone())
                future.exception()  # not every one of them is waited for
        forkserver.workers.clear()


def _is_lost(warming: asyncio.Task[_ForkServer]) -> bool:
    return warming.cancelled() or warming.exception() is not None or warming.result().gone


def _spawn(control: socket.socket, preload: tuple[str, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter, our own code
        [
            sys.executable,
            "-c",
            BOOT,
            json.dumps(sys.path),
            str(control.fileno()),
            str(os.getpid()),
            json.dumps(preload),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(control.fileno(),),
        start_new_session=True,
        env={
            **{k: v for k, v in os.environ.items() if k.startswith(PASSED_ON)},
            **ONE_THREAD,
            **QUIET,
        },
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    # One that still loads its libraries does not listen yet, and has nothing to lose.
    try:
        process.wait(FORKSERVER_GONE_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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


def _outcome(
    last: dict[str, Any] | None, status: int | None, task: Task, limits: Limits
) -> dict[str, Any]:
    """Turn a worker's last word, and how it ended, into a result or an error."""
    match last:
        case {"is": "found", "found": dict(found)}:
            return found
        case {"is": "asked", "questions": list(questions), "unanswered": unanswered}:
            raise _asking(questions, unanswered, task)
        case {"is": "failed", "code": str(code), "facts": dict(facts)}:
            raise AppError.from_wire(code, {"filename": task["filename"], **facts})
        case {"is": "broken", "trace": str(trace)}:
            reference = uuid.uuid4().hex[:8]
            logger.error("reader failed: reference=%s job=%s\n%s", reference, task["job_id"], trace)
            raise InternalError(reference=reference)
    if status is None:
        raise _crashed(task, "the system ended it")
    if not os.WIFSIGNALED(status):
        raise _crashed(task, "it ended without an answer")
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU:
        raise _too_long(task, limits)
    raise _crashed(task, REASONS.get(number, f"signal {number}"))


def _asking(questions: list[Any], unanswered: Any, task: Task) -> Exception:
    try:
        asked = [Question.from_json(question) for question in questions]
        code, facts = unanswered or (None, {})
        return Asking(*asked, unanswered=(str(code), dict(facts)) if code else None)
    except (TypeError, KeyError, ValueError) as error:
        logger.error("worker asked something that is no question: error=%r", error)
        return _crashed(task, "it asked something senseless")


def _too_long(task: Task, limits: Limits) -> StepTimeout:
    return StepTimeout(filename=task["filename"], limit_s=round(limits.timeout_s))


def _crashed(task: Task, reason: str) -> WorkerCrashed:
    return WorkerCrashed(filename=task["filename"], reason=reason)
