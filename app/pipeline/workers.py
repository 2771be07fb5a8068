"""Where worker processes come from: the server's end of the fork server, and what it says.

The event loop only sends small frames; starting, reaping and killing processes is the fork
server's work (forkserver.py). What is said to a worker, and heard from it, is in worker.py.
"""

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any

from app.core.reading import Task
from app.pipeline.child import LARGEST_MESSAGE_BYTES
from app.pipeline.forkserver import EXITED, HELD, KILL, READY, REPLY, REQUEST, START, STARTED
from app.pipeline.jail import InForce
from app.pipeline.memory import MemoryWatch
from app.pipeline.surroundings import passed_on
from app.pipeline.worker import Hear, Limits, Worker, crashed

logger = logging.getLogger(__name__)

# Importing every library on a slow machine; only the first worker ever waits for it.
START_WITHIN_S = 120.0
GONE_WITHIN_S = 5.0
FORKSERVER_GONE_WITHIN_S = 0.5

BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from app.pipeline import forkserver;"
    " forkserver.main(int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4]))"
)


@dataclass(slots=True)
class _Process:
    started: asyncio.Future[int]  # its process id
    exited: asyncio.Future[int]  # its wait status


class ForkServerGone(Exception):
    """The process that forks the workers ended; the next start makes a new one."""


class NotForked(Exception):
    """The system refused one more process."""


@dataclass(slots=True)
class _ForkServer:
    """The server's end of a fork server."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    ready: asyncio.Future[int]
    processes: dict[int, _Process] = field(default_factory=dict)
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
        InternalError. Whichever way this ends, the process is gone before.
        """
        worker = await self.start(task)
        try:
            return await worker.do(target, task, limits, hear)
        finally:
            await worker.end()

    async def start(self, task: Task) -> Worker:
        """Return a new process that waits for work; `end` it. Raises WorkerCrashed."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            forkserver = await self._warm()
            worker_id, process = self._start(forkserver, theirs)
        except OSError as error:
            ours.close()
            raise crashed(task, "it could not be started") from error
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        end = partial(self._end, forkserver, worker_id, process)
        try:
            reader, writer = await asyncio.open_unix_connection(
                sock=ours, limit=LARGEST_MESSAGE_BYTES + 1
            )
        except BaseException:
            ours.close()
            await end()
            raise
        worker = Worker(reader, writer, end, self._memory)
        try:
            await self._started(process, task)
        except BaseException:
            await worker.end()
            raise
        return worker

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

    def _start(self, forkserver: _ForkServer, theirs: socket.socket) -> tuple[int, _Process]:
        """Ask for a worker at the other end of `theirs`. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._last_worker += 1
        frame = REQUEST.pack(START, self._last_worker)
        socket.send_fds(forkserver.control, [frame], [theirs.fileno()])
        process = _Process(loop.create_future(), loop.create_future())
        forkserver.processes[self._last_worker] = process
        return self._last_worker, process

    async def _started(self, process: _Process, task: Task) -> None:
        try:
            async with asyncio.timeout(START_WITHIN_S):
                await asyncio.shield(process.started)
        except (TimeoutError, ForkServerGone, NotForked) as error:
            raise crashed(task, "it could not be started") from error

    async def _end(self, forkserver: _ForkServer, worker_id: int, process: _Process) -> int | None:
        """Wait for the worker's end, helped along; return its wait status, None if unknown."""
        if not process.exited.done():
            with suppress(OSError):
                forkserver.control.send(REQUEST.pack(KILL, worker_id))
        try:
            async with asyncio.timeout(GONE_WITHIN_S):
                return await asyncio.shield(process.exited)
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
                forkserver.processes[worker_id].started.set_result(value)
            elif what == EXITED:
                process = forkserver.processes.pop(worker_id)
                process.exited.set_result(value)
                if not process.started.done():
                    process.started.set_exception(NotForked())
                    process.started.exception()  # whoever asked may have left

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
        for process in forkserver.processes.values():
            waiting += [process.started, process.exited]
        for future in waiting:
            if not future.done():
                future.set_exception(ForkServerGone())
                future.exception()  # not every one of them is waited for
        forkserver.processes.clear()


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
        env=passed_on(),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    # One that still loads its libraries does not listen yet, and has nothing to lose.
    try:
        process.wait(FORKSERVER_GONE_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
