"""Connections of the tests' own to a server: bare sockets that read when they are told to."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

from tests.reliability.decoding import (
    Chunked,
    EventStream,
    Frames,
    Head,
    Heads,
    Object,
    Packs,
    Texts,
    packed,
)
from tests.reliability.promises import Ask, Fact, Listener, Promise
from tests.reliability.stage import Stage

# Of the kernel: who does not read is full after a few large events. With much less, it throws away
# what arrives in many small pieces, and whoever reads on then waits for it to be sent again.
RECEIVE_BYTES = 32 * 1024
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


Hear = Callable[[Fact | None, Object], None]
"""Called with each message after the listener took it in, and the fact when it is an event."""


class Visit(asyncio.Protocol):
    """One connection. What it gets goes to its listener at once, in the loop."""

    def __init__(self, stage: Stage, listener: Listener, hear: Hear, request: bytes) -> None:
        self.listener = listener
        self.over = False
        self.reading = True
        self.head: Head | None = None
        self.end_code: int | None = None  # why the server ended it, if it said so
        self._stage = stage
        self._hear = hear
        self._request = request
        self._heads = Heads()
        self._transport: asyncio.Transport

    async def open(self, port: int) -> None:
        raw = socket.socket()
        raw.setblocking(False)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(raw, ("127.0.0.1", port))
        except BaseException:
            raw.close()
            raise
        await loop.create_connection(lambda: self, sock=raw)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self.over:
            return
        try:
            if self.head is None:
                found = self._heads.feed(data)
                if found is None:
                    return
                self.head, data = found
                self.began(self.head)
            self.took(data)
        except BaseException as error:  # raised again by the step that waits
            self.end()
            self._stage.fail(error)
        self._stage.stir()

    def connection_lost(self, error: BaseException | None) -> None:
        self.over = True
        self._stage.stir()

    def began(self, head: Head) -> None:
        """Look at the head of the answer."""
        raise NotImplementedError

    def took(self, data: bytes) -> None:
        """Read what came behind the head."""
        raise NotImplementedError

    def heard(self, message: Object) -> None:
        self._hear(self.listener.heard(message), message)

    def stall(self) -> None:
        """Stop reading. What still comes waits in the kernel, and then at the server."""
        if self.reading and not self.over:
            self.reading = False
            self._transport.pause_reading()

    def read_on(self) -> None:
        if not self.reading and not self.over:
            self.reading = True
            self._transport.resume_reading()

    def end(self) -> None:
        """Be gone from one moment to the next; what was not read is lost."""
        self.over = True
        self._transport.abort()


class SocketVisit(Visit):
    """A WebSocket (RFC 6455)."""

    def __init__(
        self,
        stage: Stage,
        listener: Listener,
        hear: Hear,
        *,
        token: str,
        path: str = "/ws",
        packs: bool = False,
        inflates: bool = False,
    ) -> None:
        """path: with its query. packs: speaks msgpack. inflates: offers to take compressed text."""
        lines = [
            f"GET {path} HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {KEY}",
            f"Sec-WebSocket-Protocol: livetrail.v1.{'msgpack' if packs else 'json'}",
            f"Authorization: Bearer {token}",
            *(["Sec-WebSocket-Extensions: permessage-deflate"] if inflates else []),
        ]
        super().__init__(stage, listener, hear, "\r\n".join([*lines, "", ""]).encode())
        self._frames = Frames()
        self._packs = packs
        self._inflates = inflates
        self._decoder = Packs() if packs else Texts()
        self._number = 0
        self.pings = 0
        self.compressed = 0  # frames

    def took(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            self.compressed += frame.compressed
            if frame.opcode == PING:
                self.pings += 1
                self._write(PONG, frame.payload)
            elif frame.opcode == CLOSE:
                self.end_code = int.from_bytes(frame.payload[:2], "big")
                self._write(CLOSE, frame.payload[:2])
            elif frame.opcode != PONG:
                for message in self._decoder.objects(frame):
                    self.heard(message)

    def began(self, head: Head) -> None:
        assert head.status == 101, f"the server answered {head.status}"
        agreed = head.fields.get("sec-websocket-protocol")
        assert agreed == f"livetrail.v1.{'msgpack' if self._packs else 'json'}"
        deflates = "permessage-deflate" in head.fields.get("sec-websocket-extensions", "")
        assert deflates == self._inflates

    def _write(self, opcode: int, payload: bytes) -> None:
        """Send a frame; the mask is zero, so that the payload stays as it is."""
        size = len(payload)
        long = b"" if size < 126 else size.to_bytes(2, "big")
        head = bytes((0x80 | opcode, 0x80 | (126 if long else size))) + long
        if not self.over:
            self._transport.write(head + b"\0\0\0\0" + payload)

    def say(self, op: str, **fields: Any) -> str:
        """Send a message, and return its id."""
        self._number += 1
        message_id = f"{op} {self._number}"
        message = {"op": op, "id": message_id, **fields}
        if self._packs:
            self._write(BINARY, b"\0" + packed(message))
        else:
            self._write(TEXT, json.dumps(message).encode())
        return message_id

    def subscribe(self, room: str, ask: Ask, log: str) -> None:
        fields: dict[str, Any] = {"room": room, "log": log}
        if ask.after is not None:
            fields["after"] = ask.after
        if ask.types is not None:
            fields["types"] = list(ask.types)
        if ask.snapshot:
            fields["snapshot"] = True
        self.listener.asks[self.say("subscribe", **fields)] = ask

    def unsubscribe(self, room: str) -> None:
        self.listener.leaving[self.say("unsubscribe", room=room)] = room


class StreamVisit(Visit):
    """An event stream over plain HTTP. What it asks for stands in its request, once for all.

    place  the id of the last message that had one: what a browser comes back with
    """

    def __init__(
        self,
        stage: Stage,
        listener: Listener,
        hear: Hear,
        *,
        token: str,
        asks: dict[str, Ask],
        place: str | None,
        version: str = "1.1",
    ) -> None:
        first = next(iter(asks.values()))
        query = [("room", room) for room in asks]
        if first.types is not None:
            query.append(("types", ",".join(first.types)))
        if place is None and first.after is not None:
            query.append(("after", str(first.after)))
        lines = [
            f"GET /api/v1/events?{urlencode(query)} HTTP/{version}",
            "Host: localhost",
            f"Authorization: Bearer {token}",
            *([] if place is None else [f"Last-Event-ID: {place}"]),
        ]
        super().__init__(stage, listener, hear, "\r\n".join([*lines, "", ""]).encode())
        self.place = place
        self._asks = asks
        self._chunks = Chunked() if version == "1.1" else None
        self._stream = EventStream()

    def began(self, head: Head) -> None:
        assert head.status == 200, f"the server answered {head.status}"
        assert head.fields["content-type"].startswith("text/event-stream")
        chunked = head.fields.get("transfer-encoding", "") == "chunked"
        assert chunked == (self._chunks is not None)

    def took(self, data: bytes) -> None:
        if self._chunks is not None:
            data = self._chunks.feed(data)
        for told in self._stream.feed(data):
            message = told.data
            assert told.event == message["type"]
            if message["type"] == "goodbye":
                self.end_code = message["code"]
                continue
            self.heard(message)
            if message["type"] == "welcome":
                for room, ask in self._asks.items():
                    self.listener.begin(room, ask, message["head"])
                    self._hear(None, {"type": "subscribed", "room": room})
            if told.id is not None:
                self._is_at(told.id, message)

    def _is_at(self, place: str, message: Object) -> None:
        """Who comes back with this place is told everything past it, so all before must be here."""
        log, _, number = place.rpartition(":")
        welcome = self.listener.welcome
        assert welcome is not None
        if log != welcome["log"] or ("n" in message and int(number) != message["seq"]):
            what = f"{place} is the place of {message['type']} {message.get('seq', '')}"
            raise self.listener.broken(Promise.RESUME, what)
        self.listener.misses_nothing(int(number), self.listener.wishes.values())
        for wish in self.listener.wishes.values():
            if wish.whole:  # coming back with this place, it would not get them any more
                self.listener.has_all_states(wish)
        self.place = place
