"""What tests of uploads by tus share: how one is begun, sent and asked about."""

import base64
import hashlib
import sqlite3
from typing import Any

import aiohttp

from tests.integration.serving import (
    Server,
)

CSV = b"Date,Description,Amount\n2026-01-01,Coffee,-3.20\n"
UPLOADS = "/api/v1/uploads/"
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


def metadata(**facts: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in facts.items())


def checksum(content: bytes, name: str = "sha256") -> str:
    return f"{name} {base64.b64encode(hashlib.new(name, content).digest()).decode()}"


async def begin(client: aiohttp.ClientSession, length: int, **facts: str) -> str:
    """Begin an upload; return its address."""
    headers = {
        **TUS,
        "Upload-Length": str(length),
        "Upload-Metadata": metadata(**{"filename": "a.csv", **facts}),
    }
    async with client.post(UPLOADS, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        return answer.headers["Location"]


async def send(
    client: aiohttp.ClientSession, address: str, offset: int, content: Any, **headers: str
) -> aiohttp.ClientResponse:
    """Send one piece."""
    given = {**PIECE, "Upload-Offset": str(offset), **headers}
    async with client.patch(address, data=content, headers=given) as answer:
        await answer.read()
        return answer


async def head(client: aiohttp.ClientSession, address: str) -> aiohttp.ClientResponse:
    async with client.head(address, headers=TUS) as answer:
        return answer


async def offset_of(client: aiohttp.ClientSession, address: str) -> int:
    answer = await head(client, address)
    assert answer.status == 200
    return int(answer.headers["Upload-Offset"])


async def code(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json(content_type=None))["code"]


def arriving(server: Server) -> list[str]:
    return [path.name for path in server.settings.incoming_dir.iterdir()]


def jobs(server: Server) -> list[tuple[str, int, str]]:
    """Return filename, size and hash of every job."""
    with sqlite3.connect(server.settings.database_path) as database:
        return database.execute("SELECT filename, size_bytes, sha256 FROM job").fetchall()
