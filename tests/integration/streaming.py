"""A client of the event stream, which keeps nothing but the id of what it heard last."""

import asyncio
import json
from typing import Any

from aiohttp import ClientResponse

from tests.integration.listening import House
from tests.patience import LONGEST_S
from tests.unit.decoders import EventStream, StreamEvent


class Stream:
    """One client: an event stream, and the messages that came over it one by one."""

    def __init__(self, house: House, who: str = "ann", *, last: str = "", **query: str) -> None:
        """last: the id of what it heard last; query may have a room and the like."""
        self.house = house
        self.query = {"who": who, **query}
        self.headers = {"Last-Event-ID": last} if last else {}
        self.answer: ClientResponse
        self.parser = EventStream()
        self.last = last  # with which it comes back
        self._heard: list[StreamEvent] = []

    async def __aenter__(self) -> "Stream":
        url = self.house.server.make_url("/events").with_query(self.query)
        self.answer = await self.house.client.get(url, headers=self.headers)
        assert self.answer.status == 200
        return self

    async def __aexit__(self, *_: object) -> None:
        self.answer.close()

    async def next(self) -> dict[str, Any]:
        """Return the next message, or {"type": "closed"}."""
        async with asyncio.timeout(LONGEST_S):
            while not self._heard:
                data = await self.answer.content.readany()
                if not data:
                    return {"type": "closed"}
                self._heard = list(self.parser.feed(data.decode()))
        event = self._heard.pop(0)
        self.last = event.last_event_id or self.last
        message: dict[str, Any] = json.loads(event.data)
        assert message["type"] == event.type
        return message

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """Return all messages up to the first of type `kind`, which is the last of them."""
        found = [await self.next()]
        while found[-1]["type"] != kind:
            assert found[-1]["type"] != "closed", found[-1]
            found.append(await self.next())
        return found

    async def seqs(self, upto: int) -> list[int]:
        """Return the seq of every event until the one at `upto`."""
        found: list[int] = []
        while not found or found[-1] != upto:
            message = await self.next()
            assert message["type"] != "closed", message
            if "n" in message:
                assert self.last == f"{self.house.database.log_id}:{message['seq']}"
                found.append(message["seq"])
        return found
