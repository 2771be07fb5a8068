"""The server as a process of its own, as a person starts it, and the end of it by force."""

import asyncio
import contextlib
import ctypes
import os
import re
import signal
import socket
import sys
import weakref
from pathlib import Path
from types import TracebackType

import aiohttp

ROOT = Path(__file__).resolve().parents[1]
STARTS_WITHIN_S = 90.0
AS_TESTS_NEED = {
    # It is killed on purpose, and by chance again and again in the same step.
    "LIVETRAIL_GIVE_UP_AFTER_CRASHES": "1000",
    # The files of a batch go one after the other, whatever the machine: which of two has the rows
    # that the other one stored is not left to chance.
    "LIVETRAIL_WORKERS": "1",
}
LINE_BYTES = 2**22
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class ServerProcess:
    """`serve` on a data folder. Start it, kill it, start it again on the same port.

    As a context it is ended by force with whatever it started, should the body not have done so.

    port  of all its lives, 0 before the first; nobody else is given it while the server is dead
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = 0
        self.lines: list[str] = []
        self._more = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "ServerProcess":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.runs:
            await self.kill(with_workers=True)

    @property
    def runs(self) -> bool:
        """Tell whether it was started, and has not ended since."""
        return self._process is not None and self._process.returncode is None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, **variables: str) -> None:
        """Start it and wait until it answers. `variables` are added to the environment."""
        if self.runs:  # who killed it was broken off in waiting for its end
            await self._ended()
        if not self.port:
            self._hold_a_port()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LIVETRAIL_")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "run.py" if _is_installed() else "-m",
            *(() if _is_installed() else ("app.cli",)),
            "serve",
            "--port",
            str(self.port),
            "--data-dir",
            str(self.data_dir),
            cwd=ROOT,
            env={**environment, **AS_TESTS_NEED, **variables},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LINE_BYTES,
            preexec_fn=_ends_with_us,
        )
        self._reading = asyncio.create_task(self._read(self._process))
        try:
            await self.line(f"Livetrail is at http://127.0.0.1:{self.port} ", len(self.lines))
        except BaseException:
            await self.kill(with_workers=True)
            raise

    def _hold_a_port(self) -> None:
        """Take a port, and keep it bound: who asks for any port is given another one.

        That a socket is bound to it and does not listen keeps the server from nothing.
        """
        holder = socket.socket()
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        self.port = holder.getsockname()[1]
        weakref.finalize(self, holder.close)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.lines.append(line.decode().rstrip())
            self._more.set()
        self._more.set()

    async def line(self, pattern: str, after: int = 0) -> str:
        """Wait until it has written a line in which `pattern` is found; return what matched.

        after  so many lines at the beginning are not looked at
        """
        assert self._reading is not None
        async with asyncio.timeout(STARTS_WITHIN_S):
            while True:
                over = self._reading.done()
                for line in self.lines[after:]:
                    if found := re.search(pattern, line):
                        return found[0]
                said = "\n".join(self.lines[after:])
                assert not over, f"the server ended before it wrote {pattern}:\n{said}"
                self._more.clear()
                await self._more.wait()

    def family(self) -> list[int]:
        """Return the ids of the server's descendants: its fork server and the workers."""
        parents: dict[int, list[int]] = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = status.read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
        found = []
        around = [self.pid]
        while around:
            children = parents.get(around.pop(), [])
            found += children
            around += children
        return found

    async def kill(self, *, with_workers: bool) -> None:
        """SIGKILL the server, and its descendants too unless they are left to notice themselves."""
        for pid in [self.pid, *(self.family() if with_workers else [])]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self._ended()

    async def stop(self) -> int:
        """Ask it to stop, as a service manager does, and return its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        return await self._ended()

    async def _ended(self) -> int:
        assert self._process is not None
        async with asyncio.timeout(STARTS_WITHIN_S):
            code = await self._process.wait()
        if self._reading is not None:
            # A worker that outlives the server for a moment holds the pipe open: do not wait.
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        return code

    def client(self, token: str) -> aiohttp.ClientSession:
        """Return a program's client: a token, no cookies."""
        return aiohttp.ClientSession(self.url, headers={"Authorization": f"Bearer {token}"})


def _ends_with_us() -> None:
    """Let the process that is about to be one of ours be killed when we are."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _is_installed() -> bool:
    return Path(sys.prefix).resolve() == (ROOT / ".venv").resolve()


def alive(pid: int) -> bool:
    """Tell whether a process lives; one that only waits to be reaped does not."""
    return birth(pid) is not None


def birth(pid: int) -> tuple[int, str] | None:
    """Return a process's id and when it began, which no later process shares; None: it is dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else (pid, fields[19])
