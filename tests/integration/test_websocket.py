"""Listening over real sockets to a real log: resume, permissions, limits, goodbyes."""

import asyncio
import json
import re
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from app.core.errors import Conflict
from app.core.protocol import Answer, Steer
from app.live import fanout, farewell
from app.live.session import Session
from tests.integration.listening import ANN, BOB, a_house, batch_id, job_id, until
from tests.patience import LONGEST_S


async def test_the_first_message_is_welcome(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        welcome = await ann.next()
        assert welcome["type"] == "welcome"
        assert welcome["user_id"] == ANN
        assert welcome["log"] == house.database.log_id
        assert welcome["head"] == 0
        assert welcome["heartbeat"] == 30
        assert welcome["limits"]["max_message_bytes"] == 1024


async def test_what_is_recorded_is_heard_in_order(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        await ann.subscribe(id="a")
        answers = await ann.until("live")
        assert [answer["type"] for answer in answers] == ["welcome", "subscribed", "live"]
        assert answers[1] == {"type": "subscribed", "id": "a", "room": f"user:{ANN}", "head": 0}
        await house.create(1, 2)
        await house.progress(1, times=3)
        assert await ann.seqs(upto=6) == [1, 2, 3, 4, 5, 6]


async def test_every_listener_gets_the_bytes_that_were_committed(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow(frames="single") as ann:
        await ann.subscribe()
        await ann.until("live")
        recorded = await house.create(1)
        await ann.seqs(upto=2)
        assert [frame.encode() for frame in ann.frames[-2:]] == [event.body for event in recorded]


async def test_a_client_that_reconnects_sees_each_event_once(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        async with house.follow() as ann:
            await ann.subscribe(after=0)
            seen = await ann.seqs(upto=2)
        await house.progress(1, times=500)  # while nobody listens
        async with house.follow() as ann:
            await ann.subscribe(after=seen[-1])
            await house.progress(1, times=100)
            seen += await ann.seqs(upto=602)
        assert seen == list(range(1, 603))


async def test_a_client_goes_on_after_the_server_was_restarted(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        async with house.follow() as ann:
            await ann.subscribe(after=0)
            log = (await ann.until("live"))[0]["log"]
    async with a_house(tmp_path) as house:
        await house.progress(1)
        async with house.follow() as ann:
            await ann.subscribe(after=2, log=log)
            assert await ann.seqs(upto=3) == [3]


async def test_a_replay_hands_over_to_live_while_events_keep_coming(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann, house.follow("operator") as op:
        await house.create(1)
        await house.progress(1, times=1000)

        async def keep_going() -> None:
            for _ in range(200):
                await house.progress(1)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_going())
            await ann.subscribe(f"job:{job_id(1)}", after=0)
            await op.subscribe("all", after=500)
        assert await ann.seqs(upto=1202) == list(range(2, 1203))
        assert await op.seqs(upto=1202) == list(range(501, 1203))


async def test_an_event_of_several_rooms_comes_once(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        await house.create(1)
        for room in ("user:me", f"batch:{batch_id(ANN)}", f"job:{job_id(1)}"):
            await ann.subscribe(room, after=0)
            await ann.until("live")
        await house.progress(1)
        await ann.subscribe("user:me")
        await ann.until("live")
        await house.progress(1)
        await ann.say(op="ping", id="end")
        heard = await ann.until("pong")
        assert heard[-1]["id"] == "end"
        everything = [json.loads(line) for frame in ann.frames for line in frame.split("\n")]
        assert [message["seq"] for message in everything if "n" in message] == [1, 2, 3, 4]


async def test_types_narrow_a_room_in_replay_and_live(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        await house.create(1, 2)
        await ann.subscribe(after=0, types=["job_created", "processing_progress"])
        assert await ann.seqs(upto=3) == [2, 3]
        await ann.until("live")
        await house.progress(1)
        assert await ann.seqs(upto=4) == [4]


async def test_a_room_that_is_left_is_not_heard(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        await house.create(1)
        await ann.subscribe(id=1)
        await ann.say(op="unsubscribe", id=2, room="user:me")
        assert (await ann.until("unsubscribed"))[-1]["id"] == 2
        await house.progress(1)
        await ann.say(op="ping")
        assert [message["type"] for message in await ann.until("pong")] == ["pong"]


async def test_a_cursor_of_another_log_is_reset_and_gets_a_snapshot(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        await house.create(1)
        await house.progress(1)
        await ann.subscribe(id="x", after=2, log="another")
        messages = await ann.until("live")
        kinds = [message["type"] for message in messages]
        assert kinds == ["welcome", "subscribed", "reset", "snapshot", "live"]
        assert messages[2]["id"] == "x"
        assert messages[2]["log"] == house.database.log_id
        assert messages[3]["state"]["n"] == 2
        await house.progress(1)
        assert await ann.seqs(upto=4) == [4]


async def test_a_cursor_past_the_head_is_reset(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        await house.create(1)
        await ann.subscribe(after=10)
        kinds = [message["type"] for message in await ann.until("live")]
        assert kinds == ["welcome", "subscribed", "reset", "snapshot", "live"]


@pytest.mark.parametrize(
    "room", [f"user:{BOB}", f"batch:{batch_id(BOB)}", f"job:{job_id(9)}", f"job:{job_id(10)}"]
)
async def test_what_belongs_to_others_is_refused_as_if_it_were_not_there(
    tmp_path: Path, room: str
) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        await house.create(9, owner=BOB)
        await ann.subscribe(room, id="a", after=0)
        error = (await ann.until("error"))[-1]
        assert (error["id"], error["code"]) == ("a", "not_found")
        await house.progress(9)
        await ann.say(op="ping")
        assert [message["type"] for message in await ann.until("pong")] == ["pong"]


async def test_only_operators_follow_everything(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann, house.follow("operator") as op:
        await house.create(1)
        await house.create(2, owner=BOB)
        await ann.subscribe("all", after=0)
        assert (await ann.until("error"))[-1]["code"] == "not_allowed"
        await op.subscribe("all", after=0)
        assert await op.seqs(upto=4) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad_json"),
        ('{"op": "dance"}', "unknown_op"),
        ('{"op": "subscribe"}', "invalid_request"),
        ('{"op": "subscribe", "room": "kitchen"}', "invalid_request"),
        ('{"op": "subscribe", "room": "user:me", "after": "acked"}', "unsupported"),
        (f'{{"op": "pause", "job_id": "{job_id(1)}"}}', "unsupported"),
    ],
)
async def test_a_message_that_can_not_be_carried_out_is_answered(
    tmp_path: Path, text: str, code: str
) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        await ann.ws.send_str(text)
        assert (await ann.until("error"))[-1]["code"] == code
        await ann.say(op="ping")
        await ann.until("pong")


async def test_binary_frames_are_refused_and_the_talk_goes_on(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        await ann.ws.send_bytes(b"{}")
        assert (await ann.until("error"))[-1]["code"] == "unsupported"
        await ann.say(op="ping")
        await ann.until("pong")


async def test_steering_is_handed_on(tmp_path: Path) -> None:
    asked: list[Any] = []

    async def control(_: Session, ask: Steer | Answer) -> None:
        asked.append(ask)
        if len(asked) > 1:
            raise Conflict(what="The job has ended", todo="Nothing")

    async with a_house(tmp_path, control=control) as house, house.follow() as ann:
        await ann.say(op="cancel", id="a", job_id=job_id(1))
        assert (await ann.until("ok"))[-1]["id"] == "a"
        await ann.say(op="cancel", id="b", job_id=job_id(1))
        error = (await ann.until("error"))[-1]
        assert (error["id"], error["code"]) == ("b", "conflict")
        assert [ask.op for ask in asked] == ["cancel", "cancel"]


# Limits


async def test_a_message_over_the_rate_is_refused_and_abuse_ends_the_connection(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path, websocket_message_rate_limit=2) as house, house.follow() as ann:
        for number in range(8):
            await ann.say(op="ping", id=number)
        messages = [await ann.next() for _ in range(6)]
        assert [m["type"] for m in messages] == [
            "welcome",
            "pong",
            "pong",
            "error",
            "error",
            "closed",
        ]
        assert messages[3]["code"] == "too_many_messages"
        assert messages[3]["id"] == 2
        assert messages[3]["retry_after"] > 0
        assert messages[-1]["code"] == 4008


async def test_a_message_that_is_too_big_ends_the_connection(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        await ann.ws.send_str("x" * 1025)
        await ann.next()
        assert await ann.next() == {"type": "closed", "code": 1009}
        await until(lambda: not house.hub.sessions)


async def test_a_message_as_big_as_allowed_is_read(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow() as ann:
        await ann.ws.send_str('{"op": "ping"}' + " " * (1024 - 14))
        await ann.until("pong")


async def test_one_connection_too_many_is_refused_with_a_reason(tmp_path: Path) -> None:
    async with a_house(tmp_path, max_websocket_connections_per_user=1) as house:
        async with house.follow() as first, house.follow() as second:
            assert (await first.next())["type"] == "welcome"
            assert await second.next() == {"type": "closed", "code": 4009}
            async with house.follow("bob") as bob:
                assert (await bob.next())["type"] == "welcome"
        await until(lambda: not house.hub.sessions)
        async with house.follow() as third:
            assert (await third.next())["type"] == "welcome"
        assert house.hub.counters.refused == {"too_many_of_user": 1}


async def test_a_full_server_says_so(tmp_path: Path) -> None:
    async with (
        a_house(tmp_path, max_websocket_connections=1) as house,
        house.follow(),
        house.follow("bob") as bob,
    ):
        assert await bob.next() == {"type": "closed", "code": 4009}


# Life and death


async def test_a_quiet_connection_gets_heartbeats_with_the_head(tmp_path: Path) -> None:
    async with a_house(tmp_path, websocket_heartbeat_interval=0.2) as house, house.follow() as ann:
        await house.create(1)
        beat = (await ann.until("heartbeat"))[-1]
        assert beat["head"] == 2
        assert beat["timestamp"].endswith("Z")
        await ann.until("heartbeat")


async def test_a_peer_that_answers_nothing_is_closed(tmp_path: Path) -> None:
    async with a_house(
        tmp_path, websocket_heartbeat_interval=0.1, websocket_connection_timeout=0.5
    ) as house:
        url = house.server.make_url("/ws").with_query(who="ann")
        ws = await house.client.ws_connect(url, autoping=False)
        while not (message := await ws.receive(timeout=LONGEST_S)).type.name.startswith("CLOS"):
            pass  # pings are read, and not answered
        assert message.data == 4010 or ws.close_code == 4010
        await until(lambda: not house.hub.sessions)
        assert house.hub.counters.closed[4010] == 1


async def test_a_peer_that_only_answers_pings_stays(tmp_path: Path) -> None:
    async with (
        a_house(
            tmp_path, websocket_heartbeat_interval=0.1, websocket_connection_timeout=0.5
        ) as house,
        house.follow() as ann,
    ):
        beats = [await ann.until("heartbeat") for _ in range(12)]  # longer than the timeout
        assert len(beats) == 12


async def test_a_killed_connection_leaves_nothing_behind(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow("operator") as op:
        await house.create(1)
        ann = await house.follow().__aenter__()
        await ann.subscribe(after=0)
        await ann.until("live")
        await op.subscribe("all")
        await op.until("live")
        transport = ann.ws.get_extra_info("socket")
        assert transport is not None
        ann.ws._response.connection.transport.abort()  # type: ignore[union-attr]
        await house.progress(1, times=10)
        assert await op.seqs(upto=12) == list(range(3, 13))
        await until(lambda: len(house.hub.sessions) == 1)
        assert house.hub.counts().rooms == 1


async def test_closing_tells_everybody_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(farewell, "_chance", Random(1))  # no two of its first say the same
    async with (
        a_house(tmp_path) as house,
        house.follow() as ann,
        house.follow("bob") as bob,
    ):
        await ann.subscribe()
        await ann.until("live")
        await bob.until("welcome")
        ended = await asyncio.gather(ann.ws.receive(), bob.ws.receive(), house.hub.close())
        assert [message.data for message in ended[:2]] == [1012, 1012]
        for message in ended[:2]:
            assert re.fullmatch(r"restarting; retry_after=[01]\.\d{3}", message.extra)
        assert ended[0].extra != ended[1].extra
        async with house.follow() as late:
            assert await late.next() == {"type": "closed", "code": 1012}
        await until(lambda: not house.hub.sessions)


async def test_a_crowd_hears_everything_though_commits_wait_for_it(tmp_path: Path) -> None:
    with patch.object(fanout, "CROWD", 1), patch.object(fanout, "MANY_EACH", 0):
        async with a_house(tmp_path) as house, house.follow() as ann, house.follow() as too:
            await house.create(1, 2)
            for listener in (ann, too):
                await listener.subscribe(after=0)
                await listener.until("live")

            async def append(number: int) -> None:
                for _ in range(40):
                    await house.progress(number)

            async with asyncio.timeout(LONGEST_S), asyncio.TaskGroup() as tasks:
                for number in (1, 2, 1, 2):
                    tasks.create_task(append(number))
            assert house.journal.audience is house.hub
            assert house.hub.takes_long
            for listener in (ann, too):
                assert await listener.seqs(upto=163) == list(range(4, 164))
