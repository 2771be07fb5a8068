"""kill -9 in the middle of a piece: what the server then says it has, it has."""

import asyncio
import base64
import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from app.web.arrivals import KEEP_BYTES
from tests.integration.serving import settings_for, state_of, token_of, with_user
from tests.patience import LONGEST_S
from tests.process import ServerProcess

SEED = 20261121
KILLS = 4
MIB = 1024 * 1024
CONTENT = random.Random(SEED).randbytes(60 * MIB)
BLOCK = 256 * 1024
UPLOADS = "/api/v1/uploads/"
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {"Content-Type": "application/offset+octet-stream"}


async def blocks(start: int, end: int) -> AsyncIterator[bytes]:
    """Yield a stretch of the file, and then nothing for ever."""
    for at in range(start, end, BLOCK):
        yield CONTENT[at : min(at + BLOCK, end)]
    await asyncio.Event().wait()


async def begin(client: aiohttp.ClientSession) -> str:
    headers = {**TUS, "Upload-Length": str(len(CONTENT)), "Upload-Metadata": "filename YS5iaW4="}
    async with client.post(UPLOADS, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        return answer.headers["Location"]


async def offset_of(client: aiohttp.ClientSession, address: str) -> int:
    async with client.head(address, headers=TUS) as answer:
        assert answer.status == 200
        return int(answer.headers["Upload-Offset"])


async def written(folder: Path, least: int) -> None:
    """Wait until so much of an upload was written to its file."""
    async with asyncio.timeout(LONGEST_S):
        while sum(path.stat().st_size for path in (folder / "incoming").glob("*.tus")) < least:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.005)  # leave it the processor


async def send_and_kill(
    server: ServerProcess, token: str, address: str, start: int, end: int, **headers: str
) -> None:
    """Send from `start` to `end`, and kill the server with the rest of the piece still missing."""
    given = {**TUS, **CHUNK, "Upload-Offset": str(start), **headers}
    async with server.client(token) as client:
        sending = asyncio.create_task(
            client.patch(address, data=blocks(start, end), headers=given).__aenter__()
        )
        await written(server.data_dir, end - MIB)
        await server.kill(with_workers=True)
        with pytest.raises(aiohttp.ClientError):
            await sending


async def test_a_killed_upload_goes_on_where_the_server_says(tmp_path: Path) -> None:
    luck = random.Random(SEED)
    settings = settings_for(tmp_path)
    with_user(settings, "ann")
    token = token_of(settings, "ann")
    server = ServerProcess(tmp_path)
    await server.start()
    try:
        async with server.client(token) as client:
            address = await begin(client)
        offset = 0
        for _ in range(KILLS):
            end = offset + luck.randrange(10 * MIB, 14 * MIB)
            await send_and_kill(server, token, address, offset, end)
            await server.start()
            async with server.client(token) as client:
                reached = await offset_of(client, address)
            assert offset + KEEP_BYTES <= reached <= end, "more was written, so that much was safe"
            offset = reached
        piece = CONTENT[offset : offset + 5 * MIB]
        digest = base64.b64encode(hashlib.sha1(piece + b"more").digest()).decode()
        header = {"Upload-Checksum": f"sha1 {digest}"}
        await send_and_kill(server, token, address, offset, offset + len(piece), **header)
        await server.start()
        async with server.client(token) as client:
            assert await offset_of(client, address) == offset, "it could not be checked"
            given = {**TUS, **CHUNK, "Upload-Offset": str(offset)}
            async with client.patch(address, data=CONTENT[offset:], headers=given) as answer:
                assert answer.status == 204, await answer.text()
                job = await state_of(client, answer.headers["Livetrail-Job"])
        assert (job["size"], job["sha256"]) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
        assert not list((tmp_path / "incoming").iterdir())
    finally:
        await server.kill(with_workers=True)
