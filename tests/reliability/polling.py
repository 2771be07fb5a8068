"""A client that asks again and again over one HTTP connection, and is kept waiting for news."""

import json
from urllib.parse import urlencode

from tests.reliability.decoding import Head, Heads, Object
from tests.reliability.promises import Ask, Listener
from tests.reliability.stage import Stage
from tests.reliability.visits import Hear, Visit

WAIT_S = 30  # longer than anything here takes: an answer comes because there is one
PAGE = 4  # events


class PollVisit(Visit):
    """Long polls of one room. Where the log no longer reaches back, nobody sends states for it.

    place  the position that the last answer gave
    """

    def __init__(
        self, stage: Stage, listener: Listener, hear: Hear, *, token: str, room: str, ask: Ask
    ) -> None:
        assert isinstance(ask.after, int)
        self._token = token
        self._room = room
        self._ask = ask
        self._body = b""
        self.place: int = ask.after
        super().__init__(stage, listener, hear, self._question())

    def _question(self) -> bytes:
        query: list[tuple[str, str | int]] = [
            ("room", self._room),
            ("after", self.place),
            ("limit", PAGE),
            ("wait", 0 if self.listener_is_new else WAIT_S),
        ]
        if self._ask.types is not None:
            query.append(("types", ",".join(self._ask.types)))
        lines = [
            f"GET /api/v1/events/history?{urlencode(query)} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self._token}",
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def listener_is_new(self) -> bool:
        return not hasattr(self, "listener") or self.listener.welcome is None

    def began(self, head: Head) -> None:
        if head.status == 503:  # it is going down
            self.end()
        else:
            assert head.status == 200, f"the server answered {head.status}"

    def took(self, data: bytes) -> None:
        assert self.head is not None
        self._body += data
        size = int(self.head.fields["content-length"])
        if self.over or len(self._body) < size:
            return
        answer = json.loads(self._body[:size])
        self._body, self.head, self._heads = b"", None, Heads()
        self._answered(answer)
        self._transport.write(self._question())

    def _answered(self, answer: Object) -> None:
        listener, room = self.listener, self._room
        assert not answer["reset"], "the position is of this log"
        if listener.welcome is None:
            self.heard({"type": "welcome", "log": answer["log"], "head": answer["head"]})
            listener.begin(room, self._ask, answer["head"])
            self._hear(None, {"type": "subscribed", "room": room})
        if answer["truncated"]:
            self.heard({"type": "truncated", "room": room, "oldest": answer["oldest"]})
        for event in answer["events"]:  # some of them may be pruned by now
            self.heard(event)
        if answer["truncated"]:
            listener.forgive(room, answer["oldest"])
        listener.misses_nothing(answer["after"], listener.wishes.values())
        self.place = answer["after"]
        if not answer["more"]:
            listener.wishes[room].live = True
