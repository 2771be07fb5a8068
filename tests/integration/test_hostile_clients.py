"""Listeners that break every rule: each is told so and counted, and nobody else notices."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest

from app.core.ids import uuid7
from app.core.protocol import LARGEST_SEQ
from app.keys import HUB
from app.settings import Settings
from app.web.tickets import ALGORITHM, TICKET
from tests.integration.listening import until
from tests.integration.rawsocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    RawSocket,
    frame,
    raw_socket,
)
from tests.integration.serving import (
    LONGEST_S,
    Server,
    serving,
    settings_for,
    token_of,
    upload,
    with_user,
)

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n2025-01-04,Bread,-2.10\n"


@pytest.fixture
def patient(tmp_path: Path) -> Settings:
    """Settings that let bob send as many messages as a test needs."""
    return settings_for(tmp_path / "data", websocket_message_rate_limit=100_000)


@asynccontextmanager
async def attacked(settings: Settings) -> AsyncIterator[tuple[Server, str]]:
    """Yield a server, and a token of bob's to attack it with, while ann follows what is hers.

    In the end she has heard every event of every job, once and in order, on one connection.
    """
    for name in ("ann", "bob"):
        with_user(settings, name)
    async with (
        serving(settings) as server,
        server.client("ann") as ann,
        ann.ws_connect("/ws?frames=single") as socket,
    ):
        await socket.receive()
        await socket.send_json({"op": "subscribe", "room": "user:me"})
        during = await upload(ann, ("during.csv", CSV))
        yield server, token_of(settings, "bob")
        after = await upload(ann, ("after.csv", CSV))
        waiting = {during["batch_id"], after["batch_id"]}
        heard: list[dict[str, Any]] = []
        async with asyncio.timeout(LONGEST_S):
            while waiting:
                message = await socket.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, message
                event = message.json()
                if "seq" in event and "job_id" in event:
                    heard.append(event)
                if event["type"] == "batch_completed":
                    waiting.discard(event["batch_id"])
        assert [e["seq"] for e in heard] == sorted({e["seq"] for e in heard})
        for accepted in (during, after):
            (job,) = accepted["jobs"]
            told = [e["n"] for e in heard if e["job_id"] == job["job_id"]]
            assert told == list(range(1, len(told) + 1))
            assert len(told) > 5


async def alone(server: Server) -> None:
    """Wait until nobody but ann is connected."""
    await until(lambda: len(server.app[HUB].sessions) == 1)


# Frames

BROKEN = {
    "an opcode that is reserved": (frame(b"x", 0x3), 1002),
    "a bit that is reserved": (frame(b"x", rsv=4), 1002),
    "a ping in pieces": (frame(b"x", PING, fin=False), 1002),
    "a ping that is too long": (frame(b"x" * 126, PING), 1002),
    "a piece of nothing": (frame(b"x", CONTINUATION), 1002),
    "a message within a message": (frame(b"{", fin=False) + frame(b"{}"), 1002),
    "no mask": (frame(b'{"op":"ping"}', mask=None), 1002),
    "no mask on a ping": (frame(b"", PING, mask=None), 1002),
    "a goodbye with a code that can not be": (frame((999).to_bytes(2, "big"), CLOSE), 1002),
    "a goodbye with a code that is not sent": (frame((1006).to_bytes(2, "big"), CLOSE), 1002),
    "half a code": (frame(b"x", CLOSE), 1002),
    "a reason that is no UTF-8": (frame((1000).to_bytes(2, "big") + b"\xff", CLOSE), 1007),
    "no UTF-8": (frame(b"\xff\xfe"), 1007),
    "no UTF-8, in pieces": (frame(b"\xc3", fin=False) + frame(b"(", CONTINUATION), 1007),
    "a mask that was not applied": (frame(b'{"op":"ping"}', mask=b"\x81\x82\x83\x84"), 1007),
    "a size past all numbers": (frame(size=2**63), 1009),
    "a size that nobody has": (frame(size=2**62), 1009),
    "a huge frame": (frame(b"x" * 2**20), 1009),
    "a byte too much": (frame(b" " * 1025), 1009),
    "too much, in pieces": (
        frame(b" " * 600, fin=False) + frame(b" " * 600, CONTINUATION),
        1009,
    ),
}
FLOODS = {
    "pings": frame(b"", PING) * 50_000,
    "pongs": frame(b"", PONG) * 50_000,
    "pieces of nothing": frame(b"", fin=False) + frame(b"", CONTINUATION, fin=False) * 50_000,
    "empty messages": frame(b"{}") * 50_000,
    "binary": frame(b"", BINARY) * 50_000,
}


async def test_frames_that_break_the_rules_end_their_connection_with_a_reason(
    settings: Settings,
) -> None:
    async with attacked(settings) as (server, token):
        codes = {}
        for what, (said, _) in BROKEN.items():
            async with raw_socket(server, token) as raw:
                raw.send(said)
                codes[what] = await raw.closed()
            await alone(server)
        assert codes == {what: code for what, (_, code) in BROKEN.items()}
        counted = server.app[HUB].counters.closed
        assert {code: counted[code] for code in set(codes.values())} == {
            code: list(codes.values()).count(code) for code in set(codes.values())
        }


async def test_a_flood_ends_its_connection(settings: Settings) -> None:
    async with attacked(settings) as (server, token):
        codes = {}
        for what, said in FLOODS.items():
            async with raw_socket(server, token) as raw:
                raw.send(said)
                codes[what] = await raw.closed()
                await raw.ended()  # not reset: who reads late still hears why
            await alone(server)
        assert codes == dict.fromkeys(FLOODS, 4008)
        assert server.app[HUB].counters.closed[4008] == len(FLOODS)


async def test_whoever_says_far_too_much_at_once_hears_why_it_is_ended(server: Server) -> None:
    """More than the buffers on the way hold: much is still to come when the reason is sent."""
    async with raw_socket(server, token_of(server.settings, "bob")) as raw:
        raw.send(frame(b"x" * 2**24))
        assert await raw.closed() == 1009
        await raw.ended()


async def test_a_message_in_pieces_is_one_message(server: Server) -> None:
    async with raw_socket(server, token_of(server.settings, "bob")) as raw:
        raw.send(frame(b'{"op":', fin=False) + frame(b"", CONTINUATION, fin=False))
        raw.send(frame(b"between", PING) + frame(b'"ping","id":"p"}', CONTINUATION))
        assert await raw.frame() == (PONG, b"between")
        assert await raw.message() == {"type": "pong", "id": "p"}


# Messages

SENSELESS = {
    "": "bad_json",
    "hello": "bad_json",
    "{": "bad_json",
    '{"op":"ping"}{"op":"ping"}': "bad_json",
    "[" * 1000: "bad_json",
    '{"a":' * 150 + "1" + "}" * 150: "unknown_op",
    '{"op":"ping","id":NaN}': "invalid_request",
    "null": "invalid_request",
    "[]": "invalid_request",
    "1e999": "invalid_request",
    '"ping"': "invalid_request",
    "{}": "unknown_op",
    '{"op":null}': "unknown_op",
    '{"op":["ping"]}': "unknown_op",
    '{"op":"PING"}': "unknown_op",
    '{"op":"drop table"}': "unknown_op",
    '{"op":"ping","more":1}': "invalid_request",
    '{"op":"ping","id":{}}': "invalid_request",
    '{"op":"ping","id":true}': "invalid_request",
    '{"op":"subscribe"}': "invalid_request",
    '{"op":"subscribe","room":7}': "invalid_request",
    '{"op":"subscribe","room":""}': "invalid_request",
    '{"op":"subscribe","room":"user:"}': "invalid_request",
    '{"op":"subscribe","room":"job:../../etc"}': "invalid_request",
    '{"op":"subscribe","room":"user:me\\u0000"}': "invalid_request",
    '{"op":"subscribe","room":"user:me","types":[]}': "invalid_request",
    '{"op":"subscribe","room":"user:me","types":"all"}': "invalid_request",
    '{"op":"subscribe","room":"user:me","snapshot":"perhaps"}': "invalid_request",
    '{"op":"subscribe","room":"user:me","log":3}': "invalid_request",
    '{"op":"subscribe","room":"user:me","after":-1}': "invalid_request",
    '{"op":"subscribe","room":"user:me","after":1.5}': "invalid_request",
    '{"op":"subscribe","room":"user:me","after":"0"}': "invalid_request",
    '{"op":"subscribe","room":"user:me","after":true}': "invalid_request",
    '{"op":"subscribe","room":"user:me","after":9223372036854775808}': "invalid_request",
    '{"op":"subscribe","room":"user:me","after":1e400}': "invalid_request",
    '{"op":"subscribe","room":"all"}': "not_allowed",
    '{"op":"subscribe","room":"user:me","after":"acked"}': "unsupported",
    '{"op":"ack","seq":1}': "unsupported",
    '{"op":"cancel"}': "invalid_request",
    '{"op":"cancel","job_id":"nowhere"}': "not_found",
    '{"op":"answer","clarification_id":"x"}': "invalid_request",
}


async def test_messages_that_make_no_sense_are_answered_and_the_talk_goes_on(
    patient: Settings,
) -> None:
    async with attacked(patient) as (server, token), raw_socket(server, token) as raw:
        answers = {}
        for said in SENSELESS:
            raw.send(frame(said.encode()))
            answer = await raw.message()
            assert answer["type"] == "error", (said, answer)
            assert answer["message"]
            answers[said] = answer["code"]
        assert answers == SENSELESS
        raw.send(frame(b"\0\xff", BINARY))
        assert (await raw.message())["code"] == "unsupported"
        raw.say(op="ping", id="still there")
        assert await raw.message() == {"type": "pong", "id": "still there"}
        counted = server.app[HUB].counters.rejected
        assert counted["unknown_op"] == list(SENSELESS.values()).count("unknown_op")
        assert sum(counted.values()) == len(SENSELESS) + 1


@pytest.mark.parametrize(
    ("after", "log", "told"),
    [
        (0, None, ["subscribed", "live"]),
        (LARGEST_SEQ, None, ["subscribed", "reset", "live"]),
        (1_000_000, None, ["subscribed", "reset", "live"]),
        (0, "another", ["subscribed", "reset", "live"]),
    ],
)
async def test_an_absurd_cursor_is_told_so_and_never_guessed_at(
    server: Server, after: int, log: str | None, told: list[str]
) -> None:
    async with raw_socket(server, token_of(server.settings, "bob")) as raw:
        raw.say(op="subscribe", room="user:me", after=after, log=log)
        assert [(await raw.message())["type"] for _ in told] == told


async def test_thousands_of_subscribes_lead_nowhere(patient: Settings) -> None:
    """Rooms of others, rooms that are not there, one's own again and again."""
    async with attacked(patient) as (server, token), raw_socket(server, token) as raw:
        now_ms = time.time_ns() // 1_000_000
        for n in range(3000):
            room = f"job:{uuid7(now_ms + n, bytes(10))}" if n % 3 else "user:me"
            raw.say(op="subscribe", id=n, room=room, after=0)
        raw.say(op="ping", id="end")
        told = []
        while (message := await raw.message())["type"] != "pong":
            told.append(message)
        assert [m["code"] for m in told if m["type"] == "error"] == ["not_found"] * 2000
        assert len([m for m in told if m["type"] == "subscribed"]) == 1000
        assert len([s for s in server.app[HUB].sessions if s.subscriptions]) == 2
        assert server.app[HUB].counters.rejected["not_found"] == 2000


# Who they say they are


async def test_a_ticket_lets_one_in_however_many_come_at_once(
    server: Server, bob: aiohttp.ClientSession
) -> None:
    async with bob.post("/api/v1/auth/websocket-token") as answer:
        ticket = (await answer.json())["token"]
    async with aiohttp.ClientSession(server.url) as client:

        async def enter() -> int:
            async with client.ws_connect(f"/ws?token={ticket}") as socket:
                first = await socket.receive()
                return 0 if first.type is aiohttp.WSMsgType.TEXT else socket.close_code or -1

        assert sorted(await asyncio.gather(*(enter() for _ in range(20)))) == [0] + [4001] * 19


def claims(**changes: Any) -> dict[str, Any]:
    given = {"sub": "1", "aud": TICKET, "exp": int(time.time()) + 300, "jti": "j", "run": "r"}
    return {**given, **changes}


async def test_forged_tickets_are_nobodys(server: Server, ann: aiohttp.ClientSession) -> None:
    key = (server.settings.data_dir / "secret.key").read_bytes()
    forged = {
        "unsigned": jwt.encode(claims(), None, algorithm="none"),
        "signed by another": jwt.encode(claims(), b"x" * 64, algorithm=ALGORITHM),
        "signed in another way": jwt.encode(claims(), key, algorithm="HS512"),
        "for something else": jwt.encode(claims(aud="share"), key, algorithm=ALGORITHM),
        "of another run": jwt.encode(claims(), key, algorithm=ALGORITHM),
        "over": jwt.encode(claims(exp=1), key, algorithm=ALGORITHM),
        "without an end": jwt.encode(
            {k: v for k, v in claims().items() if k != "exp"}, key, algorithm=ALGORITHM
        ),
        "of nobody": jwt.encode(claims(sub=None), key, algorithm=ALGORITHM),
        "odd": "a.b.c",
        "empty": "",
        "long": "x" * 7000,
    }
    async with aiohttp.ClientSession(server.url) as client:
        codes = {}
        for what, ticket in forged.items():
            async with client.ws_connect("/ws", params={"token": ticket}) as socket:
                await socket.receive()
                codes[what] = socket.close_code
    assert codes == dict.fromkeys(forged, 4001)
    async with ann.get("/api/v1/audit?kind=refused") as answer:
        (entry, *_) = (await answer.json())["entries"]
    assert entry["facts"] == {"reason": "not_authenticated", "path": "/ws"}


HANDSHAKES = {
    "no key": {"Sec-WebSocket-Key": ""},
    "a key that is none": {"Sec-WebSocket-Key": "short"},
    "a key of other letters": {"Sec-WebSocket-Key": "ä" * 24},
    "another version": {"Sec-WebSocket-Version": "99"},
    "no version": {"Sec-WebSocket-Version": ""},
    "another upgrade": {"Upgrade": "h2c"},
    "no upgrade": {"Connection": "keep-alive"},
}


async def test_a_handshake_that_is_none_gets_a_problem(
    server: Server, bob: aiohttp.ClientSession
) -> None:
    good = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    told = {}
    for what, wrong in HANDSHAKES.items():
        async with bob.get("/ws", headers={**good, **wrong}) as answer:
            told[what] = (answer.status, json.loads(await answer.read())["code"])
    assert told == dict.fromkeys(HANDSHAKES, (400, "invalid_request"))
    assert server.app[HUB].sessions == set()


# Coming and going


async def test_a_crowd_of_one_user_gets_as_many_as_it_may(settings: Settings) -> None:
    async with attacked(settings) as (server, token), AsyncExitStack() as open_ones:
        client = await open_ones.enter_async_context(
            aiohttp.ClientSession(server.url, headers={"Authorization": f"Bearer {token}"})
        )

        async def come() -> int:
            socket = await open_ones.enter_async_context(client.ws_connect("/ws"))
            first = await socket.receive()
            return 0 if first.type is aiohttp.WSMsgType.TEXT else socket.close_code or -1

        may = settings.max_websocket_connections_per_user
        codes = sorted(await asyncio.gather(*(come() for _ in range(50))))
        assert codes == [0] * may + [4009] * (50 - may)
        assert sum(server.app[HUB].counters.refused.values()) == 50 - may


async def test_who_leaves_without_a_word_leaves_nothing_behind(patient: Settings) -> None:
    """Cut in the handshake, after it, in the middle of a frame, and with everything unread."""

    async def nothing(_: RawSocket) -> None: ...

    async def half_a_frame(raw: RawSocket) -> None:
        raw.send(frame(b'{"op":"ping"}')[:5])

    async def unread(raw: RawSocket) -> None:
        raw.say(op="subscribe", room="user:me", after=0, snapshot=True)
        raw.send(frame(b'{"op":"ping"}') * 500)

    async def goodbye_unread(raw: RawSocket) -> None:
        raw.send(frame(b'{"op":"ping"}') * 50 + frame(b"", CLOSE))

    async with attacked(patient) as (server, token):
        host, port = server.url.removeprefix("http://").split(":")
        for _ in range(20):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n")
            writer.transport.abort()
        for leave in (nothing, half_a_frame, unread, goodbye_unread) * 10:
            async with raw_socket(server, token) as raw:
                await leave(raw)
            await alone(server)
        assert sum(server.app[HUB].counters.closed.values()) == 40
