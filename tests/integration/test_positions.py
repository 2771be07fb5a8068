"""Durable names: what was not acknowledged is told again, on whatever connection comes next."""

import asyncio
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from app.core.times import DAY_MS
from app.live.positions import Positions
from app.store import cursors
from app.store.cursors import advance_cursors, begin_cursor, forget_cursors
from app.store.database import Database, migrate
from app.store.writer import connect_writer
from tests.integration.listening import ANN, BOB, House, a_house, job_id
from tests.process import ROOT


async def visit(house: House, name: str, *, ack: int | None = None, who: str = "ann") -> list[int]:
    """Come with a name, go on from where it was acknowledged, and say what was told by `live`."""
    async with house.follow(who, name=name) as client:
        await client.subscribe(after="acked")
        seqs = [m["seq"] for m in await client.until("live") if "n" in m]
        if ack is not None:
            await client.say(op="ack", seq=ack)
            await client.say(op="ping", id=1)
            assert (await client.until("pong"))[-1]["id"] == 1
        return seqs


async def test_what_was_not_acknowledged_is_told_again_on_the_next_visit(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        assert await visit(house, "till") == []  # a new name begins now
        await house.progress(1, times=4)  # 3 to 6
        assert await visit(house, "till") == [3, 4, 5, 6]
        assert await visit(house, "till", ack=4) == [3, 4, 5, 6]
        assert await visit(house, "till") == [5, 6]
        assert await visit(house, "till", ack=6) == [5, 6]
        assert await visit(house, "till") == []


async def test_a_position_never_moves_back(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await visit(house, "till", ack=2)
        await house.progress(1)
        await visit(house, "till", ack=1)
        assert await visit(house, "till") == [3]


async def test_names_are_apart_and_so_are_those_of_other_people(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        for name, who in (("till", "ann"), ("phone", "ann"), ("till", "bob")):
            await visit(house, name, who=who)
        await house.progress(1)
        assert await visit(house, "till", ack=3) == [3]
        assert await visit(house, "phone") == [3]
        assert await visit(house, "till", who="bob") == []  # nothing here is Bob's
        rows = await house.database.reader.execute_fetchall("SELECT holder, name FROM cursor")
        assert sorted(map(tuple, rows)) == [(ANN, "phone"), (ANN, "till"), (BOB, "till")]


async def test_two_connections_of_one_name_share_its_position(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await visit(house, "till")
        await house.progress(1)
        async with house.follow(name="till") as one, house.follow(name="till") as other:
            await one.subscribe(after="acked")
            await one.until("live")
            await one.say(op="ack", seq=3)
            await one.say(op="ping")
            await one.until("pong")
            await other.subscribe(after="acked")
            assert not [m for m in await other.until("live") if "n" in m]


async def test_a_name_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await visit(house, "till")
        await house.progress(1, times=2)
        await visit(house, "till", ack=3)
    async with a_house(tmp_path) as house:
        assert await visit(house, "till") == [4]


KILLED = """
import asyncio, sys, os, signal
from pathlib import Path
from tests.integration.listening import a_house
from tests.integration.test_positions import visit

async def main():
    async with a_house(Path(sys.argv[1])) as house:
        await house.create(1)
        await visit(house, "till")
        os.kill(os.getpid(), signal.SIGKILL)  # long before the next group is written

asyncio.run(main())
"""


async def test_where_a_new_name_begins_survives_a_kill(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(tmp_path), cwd=ROOT
    )
    assert await process.wait() == -signal.SIGKILL
    async with a_house(tmp_path) as house:
        await house.progress(1)
        assert await visit(house, "till") == [3]


async def test_what_a_room_is_still_owed_can_not_be_acknowledged(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await visit(house, "till")
        async with house.follow(name="till") as client:
            await client.subscribe()
            await client.until("live")
            await house.progress(1, times=3)  # 3 to 5
            assert await client.seqs(upto=5) == [3, 4, 5]
            await client.say(op="ack", seq=4)
            may_read = hold_back(house)
            await client.subscribe(f"job:{job_id(1)}", after=0)
            await client.say(op="ack", seq=5)
            await client.say(op="ping")
            await client.until("pong")
            may_read.set()
        assert await visit(house, "till") == [5]


def hold_back(house: House) -> asyncio.Event:
    """Let nobody read the log until the event that is returned was set."""
    may_read = asyncio.Event()
    read = house.hub._pages._read_room

    async def patient(*asked: Any) -> Any:
        await may_read.wait()
        return await read(*asked)

    house.hub._pages._read_room = patient  # type: ignore[method-assign]
    return may_read


@pytest.mark.parametrize(
    ("name", "message", "code"),
    [
        (None, {"op": "ack", "seq": 0}, "unsupported"),
        (None, {"op": "subscribe", "room": "user:me", "after": "acked"}, "unsupported"),
        ("till", {"op": "ack", "seq": 3}, "invalid_request"),
    ],
)
async def test_what_can_not_be_acknowledged_is_refused(
    tmp_path: Path, name: str | None, message: dict[str, object], code: str
) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        query = {} if name is None else {"name": name}
        async with house.follow(**query) as client:
            await client.say(**message, id="x")
            error = (await client.until("error"))[-1]
            assert (error["id"], error["code"]) == ("x", code)


# The table


@pytest.fixture
def table(tmp_path: Path) -> sqlite3.Connection:
    connection = connect_writer(tmp_path / "l.db")
    migrate(connection)
    connection.execute("INSERT INTO user VALUES (?, 'ann', 'member', '', 0, 0)", (ANN,))
    return connection


def names(table: sqlite3.Connection) -> list[str]:
    return [row[0] for row in table.execute("SELECT name FROM cursor ORDER BY name")]


def test_names_that_nobody_used_for_long_are_forgotten(table: sqlite3.Connection) -> None:
    begin_cursor(table, ANN, "old", 1, now_ms=0)
    begin_cursor(table, ANN, "new", 1, now_ms=0)
    advance_cursors(table, [(ANN, "new", 1)], now_ms=10)
    assert forget_cursors(table, before_ms=5) == 1
    assert names(table) == ["new"]


def test_names_go_with_whoever_had_them(table: sqlite3.Connection) -> None:
    table.execute("INSERT INTO share VALUES ('s', ?, 'all', '', 0, 0, NULL)", (ANN,))
    for holder in (ANN, BOB, "share:s", "share:gone"):
        begin_cursor(table, holder, f"of {holder}", 1, now_ms=9)
    forget_cursors(table, before_ms=5)
    assert names(table) == sorted([f"of {ANN}", "of share:s"])


def test_somebody_who_makes_up_names_without_end_keeps_the_latest(
    table: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursors, "NAMES_AT_MOST", 3)
    for number in range(6):
        advance_cursors(table, [(ANN, str(number), 1)], now_ms=number)
    assert names(table) == ["3", "4", "5"]


async def test_names_that_are_in_use_are_never_too_old(tmp_path: Path) -> None:
    now_ms = 0
    database = await Database.open(tmp_path / "l.db")
    writer = database.writer
    await writer.run(
        lambda c: c.execute("INSERT INTO user VALUES (?, 'a', 'member', '', 0, 0)", (ANN,))
    )
    async with Positions(writer, keep_days=30, clock_ms=lambda: now_ms) as positions:
        with positions.borne(ANN, "till") as position:
            await position.begin(5)
            with positions.borne(ANN, "left") as left:
                await left.begin(5)
            await positions.write()
            now_ms = 31 * DAY_MS
            await positions.forget()
            rows = await database.reader.execute_fetchall("SELECT name FROM cursor")
            assert [row[0] for row in rows] == ["till"]
    await database.close()


async def test_what_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "l.db")
    async with Positions(database.writer, keep_days=30) as positions:
        with positions.borne(ANN, "till") as position:
            position.ack(5)
        await database.writer.run(lambda c: c.execute("ALTER TABLE cursor RENAME TO away"))
        await positions.write()
        await database.writer.run(lambda c: c.execute("ALTER TABLE away RENAME TO cursor"))
    rows = list(await database.reader.execute_fetchall("SELECT acked FROM cursor"))
    assert [row[0] for row in rows] == [5]
    await database.close()
