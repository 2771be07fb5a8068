"""Inside a worker: its limits, the steps it runs, and how its news crosses to the server.

A worker reads files from strangers, so what it says is data (one JSON object a line) and never
pickle. It knows nothing of the log, and it does not outlive its server.
"""

import contextlib
import ctypes
import importlib
import json
import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import orjson

from app.core.asking import Asking
from app.core.diskfull import is_disk_full
from app.core.errors import AppError, OutOfMemory, StorageFull
from app.core.notices import Notice
from app.core.reading import Reader, Task
from app.pipeline import jail
from app.pipeline.memory import LAST_WORDS

LARGEST_MESSAGE_BYTES = 4 * 1024 * 1024
BETWEEN_TELLS_S = 0.1
EVENTS_AT_ONCE = 100
LONGEST_TRACE = 8_000
FIT_CPU_S = 1  # a process that has used more is not given another step

PR_SET_PDEATHSIG = 1
ORJSON_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


def main(channel_fd: int, parent_pid: int, held_by: jail.InForce) -> int:
    """Run the steps that the lines of the channel describe; return the exit code.

    All of them are of one job and may touch the same: what the first is confined to stands. Another
    one is only run after one that found something, and left this process fit for it.

    held_by  what this system can hold a worker back by
    """
    _leave_nothing_behind(parent_pid)
    channel = socket.socket(fileno=channel_fd)
    send = _Sender(channel)
    held: jail.InForce | None = held_by
    try:
        with channel.makefile("rb") as stream:
            while line := stream.readline():
                order = orjson.loads(line)
                _keep_last_words(order["task"]["work_dir"], begin=held is not None)
                _limit(order["memory_bytes"], order["cpu_s"], order["file_bytes"])
                said = _work(order, held, Teller(send, time.monotonic))
                held = None
                can_go_on = said["is"] == "found" and _is_fit(order["memory_bytes"])
                send({**said, "can_go_on": can_go_on})
                if not can_go_on:
                    break
    except (BrokenPipeError, ConnectionResetError):
        return 1  # nobody listens any more
    return 0


def _work(order: dict[str, Any], held_by: jail.InForce | None, tell: "Teller") -> dict[str, Any]:
    """Return the last message about a step: what was found, or what went wrong.

    held_by  what to be confined by first; None where that was done
    """
    task: Task = order["task"]
    filename = task["filename"]
    try:
        if held_by is not None:
            jail.confine(jail.access_for(task, records=order["records"]), held_by)
        found = _reader(order["target"])(task, tell)
        tell.flush()
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Asking as asking:
        tell.flush()
        questions = [question.to_json() for question in asking.questions]
        return {"is": "asked", "questions": questions, "unanswered": asking.unanswered}
    except AppError as error:
        return {"is": "failed", "code": error.code, "facts": error.facts}
    except MemoryError:
        return {"is": "failed", "code": OutOfMemory.code, "facts": {"filename": filename}}
    except Exception as error:
        if is_disk_full(error):
            return {"is": "failed", "code": StorageFull.code, "facts": {}}
        trace = "".join(traceback.format_exception(error))
        return {"is": "broken", "trace": trace[-LONGEST_TRACE:]}
    return {"is": "found", "found": found}


def _reader(target: str) -> Reader:
    module, _, name = target.partition(":")
    return cast(Reader, getattr(importlib.import_module(module), name))


class Teller:
    """What a reader reports with (`app.core.reading.Tell`), thinned out to ten a second.

    The first and the last report of a step always cross.
    """

    def __init__(
        self, send: Callable[[dict[str, Any]], None], clock_s: Callable[[], float]
    ) -> None:
        self._send = send
        self._clock_s = clock_s
        self._not_before_s = float("-inf")
        self._held: dict[str, Any] | None = None

    def __call__(self, done: int, total: int | None = None, **context: Any) -> None:
        """Report `done` of `total` units of work."""
        self._held = {"is": "told", "done": done, "total": total, "context": context}
        now_s = self._clock_s()
        if now_s >= self._not_before_s:
            self._not_before_s = now_s + BETWEEN_TELLS_S
            self.flush()

    def warn(self, notice: Notice) -> None:
        """Tell something a person should know; never thinned out."""
        self._send({"is": "warned", "code": notice.code, "facts": notice.facts})

    def events(self, told: Sequence[Mapping[str, Any]]) -> None:
        """Tell events that the step has of its own; never thinned out."""
        for start in range(0, len(told), EVENTS_AT_ONCE):
            some = [dict(event) for event in told[start : start + EVENTS_AT_ONCE]]
            self._send({"is": "events", "events": some})

    def flush(self) -> None:
        """Send the report that was held back, if there is one."""
        held, self._held = self._held, None
        if held is not None:
            self._send(held)


class _Sender:
    """Writes messages to the server, one JSON object a line."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def __call__(self, message: dict[str, Any]) -> None:
        line = encode(message)
        if len(line) > LARGEST_MESSAGE_BYTES:
            trace = f"a message of {len(line)} bytes is more than a step may return"
            line = encode({"is": "broken", "trace": trace})
        self._channel.sendall(line + b"\n")


def encode(message: dict[str, Any]) -> bytes:
    """Return `message` as one line of JSON, whatever strangers' text it carries."""
    try:
        return orjson.dumps(message, default=str, option=ORJSON_OPTIONS)
    except TypeError:  # lone surrogates and integers beyond 64 bits, both from odd files
        text = json.dumps(message, ensure_ascii=False, default=str)
        plain = json.loads(text.encode("utf-8", "replace"), parse_int=_small_or_text)
        return orjson.dumps(plain)


def _small_or_text(digits: str) -> int | str:
    return int(digits) if len(digits) < 19 else digits


# What the system watches over; what a worker can reach is jail.py


def _leave_nothing_behind(parent_pid: int) -> None:
    """Make a session of its own, and die with the fork server."""
    os.setsid()
    if sys.platform == "linux":
        # Elsewhere the fork server's own end, and the closed channel, have to do.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before we asked
        os._exit(0)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    # Where memory runs out the system ends a worker, whose step is done again, not the server.
    with contextlib.suppress(OSError):  # not Linux
        Path("/proc/self/oom_score_adj").write_text("1000")


def _keep_last_words(work_dir: str, *, begin: bool) -> None:
    """Let what libraries write to standard error be read after this process has died of it.

    begin  open the file; else forget what an earlier step left in it
    """
    with contextlib.suppress(OSError):
        if not begin:
            os.ftruncate(2, 0)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        number = os.open(Path(work_dir) / LAST_WORDS, flags, 0o600)
        os.dup2(number, 2)
        os.close(number)


def _limit(memory_bytes: int, cpu_s: int, file_bytes: int | None) -> None:
    """Set the limits that the system enforces. What is set lower already stays.

    cpu_s  of the next step, beside what earlier ones have used
    """
    cpu_s += int(time.process_time())
    wanted = {resource.RLIMIT_CORE: 0, resource.RLIMIT_CPU: cpu_s}
    if sys.platform == "linux":  # macOS refuses limits on the address space
        wanted[resource.RLIMIT_AS] = memory_bytes
    if file_bytes is not None:
        wanted[resource.RLIMIT_FSIZE] = file_bytes
    for what, limit in wanted.items():
        _, hard = resource.getrlimit(what)
        lowest = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        # Between the soft and the hard limit of CPU time, of which the soft one has a name, there
        # is a second, and what steps before may have used: the hard one can never be raised.
        room = 1 + FIT_CPU_S
        top = lowest + room if what == resource.RLIMIT_CPU and lowest == limit else lowest
        resource.setrlimit(what, (lowest, min(top, hard) if hard >= 0 else top))


def _is_fit(memory_bytes: int) -> bool:
    """Tell whether this process has used little enough to be given another step.

    memory_bytes  the limit on its address space: half of it is to be left
    """
    if time.process_time() > FIT_CPU_S:
        return False
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:  # not Linux, where there is no such limit either
        return True
    return pages * resource.getpagesize() <= memory_bytes // 2
