"""What is written of webhooks and services: attempts, and changes that come at once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.core.rooms import Room
from app.core.webhooks import secret_text
from app.fairness import FairTurns
from app.live.courier import Office, Reply
from app.store.accounts import add_user
from app.store.channels import Channel, ChannelUpdate, add_channel, change_channel, get_channel
from app.store.database import Database
from app.store.deliveries import list_deliveries
from app.store.webhooks import Hook, HookChange, HookWish, add_hook, change_hook, get_hook

WISH = HookWish("https://example.com/", "", Room("user", "me"), (), "off", 0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "livetrail.db")
    yield opened
    await opened.close()


@pytest.fixture
async def hook(database: Database) -> Hook:
    def work(connection: sqlite3.Connection) -> str:
        user = add_user(connection, "ann", "no hash", "member", 0)
        return add_hook(connection, user.id, WISH, secret_text(b"x" * 32), 0)

    made = await get_hook(database.reader, await database.writer.run(work))
    assert made is not None
    return made


async def test_a_message_that_waited_for_its_turn_is_signed_when_it_is_sent(
    database: Database, hook: Hook
) -> None:
    sent: list[Mapping[str, str]] = []
    now_ms = 1_000_000

    async def post(_: str, headers: Mapping[str, str], __: bytes) -> Reply:
        sent.append(headers)
        return Reply(200, "", "")

    turns = FairTurns(1)
    office = Office(database, lambda: 0, post, turns, clock_ms=lambda: now_ms)
    async with turns.of("somebody else"):
        testing = asyncio.create_task(office.test(hook))
        await asyncio.sleep(0)
        now_ms += 600_000
    tried = await testing
    assert sent[0]["webhook-timestamp"] == "1600"
    assert tried.tried_ms == 1_600_000


async def test_tests_are_kept_like_other_messages_so_many_and_no_more(
    database: Database, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.deliveries.KEPT", 3)

    async def post(*_: Any) -> Reply:
        return Reply(None, "", "nothing answers there")

    office = Office(database, lambda: 0, post, FairTurns(1))
    ids = [(await office.test(hook)).id for _ in range(5)]
    kept = await list_deliveries(database.reader, hook.id)
    assert {one.id for one in kept} == set(sorted(ids)[-3:])


async def test_two_who_change_it_at_once_both_have_changed_it(
    database: Database, hook: Hook
) -> None:
    """Both read it as it was, and each is to change what it names, and nothing else."""

    def work(connection: sqlite3.Connection) -> None:
        change_hook(connection, hook, HookChange(state="on"), 0)
        change_hook(connection, hook, HookChange(label="Books"), 0)

    await database.writer.run(work)
    now = await get_hook(database.reader, hook.id)
    assert now is not None
    assert (now.state, now.label, now.url) == ("on", "Books", hook.url)


async def test_a_change_passes_over_nothing_that_another_change_made_it_wait_for(
    database: Database, hook: Hook
) -> None:
    """The log was looked through up to 100 for other types than it has by now."""

    def work(connection: sqlite3.Connection) -> None:
        change_hook(connection, hook, HookChange(types=("batch_completed",)), 90)
        change_hook(connection, hook, HookChange(label="Books"), 100)

    await database.writer.run(work)
    now = await get_hook(database.reader, hook.id)
    assert now is not None
    assert now.cursor == 90


async def test_a_service_keeps_what_a_change_does_not_name(database: Database, hook: Hook) -> None:
    made = Channel(
        id="c",
        user_id=hook.user_id,
        label="mine",
        address="jsons://example.com/secret",
        service="JSON",
        shown="jsons://example.com…",
        kinds=("ended", "question"),
        state="off",
        cursor=5,
        told_ms=None,
        error="it did not arrive",
        created_ms=0,
    )

    def work(connection: sqlite3.Connection) -> None:
        add_channel(connection, made)
        change_channel(connection, "c", ChannelUpdate(label="ours"), 7)

    await database.writer.run(work)
    assert await get_channel(database.reader, "c") == replace(made, label="ours")
    turned_on = partial(change_channel, channel_id="c", change=ChannelUpdate(state="on"), head=9)
    await database.writer.run(turned_on)
    assert await get_channel(database.reader, "c") == replace(
        made, label="ours", state="on", cursor=9, error=""
    )


def test_a_webhook_in_a_log_line_shows_no_secret(hook: Hook) -> None:
    assert hook.secret not in repr(hook)
