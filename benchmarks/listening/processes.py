"""Processes that are measured: each on its own core, gone when the bench is gone. Linux only."""

import contextlib
import ctypes
import os
import resource
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
END_S = 15.0
START_S = 30.0
_SET_DEATH_SIGNAL = 1  # prctl(2)


class Failed(Exception):
    """A process that is measured did not do what it must. The text says which and what."""


def cores() -> tuple[set[int], set[int]]:
    """Return the core of the server and that of everything else; the same one if there is one."""
    free = sorted(os.sched_getaffinity(0))
    return {free[0]}, {free[-1]}


def lift_limits() -> None:
    """Let this process and those it starts open as many files as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Process:
    """A program that runs on `core`, spoken to by lines. A context manager, which ends it.

    stdin, stdout  are lines of text; stderr goes where the bench's own goes
    """

    def __init__(
        self,
        name: str,
        command: Sequence[object],
        core: set[int],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            preexec_fn=_settle(core),
        )
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Ask it to end, and make it end."""
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        self._process.kill()
        self._process.wait()

    def say(self, line: str) -> None:
        """Write a line to it. Raises Failed when it is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise Failed(f"{self.name} ended early") from error

    def line(self, timeout_s: float) -> str:
        """Return the next line it writes. Raises Failed when none comes."""
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        until = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            left = until - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise Failed(f"{self.name} said nothing for {timeout_s:.0f} s")
            more = os.read(fd, 65536)
            if not more:
                raise Failed(f"{self.name} ended early")
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def listens_on(self, port: int) -> None:
        """Wait until it takes connections. Raises Failed when it never does."""
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise Failed(f"{self.name} does not listen; what it said stands above")

    def cpu_s(self) -> float:
        """Return the processor seconds, user and system, of it and the processes it started."""
        ticks = 0
        for pid in self._family():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS_A_SECOND

    def rss_bytes(self) -> int:
        """Return the memory that is resident, of it and the processes it started."""
        return sum(
            int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
            for pid in self._family()
        )

    def _family(self) -> list[int]:
        found, look_at = [], [self._process.pid]
        while look_at:
            pid = look_at.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").iterdir():
                look_at += map(int, (task / "children").read_text().split())
        return found


def _settle(core: set[int]) -> Callable[[], None]:
    """Return what a child does before its program begins."""
    libc = ctypes.CDLL(None)

    def settle() -> None:
        os.sched_setaffinity(0, core)
        libc.prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)  # whatever becomes of the bench

    return settle
