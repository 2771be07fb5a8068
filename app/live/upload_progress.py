"""Listeners of one upload: /ws/upload-progress/{batch_id}. They say nothing but `ping`."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import orjson

from app.core.conversation import Follow
from app.core.dialects.pings import answer_to
from app.core.dialects.uploads import UploadView
from app.core.protocol import Problem
from app.core.rooms import Room
from app.core.times import iso_from_ms
from app.core.wire import PING, text_frame
from app.live.dialect import Dialect, agreed
from app.live.formats import Format, Message, Said
from app.live.manner import Manner
from app.live.positions import Position
from app.live.session import Session
from app.live.visit import Desk, Visit, Work

# What our own protocol says beside the events, and these clients would take for progress.
NOT_SAID = frozenset({"live", "subscribed", "welcome"})
ONLY_PING = "This connection tells the progress of one upload; all that can be said here is ping."


class Upload:
    """One batch, told as a single upload: all who are live get the same bytes.

    view  what is known of the batch; it grows with what is told
    form  of its listeners. What it says of an event depends on what else is known by then, so the
          same events are not told from memory later
    """

    def __init__(self, batch_id: str) -> None:
        self.view = UploadView(batch_id)
        self.form = Format("upload progress", self._pack, PING, self._beat, lasting=False)

    def _pack(self, messages: Sequence[Message]) -> bytes:
        told = [one for message in messages for one in self._told(message)]
        return b"".join([text_frame(orjson.dumps(one)) for one in told])

    def _told(self, message: Message) -> Iterator[dict[str, Any]]:
        body = orjson.loads(message.body)
        if not isinstance(message, Said):
            yield self.view.tell(body)
        elif message.type == "welcome":
            yield self.view.connected(
                _now(), client_id=body["client_id"], log=body["log"], head=body["head"]
            )
            if self.view.is_known:
                yield self.view.now(_now(), "batch_state")
        elif message.type == "snapshot":
            self.view.hold(body["state"])
            yield self.view.now(_now(), "batch_state")
        elif message.type not in NOT_SAID:
            yield {**self.view.now(_now(), message.type), **body}

    def _beat(self, head: int, timestamp: str) -> bytes:
        return text_frame(orjson.dumps({**self.view.now(timestamp, "heartbeat"), "head": head}))


class Uploads:
    """The batches that somebody follows as uploads."""

    def __init__(self) -> None:
        self._followed: dict[str, tuple[Upload, int]] = {}  # by id, and by how many

    @property
    def count(self) -> int:
        """How many batches are followed."""
        return len(self._followed)

    @contextmanager
    def followed(self, batch_id: str) -> Iterator[Upload]:
        """Yield the upload of a batch, which others share that follow it while the body runs."""
        upload, times = self._followed.get(batch_id) or (Upload(batch_id), 0)
        self._followed[batch_id] = upload, times + 1
        try:
            yield upload
        finally:
            _, times = self._followed[batch_id]
            if times > 1:
                self._followed[batch_id] = upload, times - 1
            else:
                del self._followed[batch_id]


class UploadManner(Manner):
    """Of who follows one upload.

    ask      where the events go on from
    holding  what is held for the client, until its connection is over
    """

    def __init__(self, upload: Upload, ask: Follow, holding: ExitStack) -> None:
        self._upload = upload
        self._ask = ask
        self._holding = holding

    def dialect(
        self, asked: Mapping[str, str], *, single: bool, compression: bool, at_most: int
    ) -> Dialect:
        text_only = {"Sec-WebSocket-Extensions": asked.get("Sec-WebSocket-Extensions", "")}
        spoken = agreed(text_only, single=True, compression=compression, at_most=at_most)
        return replace(spoken, form=self._upload.form)

    def visit(self, desk: Desk, session: Session, position: Position | None) -> Visit:
        return UploadVisit(desk, session)

    @contextmanager
    def company(self, session: Session, visit: Visit) -> Iterator[None]:
        with self._holding.pop_all():
            session.follow(Room("batch", self._upload.view.batch_id), self._ask)
            yield


class UploadVisit(Visit):
    """Answers a ping in kind, and refuses the rest."""

    __slots__ = ()

    def hear(self, text: str) -> Work | None:
        answer = answer_to(text)
        if answer is None:
            self.refuse(Problem(code="unsupported", message=ONLY_PING))
        else:
            self._session.put(text_frame(answer))
        return None


def _now() -> str:
    return iso_from_ms(time.time_ns() // 1_000_000)
