"""The server as a process of its own, as a person starts it, and the end of it by force."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[1]
STARTS_WITHIN_S = 60.0


class ServerProcess:
    """`serve` on a data folder. Start it, kill it, start it again on the same port."""

    def __init__(self, data_dir: Path, port: int = 0) -> None:
        self.data_dir = data_dir
        self.port = port
        self.lines: list[str] = []
        self._more = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, **variables: str) -> None:
        """Start it and wait until it answers. `variables` are added to the environment."""
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
            # It is killed on purpose, and by chance again and again in the same step.
            env={**environment, "LIVETRAIL_GIVE_UP_AFTER_CRASHES": "1000", **variables},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(STARTS_WITHIN_S):
            async for line in self._process.stdout:
                self.lines.append(line.decode().rstrip())
                if found := re.search(r"Livetrail is at http://127\.0\.0\.1:(\d+)", self.lines[-1]):
                    self.port = int(found[1])
                    break
            else:
                raise AssertionError("the server did not start:\n" + "\n".join(self.lines))
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode().rstrip())
            self._more.set()

    async def line(self, pattern: str) -> str:
        """Wait until it has written a line in which `pattern` is found; return what matched."""
        async with asyncio.timeout(STARTS_WITHIN_S):
            while True:
                for line in self.lines:
                    if found := re.search(pattern, line):
                        return found[0]
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


def _is_installed() -> bool:
    return Path(sys.prefix).resolve() == (ROOT / ".venv").resolve()


def alive(pid: int) -> bool:
    """Tell whether a process lives; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
