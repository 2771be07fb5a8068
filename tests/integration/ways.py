"""Every way to listen, each as the same thing: events of a room past a place, one by one."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

from app.core.protocol import MSGPACK_SUBPROTOCOL
from tests.integration.listening import House
from tests.integration.streaming import Stream
from tests.unit.decoders import EventStream

Event = dict[str, Any]
Way = Callable[[House, str, int], AsyncGenerator[Event, None]]
"""(house, room, after) -> its events, without an end. Closing it hangs up."""


def is_event(message: Event) -> bool:
    return "n" in message


def socket(**options: Any) -> Way:
    async def listen(house: House, room: str, after: int) -> AsyncGenerator[Event, None]:
        async with house.follow(**options) as client:
            await client.subscribe(room, after=after)
            while True:
                message = await client.next()
                assert message["type"] != "closed", message
                if is_event(message):
                    yield message

    return listen


async def stream(house: House, room: str, after: int) -> AsyncGenerator[Event, None]:
    place = f"{house.database.log_id}:{after}"
    async with Stream(house, room=room, last=place) as client:
        while True:
            message = await client.next()
            assert message["type"] != "closed"
            if is_event(message):
                assert client.last == f"{house.database.log_id}:{message['seq']}"
                yield message


async def plain_stream(house: House, room: str, after: int) -> AsyncGenerator[Event, None]:
    """As a client of HTTP/1.0 has it: no chunks."""
    port = house.server.port
    assert port is not None
    reader, writer = await asyncio.open_connection(str(house.server.host), port)
    url = house.server.make_url("/events").with_query(who="ann", room=room, after=after)
    parser = EventStream()
    try:
        writer.write(f"GET {url.path_qs} HTTP/1.0\r\nHost: a\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        while data := await reader.readline():
            for event in parser.feed(data.decode()):
                if is_event(message := json.loads(event.data)):
                    yield message
    finally:
        writer.transport.abort()


def pages(**query: Any) -> Way:
    async def listen(house: House, room: str, after: int) -> AsyncGenerator[Event, None]:
        while True:
            page = await house.history(room=room, after=after, log=house.database.log_id, **query)
            assert not page["truncated"]
            assert not page["reset"]
            for event in page["events"]:
                yield event
            if not page["events"] and not page["more"]:
                await asyncio.sleep(0)  # it asks again at once; the others have their turn
            after = page["after"]

    return listen


SOCKETS: dict[str, Way] = {
    "json": socket(),
    "json, single": socket(frames="single"),
    "json, deflated": socket(compress=15),
    "json, single, deflated": socket(compress=15, frames="single"),
    "msgpack": socket(speaking=MSGPACK_SUBPROTOCOL),
    "msgpack, single": socket(speaking=MSGPACK_SUBPROTOCOL, frames="single"),
    "event stream": stream,
    "event stream, plain": plain_stream,
}
WAYS: dict[str, Way] = {
    **SOCKETS,
    "pages": pages(limit=7),
    "long poll": pages(wait=60),
}
