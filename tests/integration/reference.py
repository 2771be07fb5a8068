"""Where clients that others wrote meet the server: a process to kill, and a network to cut."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp

from app.settings import Settings
from app.web.identity import COOKIE
from tests.integration.serving import ended, files_form, followed, session_of, token_of, with_user
from tests.node import CLIENTS
from tests.patience import LONGEST_S
from tests.process import ServerProcess

PAGE = "http://127.0.0.1:3000"  # where somebody else's front end is served from
LINE_BYTES = 2**22
COFFEE = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n2025-01-04,Tea,-2.10\n"
# Days that can be read two ways: the server asks which is meant.
EITHER_WAY = b"Date,Description,Amount\n03/04/2025,Tea,-2.50\n01/02/2025,Coffee,-3.40\n"
NO_TABLE = b"Dear diary, nothing happened today.\n"


class Network:
    """A cable to the server that can be cut: what goes over it is broken off at once.

    While it is cut the first who tries is turned away, so that a client has to try again; those
    after it wait in line until it is mended, so that no client gives up on a slow machine.
    """

    def __init__(self) -> None:
        self.port = 0
        self.tries = 0  # connections since it was laid, or cut
        self._target = 0
        self._whole = asyncio.Event()
        self._tried = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def lay(self, target: int) -> None:
        """Connect it to the server's port."""
        self._target = target
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.mend()

    def cut(self) -> None:
        self.tries = 0
        self._whole.clear()
        for writer in self._lines:
            writer.transport.abort()

    def mend(self) -> None:
        self._whole.set()

    async def until_tried(self, more: int) -> None:
        """Wait until somebody has tried to connect so many further times."""
        goal = self.tries + more
        async with asyncio.timeout(LONGEST_S):
            while self.tries < goal:
                self._tried.clear()
                await self._tried.wait()

    async def remove(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        self.tries += 1
        self._tried.set()
        try:
            if not self._whole.is_set():
                if self.tries == 1:
                    writer.transport.abort()
                    return
                await self._whole.wait()
            back, forth = await asyncio.open_connection("127.0.0.1", self._target)
            self._lines.add(forth)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pass_on(reader, forth))
                    both.create_task(_pass_on(back, writer))
            finally:
                self._lines.discard(forth)
                forth.close()
        except OSError:
            pass  # cut, or nobody there
        finally:
            self._lines.discard(writer)
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


class Client:
    """A client in a process of its own, and all that it told, oldest first."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._asked = 0
        self._more = asyncio.Event()
        self.told: list[dict[str, Any]] = []

    async def hear(self) -> None:
        """Take what it tells until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            try:
                self.told.append(json.loads(line))
            except ValueError:
                self.told.append({"line": line.decode().rstrip()})
            self._more.set()
        self.told.append({"ended": True})
        self._more.set()

    async def until(self, what: Callable[[dict[str, Any]], bool], after: int = 0) -> dict[str, Any]:
        """Wait for something told since `after` of which `what` holds; return it."""
        at = after
        try:
            async with asyncio.timeout(LONGEST_S):
                while True:
                    while at < len(self.told):
                        one = self.told[at]
                        at += 1
                        assert "crashed" not in one, one["crashed"]
                        if what(one):
                            return one
                        assert "ended" not in one, self.told[-8:]
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            last = "\n".join(json.dumps(one)[:600] for one in self.told[-12:])
            raise AssertionError(f"waited in vain; it told last:\n{last}") from None

    async def ask(self, command: str, **options: Any) -> Any:
        """Have it do something; return the value. Raises AssertionError with what went wrong."""
        self._asked += 1
        asked, before = self._asked, len(self.told)
        assert self._process.stdin is not None
        line = json.dumps({"id": asked, "do": command, "with": options})
        self._process.stdin.write(line.encode() + b"\n")
        answer = await self.until(lambda one: one.get("answer") == asked, before)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def all(self, key: str) -> list[Any]:
        """Return everything told under `key`, oldest first."""
        return [one[key] for one in self.told if key in one]


class Scene:
    """A server with one user, ann, whose clients reach it over a network that can be cut."""

    def __init__(self, process: ServerProcess, network: Network, settings: Settings) -> None:
        self.process = process
        self.network = network
        self.settings = settings
        self.user_id = with_user(settings, "ann").id
        self.token = token_of(settings, "ann")
        self.cookie = f"{COOKIE}={session_of(settings, 'ann')}"
        self.listen_token = ""

    async def begin(self) -> None:
        await self.start()
        await self.network.lay(self.process.port)
        async with (
            self.http() as http,
            http.post("/api/v1/auth/websocket-token", json={"kind": "listen"}) as answer,
        ):
            assert answer.status == 200, await answer.text()
            self.listen_token = (await answer.json())["token"]

    async def start(self) -> None:
        """Start the server, for a front end elsewhere and for as many clients as a test has."""
        await self.process.start(
            LIVETRAIL_ALLOWED_ORIGINS=PAGE,
            LIVETRAIL_WORKERS="1",
            LIVETRAIL_MAX_WEBSOCKET_CONNECTIONS_PER_USER="20",
        )

    async def end(self) -> None:
        await self.network.remove()
        if self.process.runs:
            await self.process.stop()

    def http(self) -> aiohttp.ClientSession:
        """Return a program's client that reaches the server however the network is."""
        return self.process.client(self.token)

    async def upload(
        self, *files: tuple[str, bytes], options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Bring files as another program of ann's would; return the answer."""
        form = files_form(*files, options=json.dumps(options or {}))
        async with self.http() as http, http.post("/api/v1/batches", data=form) as answer:
            assert answer.status == 202, await answer.text()
            accepted: dict[str, Any] = await answer.json()
            return accepted

    async def only_job(self, batch_id: str) -> str:
        """Return the id of the one job of a batch."""
        query = {"batch_id": batch_id}
        async with self.http() as http, http.get("/api/v1/jobs", params=query) as answer:
            (job,) = (await answer.json())["jobs"]
            return str(job["job_id"])

    async def asked(self, job_id: str) -> str:
        """Wait until the job asks; return the id of its question."""
        async with self.http() as http:
            events = await followed(http, f"job:{job_id}", "clarification_requested")
        return str(events[-1]["clarification_id"])

    async def answer(self, clarification_id: str, answer: Any) -> None:
        """Answer a question elsewhere than in the client."""
        path = f"/api/v1/clarifications/{clarification_id}/answer"
        async with self.http() as http, http.post(path, json={"answer": answer}) as got:
            assert got.status == 200, await got.text()

    async def finished(self, accepted: dict[str, Any]) -> list[dict[str, Any]]:
        """Wait until every file of an upload has ended; return their states."""
        async with self.http() as http:
            return await ended(http, accepted)

    async def connections(self) -> list[dict[str, Any]]:
        """Return what an operator sees of the connections."""
        async with self.http() as http, http.get("/api/v1/websocket/status") as answer:
            assert answer.status == 200, await answer.text()
            found: list[dict[str, Any]] = (await answer.json())["connections"]
            return found

    async def until_nobody_listens(self) -> None:
        async with asyncio.timeout(LONGEST_S):
            while await self.connections():  # noqa: ASYNC110  # nobody is told of it
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End the server by force, with everything that it started."""
        self.network.cut()
        await self.process.kill(with_workers=True)

    async def restart(self) -> None:
        await self.start()
        self.network.mend()

    @contextlib.asynccontextmanager
    async def node(self, script: str, **variables: str) -> AsyncIterator[Client]:
        """Run a client of tests/clients under Node."""
        node = shutil.which("node")
        assert node is not None
        async with self.program(node, "--no-warnings", script, **variables) as client:
            await client.until(lambda one: "ready" in one)
            yield client

    @contextlib.asynccontextmanager
    async def program(self, *command: str, **variables: str) -> AsyncIterator[Client]:
        """Run a program in tests/clients that knows the server's address."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=CLIENTS,
            env={**os.environ, "PAGE": PAGE, "LIVETRAIL": self.network.url, **variables},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
        )
        client = Client(process)
        hearing = asyncio.create_task(client.hear())
        try:
            yield client
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            await hearing


@contextlib.asynccontextmanager
async def scene(data_dir: Path) -> AsyncIterator[Scene]:
    """Set a scene on a data folder, and clear it away."""
    async with ServerProcess(data_dir) as process:
        made = Scene(process, Network(), Settings(data_dir=data_dir))
        await made.begin()
        try:
            yield made
        finally:
            await made.end()


def file_of(name: str, content: bytes, kind: str = "text/csv") -> dict[str, str]:
    """Return a file as a client takes it from the test."""
    return {"name": name, "type": kind, "base64": base64.b64encode(content).decode()}
