"""Requests that began before their session ended, and end after it: they let nobody in again."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.store.accounts import change_password
from app.store.offline import offline
from app.store.secrets import password_fits
from app.store.users import change_role
from app.store.writer import Writer
from app.web import logins, tokens, users
from app.web.identity import COOKIE
from tests.integration.serving import (
    LONGEST_S,
    PASSWORD,
    Server,
    password_hash,
    session_of,
    with_user,
)
from tests.integration.test_edge import answers, connected

Send = Callable[[], Awaitable[tuple[int, Any]]]


@asynccontextmanager
async def held(
    server: Server, monkeypatch: pytest.MonkeyPatch, cookie: str, question: str, body: object
) -> AsyncIterator[Send]:
    """Ask `question`, and hold its body back until what is yielded is called for the answer.

    It is yielded once the handler waits for the body: who asks was recognised before.
    """
    waits = asyncio.Event()
    for module in (tokens, users, logins):

        async def noticed(*given: Any, read: Any = module.read_json) -> Any:
            waits.set()
            return await read(*given)

        monkeypatch.setattr(module, "read_json", noticed)
    text = json.dumps(body).encode()
    head = (
        f"{question} HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nConnection: close\r\n"
        f"Cookie: {COOKIE}={cookie}\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    async with connected(server) as (reader, writer):

        async def send() -> tuple[int, Any]:
            writer.write(text)
            async with asyncio.timeout(LONGEST_S):
                ((status, _, told),) = await answers(await reader.read())
            return status, told

        writer.write(head.encode())
        async with asyncio.timeout(LONGEST_S):
            await waits.wait()
        yield send


ASKED = [
    ("POST /api/v1/tokens", {"label": "mine for ever"}),
    ("POST /api/v1/users", {"name": "eve", "password": "a long enough one", "role": "operator"}),
    ("PATCH /api/v1/users/{}", {"password": "a long enough one"}),
    ("POST /api/v1/auth/password", {"old": PASSWORD, "new": "a long enough one"}),
]


@pytest.mark.parametrize(("question", "body"), ASKED)
async def test_who_was_signed_out_meanwhile_changes_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, question: str, body: dict[str, str]
) -> None:
    thief = session_of(server.settings, "ann")
    question = question.format(user_of(server, "bob"))
    async with held(server, monkeypatch, thief, question, body) as send:
        async with (
            server.client("ann") as ann,
            ann.post("/api/v1/auth/logout-everywhere", json={"tokens": True}) as answer,
        ):
            assert answer.status == 204
        status, told = await send()
    assert (status, told["code"]) == (401, "not_authenticated")
    assert known(server) == ({"ann", "bob"}, 0, {"ann", "bob"})


@pytest.mark.parametrize(("question", "body"), ASKED[1:3])
async def test_who_is_no_operator_any_more_changes_nobody(
    server: Server, monkeypatch: pytest.MonkeyPatch, question: str, body: dict[str, str]
) -> None:
    with_user(server.settings, "cem", admin=True)
    session = session_of(server.settings, "cem")
    question, cem = question.format(user_of(server, "bob")), user_of(server, "cem")
    async with held(server, monkeypatch, session, question, body) as send:
        with offline(server.settings.database_path) as database:
            change_role(database, cem, "member")
        status, told = await send()
    assert (status, told["code"]) == (403, "not_allowed")
    assert known(server) == ({"ann", "bob", "cem"}, 0, {"ann", "bob", "cem"})


async def test_a_new_password_is_not_overwritten_by_who_knew_the_old_one(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator's reset comes after the old password was looked at, and before it is changed."""
    thief, ident = session_of(server.settings, "bob"), user_of(server, "bob")
    written = Writer.run

    async def reset_first(writer: Writer, work: Any) -> Any:
        if "change_own_password" in getattr(work, "__qualname__", ""):
            fresh = password_hash()
            await written(writer, lambda db: change_password(db, ident, fresh))
        return await written(writer, work)

    monkeypatch.setattr(Writer, "run", reset_first)
    body = {"old": PASSWORD, "new": "a long enough one"}
    async with held(server, monkeypatch, thief, "POST /api/v1/auth/password", body) as send:
        status, told = await send()
    assert (status, told["code"]) == (401, "not_authenticated")
    assert "bob" in known(server)[2]


def user_of(server: Server, name: str) -> str:
    """Return the id of the user called `name`."""
    with offline(server.settings.database_path) as database:
        row = database.execute("SELECT id FROM user WHERE name = ?", (name,)).fetchone()
        return str(row[0])


def known(server: Server) -> tuple[set[str], int, set[str]]:
    """Return the names of the users, how many tokens there are, and whose password is PASSWORD."""
    with offline(server.settings.database_path) as database:
        kept = dict(database.execute("SELECT name, password_hash FROM user"))
        (tokens_kept,) = database.execute("SELECT count(*) FROM token").fetchone()
    return set(kept), tokens_kept, {name for name in kept if password_fits(PASSWORD, kept[name])}
