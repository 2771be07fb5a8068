"""A whole server for a test: make_app on a folder of its own, spoken to over real sockets."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from blockbuster import blockbuster_ctx
from yarl import URL

from app.core.asking import Question
from app.core.ids import uuid7
from app.core.notifications import KINDS, masked
from app.core.rooms import Room
from app.core.times import DAY_MS
from app.core.webhooks import TEST_TYPE, secret_text
from app.serving import listening
from app.settings import Settings
from app.store.accounts import User, add_user, find_user, now_ms
from app.store.channels import Channel, add_channel, new_channel_id
from app.store.clarifications import Asked, AskedBy, insert_clarifications
from app.store.deliveries import Delivery, insert_delivery
from app.store.logins import add_login
from app.store.offline import issue_token, offline
from app.store.secrets import hash_password
from app.store.webhooks import HookWish, add_hook
from app.web.identity import COOKIE
from tests.integration.described import as_described
from tests.patience import LONGEST_S

PASSWORD = "correct horse battery"
# Once it serves, nothing of these may hold the loop: a blocking call there raises BlockingError.
NEVER_BLOCKS = ["app.web", "app.live", "app.pipeline", "app.store.files", "app.tasks"]


@dataclass(frozen=True)
class Server:
    """A running server. `app` is for looking inside, never for asking."""

    app: web.Application
    url: str
    settings: Settings

    @asynccontextmanager
    async def client(self, name: str | None = None) -> AsyncIterator[aiohttp.ClientSession]:
        """Yield a browser-like client: cookies, an Origin; signed in when `name` is given."""
        jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address without a name
        async with aiohttp.ClientSession(
            self.url,
            cookie_jar=jar,
            headers={"Origin": self.url},
            middlewares=(as_described,),
        ) as session:
            if name is not None:
                jar.update_cookies({COOKIE: session_of(self.settings, name)}, URL(self.url))
            yield session


def settings_for(folder: Path, **changes: Any) -> Settings:
    """Return settings for a server on a free port with its data in `folder`."""
    values = {"port": 0, "data_dir": folder, "workers": 1, "min_free_bytes": 0, **changes}
    return Settings.model_validate(values)


@asynccontextmanager
async def serving(settings: Settings, *, warm: bool = False) -> AsyncIterator[Server]:
    """Run a server until the body ends.

    warm  load the readers first: for tests in which many jobs run
    """
    async with listening(settings, warm=warm) as (app, url):
        with blockbuster_ctx(scanned_modules=NEVER_BLOCKS):
            yield Server(app, url, settings)


def with_user(settings: Settings, name: str, *, admin: bool = False) -> User:
    """Add a user whose password is PASSWORD. The first one is an operator."""
    with offline(settings.database_path) as database:
        return add_user(
            database, name, password_hash(), "operator" if admin else "member", now_ms()
        )


@cache
def password_hash() -> str:
    """Return the hash of PASSWORD, which takes its time only once."""
    return hash_password(PASSWORD, 8)


def session_of(settings: Settings, name: str) -> str:
    """Return the cookie of a browser in which the user called `name` is signed in."""
    with offline(settings.database_path) as database:
        user = find_user(database, name)
        return add_login(database, user.id, user.epoch, now_ms(), now_ms() + 30 * DAY_MS)


def token_of(settings: Settings, name: str) -> str:
    """Return an API token of the user called `name`."""
    return issue_token(settings.database_path, name)


def files_form(*files: tuple[str, bytes], options: str | None = None) -> aiohttp.FormData:
    """Return an upload of `files`, each a name and its content."""
    form = aiohttp.FormData()
    for name, content in files:
        form.add_field("files", content, filename=name, content_type="text/csv")
    if options is not None:
        form.add_field("options", options, content_type="application/json")
    return form


async def upload(
    client: aiohttp.ClientSession, *files: tuple[str, bytes], options: str | None = None
) -> dict[str, Any]:
    """Upload `files` and return the answer: batch_id and jobs."""
    async with client.post("/api/v1/batches", data=files_form(*files, options=options)) as answer:
        assert answer.status == 202, await answer.text()
        accepted: dict[str, Any] = await answer.json()
        return accepted


async def begun(client: aiohttp.ClientSession) -> str:
    """Begin an upload that can be resumed, without a byte of it; return its id."""
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10"}
    async with client.post("/api/v1/uploads/", headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        return answer.headers["Location"].rpartition("/")[2]


async def deposited(client: aiohttp.ClientSession) -> str:
    """Bring an image of which it is not said yet what is to become of it; return its id."""
    form = aiohttp.FormData()
    form.add_field("file", b"\x89PNG\r\n\x1a\n", filename="a.png")
    async with client.post("/api/upload", data=form) as answer:
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["url"]).rpartition("/")[2]


def put_question(settings: Settings, job_id: str) -> str:
    """Write a question of the job that was answered; return its id."""
    ident = uuid7(now_ms(), os.urandom(10))
    question = Question("text:note", "text", "What is it about?")
    with offline(settings.database_path) as database:
        batch_id, user_id = database.execute(
            "SELECT batch_id, user_id FROM job WHERE id = ?", (job_id,)
        ).fetchone()
        by = AskedBy(job_id, batch_id, user_id, 1, "extracting", None)
        asked = Asked(ident, question, "person", "coffee", "ann")
        insert_clarifications(database, [asked], by, asked_ms=now_ms(), expires_ms=now_ms())
    return ident


def put_webhook(settings: Settings, name: str) -> dict[str, str]:
    """Write a webhook of a user, turned off, and a message that did not arrive; return their ids.

    Where it leads there is nothing, on no machine.
    """
    at_ms = now_ms()
    delivery_id = uuid7(at_ms, os.urandom(10))
    with offline(settings.database_path) as database:
        user_id = find_user(database, name).id
        wish = HookWish("https://hook.invalid/", "", Room("user", user_id), (), "off", 0)
        hook_id = add_hook(database, user_id, wish, secret_text(os.urandom(32)), at_ms)
        one = Delivery(
            delivery_id,
            hook_id,
            None,
            TEST_TYPE,
            "failed",
            1,
            at_ms,
            at_ms,
            status=500,
            error="It answered with status 500",
            answer="<p>Out of order.</p> " * 40,
        )
        insert_delivery(database, one)
    return {"webhook_id": hook_id, "delivery_id": delivery_id}


def put_channel(settings: Settings, name: str) -> str:
    """Write a service by which a user would be notified, turned off; return its id."""
    at_ms = now_ms()
    address = "jsons://service.invalid/secret"
    with offline(settings.database_path) as database:
        user_id, ident = find_user(database, name).id, new_channel_id(at_ms)
        shown, kinds = masked(address), KINDS
        add_channel(
            database,
            Channel(ident, user_id, "", address, "JSON", shown, kinds, "off", 0, None, "", at_ms),
        )
    return ident


async def state_of(client: aiohttp.ClientSession, job_id: str) -> dict[str, Any]:
    """Return the job's state as the API tells it."""
    async with client.get(f"/api/v1/jobs/{job_id}") as answer:
        assert answer.status == 200, await answer.text()
        state: dict[str, Any] = await answer.json()
        return state


async def followed(
    client: aiohttp.ClientSession, room: str, until: str, after: int = 0
) -> list[dict[str, Any]]:
    """Return the events of `room` past `after`, up to the first of the type `until`."""
    seen: list[dict[str, Any]] = []
    async with asyncio.timeout(LONGEST_S), client.ws_connect("/ws?frames=single") as socket:
        await socket.send_json({"op": "subscribe", "id": "1", "room": room, "after": after})
        async for message in socket:
            event = message.json()
            if "seq" in event and "job_id" in event:
                seen.append(event)
                if event["type"] == until:
                    return seen
    raise AssertionError(f"the socket ended before {until}; seen {[e['type'] for e in seen]}")


async def ended(client: aiohttp.ClientSession, accepted: dict[str, Any]) -> list[dict[str, Any]]:
    """Wait until every job of an accepted upload has ended, and return their states."""
    await followed(client, f"batch:{accepted['batch_id']}", "batch_completed")
    return [await state_of(client, job["job_id"]) for job in accepted["jobs"]]


async def exported(client: aiohttp.ClientSession) -> str:
    """Have everything exported; return the id of the export once its file is there."""
    async with client.post("/api/v1/exports", json={}) as answer:
        assert answer.status == 202, await answer.text()
        export_id = str((await answer.json())["export_id"])
    await followed(client, "user:me", "export_completed")
    return export_id
