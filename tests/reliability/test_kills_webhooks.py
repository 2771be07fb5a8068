"""kill -9 between a commit, its message and the answer: a webhook is told of every event."""

import asyncio
import contextlib
import random
import sqlite3
from collections import defaultdict
from pathlib import Path

import orjson
from aiohttp import web
from standardwebhooks import Webhook

from app.core.samples import transactions_csv
from app.settings import Settings
from tests.integration.receiver import receiving
from tests.integration.serving import files_form, token_of, with_user
from tests.process import ServerProcess

KILLS = 5
SEED = 20261120
LONGEST_S = 120.0


def committed(folder: Path) -> dict[int, bytes]:
    """Return the log: bodies by place."""
    with contextlib.closing(sqlite3.connect(folder / "livetrail.db")) as db:
        return {seq: bytes(body) for seq, body in db.execute("SELECT seq, body FROM event")}


async def test_every_event_arrives_under_one_id_however_often_the_server_is_killed(
    tmp_path: Path,
) -> None:
    chance = random.Random(SEED)
    data_dir = tmp_path / "data"
    settings = Settings(data_dir=data_dir)
    with_user(settings, "ann")
    token = token_of(settings, "ann")
    process = ServerProcess(data_dir)
    due, cut = asyncio.Event(), 0

    async def answer(_: web.Request) -> web.StreamResponse:
        """Answer, but for the call at which the server dies: that one it never hears of."""
        if cut and len(receiver.calls) >= cut:
            due.set()
            await asyncio.Event().wait()
        return web.Response()

    async with receiving(answer) as receiver:
        await process.start(LIVETRAIL_ALLOW_PRIVATE_TARGETS="true")
        try:
            async with process.client(token) as client:
                wish = {"url": receiver.url, "types": None}
                async with client.post("/api/v1/webhooks", json=wish) as made:
                    secret = (await made.json())["secret"]
            for number in range(KILLS):
                due.clear()
                cut = len(receiver.calls) + chance.randint(1, 12)
                table = b"".join(transactions_csv(500)) + f"2026-11-20,No {number},-1\n".encode()
                async with process.client(token) as client:
                    form = files_form((f"{number}.csv", table))
                    async with client.post("/api/v1/batches", data=form) as accepted:
                        assert accepted.status == 202
                async with asyncio.timeout(LONGEST_S):
                    await due.wait()
                await process.kill(with_workers=True)
                cut = 0
                await process.start(LIVETRAIL_ALLOW_PRIVATE_TARGETS="true")
            async with asyncio.timeout(LONGEST_S):
                while True:
                    ends = sum(b'"type":"batch_completed"' in c.body for c in receiver.calls)
                    places = {orjson.loads(c.body)["data"]["seq"] for c in receiver.calls}
                    if ends >= KILLS and places == set(committed(data_dir)):
                        break
                    await receiver.called(len(receiver.calls) + 1)
        finally:
            await process.kill(with_workers=True)

    log = committed(data_dir)
    ids: defaultdict[int, set[str]] = defaultdict(set)
    for call in receiver.calls:
        message = Webhook(secret).verify(call.body, call.headers)
        place = message["data"]["seq"]
        assert message["data"] == orjson.loads(log[place])
        ids[place].add(call.headers["webhook-id"])
    assert set(ids) == set(log)
    assert {len(one) for one in ids.values()} == {1}
    assert len({ident for one in ids.values() for ident in one}) == len(log)
    assert len(receiver.calls) > len(log)  # what was on its way came again
