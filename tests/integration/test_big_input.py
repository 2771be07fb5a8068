"""A gigabyte without a line end: told in time, and nobody holds it in memory."""

import asyncio
import re
import shutil
import socket
import threading
from pathlib import Path

from app.settings import GIB, MIB, Settings
from tests.integration.bad_files import table
from tests.integration.serving import ended, token_of, upload, with_user
from tests.process import ServerProcess

SIZE_BYTES = GIB
BLOCK_BYTES = 4 * MIB
HEAD = b'--x\r\nContent-Disposition: form-data; name="files"; filename="line.csv"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


class Memory:
    """Watches the memory that a server and its descendants have of their own, from a thread."""

    def __init__(self, server: ServerProcess) -> None:
        self.server_bytes = 0  # the most at any time
        self.worker_bytes = 0  # the most that one worker ever had
        self._server = server
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            self.server_bytes = max(self.server_bytes, own_bytes(self._server.pid))
            workers = map(own_bytes, self._server.family())
            self.worker_bytes = max(self.worker_bytes, *workers, 0)


def own_bytes(pid: int) -> int:
    """Return the memory of a process that is no file's, 0 when it has ended."""
    try:
        found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def send_line(port: int, token: str) -> bytes:
    """Upload a gigabyte of one letter and return the whole answer."""
    size = len(HEAD) + SIZE_BYTES + len(TAIL)
    block = b"x" * BLOCK_BYTES
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            f"POST /api/v1/batches HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {size}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode()
        )
        connection.sendall(HEAD)
        for _ in range(SIZE_BYTES // BLOCK_BYTES):
            connection.sendall(block)
        connection.sendall(TAIL)
        with connection.makefile("rb") as answer:
            return answer.read()


async def test_a_gigabyte_without_a_line_end_is_refused_in_flat_memory(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with_user(settings, "ann")
    server = ServerProcess(settings.data_dir)
    await server.start()
    try:
        async with server.client(token_of(settings, "ann")) as client:
            (good,) = await ended(client, await upload(client, ("good.csv", table(20))))
            assert good["status"] == "completed"
            with Memory(server) as usual:
                await ended(client, await upload(client, ("good too.csv", table(30))))
            with Memory(server) as memory:
                token = token_of(settings, "ann")
                answer = await asyncio.to_thread(send_line, server.port, token)
                assert answer.startswith(b"HTTP/1.1 202"), answer[:500]
                (job_id,) = re.findall(rb'"job_id":\s?"([^"]+)"', answer)
                batch = re.findall(rb'"batch_id":\s?"([^"]+)"', answer)[0].decode()
                accepted = {"batch_id": batch, "jobs": [{"job_id": job_id.decode()}]}
                (state,) = await ended(client, accepted)
            (after,) = await ended(client, await upload(client, ("later.csv", table(40))))
    finally:
        await server.stop()
        await asyncio.to_thread(shutil.rmtree, settings.data_dir)  # a gigabyte
    assert (state["error"]["code"], state["size"]) == ("line_too_long", SIZE_BYTES)
    assert state["error"]["title"] == "Line 1 of line.csv is longer than 1 MB"
    assert after["status"] == "completed"
    assert memory.server_bytes - usual.server_bytes < 48 * MIB
    assert memory.worker_bytes - usual.worker_bytes < 48 * MIB
