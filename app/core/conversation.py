"""The conversation with one client: text in, requests and messages out. No socket, no clock."""

import json
from dataclasses import dataclass

from pydantic import ValidationError

from app.core.protocol import (
    LARGEST_SEQ,
    REQUEST,
    Ack,
    Answer,
    Close,
    Hangup,
    Ping,
    Problem,
    Steer,
    Subscribe,
    Unsubscribe,
)
from app.core.rooms import Room, parse_room


@dataclass(slots=True)
class TokenBucket:
    """Lets `rate` messages a second through, as many at once after a quiet second."""

    rate: int
    tokens: float
    at_s: float
    refused: int = 0  # since the bucket was last full

    def take(self, now_s: float) -> float:
        """Take one token and return 0, or return the seconds until there is one."""
        self.tokens = min(self.rate, self.tokens + (now_s - self.at_s) * self.rate)
        self.at_s = now_s
        if self.tokens == self.rate:
            self.refused = 0
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        self.refused += 1
        return (1 - self.tokens) / self.rate


@dataclass(frozen=True, slots=True)
class Follow:
    """Where to follow a room from.

    after  everything past this seq; at most the head
    reset  the client's cursor was not of this log; its state comes from a snapshot
    id     of the message that asked
    """

    after: int
    types: frozenset[str] | None
    snapshot: bool
    reset: bool
    id: str | int | None = None


class Conversation:
    """What one client may say, and what it means."""

    def __init__(self, user_id: str, rate: int, now_s: float) -> None:
        """rate: messages a second. A client refused as often as that again is hung up on."""
        self._user_id = user_id
        self._bucket = TokenBucket(rate, tokens=rate, at_s=now_s)

    def admit(self, now_s: float) -> Problem | Hangup | None:
        """Count a message. Return None when it may be read, else what to say instead."""
        wait_s = self._bucket.take(now_s)
        if not wait_s:
            return None
        rate = self._bucket.rate
        if self._bucket.refused > rate:
            return Hangup(Close.TOO_MANY_MESSAGES, f"more than {rate} messages a second")
        return Problem(
            code="too_many_messages",
            message=f"More than {rate} messages a second; this one was not carried out.",
            retry_after=round(wait_s, 3),
        )

    def receive(self, text: str) -> Subscribe | Unsubscribe | Ack | Ping | Steer | Answer | Problem:
        """Return what `text` asks for, or the error to answer it with."""
        try:
            return REQUEST.validate_json(text)
        except ValidationError as error:
            return _refusal(text, error)

    def room(self, ask: Subscribe | Unsubscribe) -> Room | Problem:
        """Return the room that was named; whether it may be followed is another question."""
        try:
            return parse_room(ask.room, self._user_id)
        except ValueError as error:
            return Problem(id=ask.id, code="invalid_request", message=f"{error}.")

    @staticmethod
    def decide(
        ask: Subscribe, *, log: str, head: int, acked: int | None = None
    ) -> Follow | Problem:
        """Return where the client goes on from, `log` and `head` being those of the server.

        acked  how far the client's name has acknowledged; None when it has no durable name

        A cursor from another log, or past this log's head, is told so, never guessed at.
        """
        types = None if ask.types is None else frozenset(ask.types)
        after = acked if ask.after == "acked" else ask.after
        if after is None and ask.after is not None:
            return nameless(ask)
        foreign = ask.log is not None and ask.log != log
        if foreign or (after is not None and after > head):
            return Follow(head, types, snapshot=True, reset=True, id=ask.id)
        if after is None or ask.snapshot:
            after = head
        return Follow(after, types, snapshot=ask.snapshot, reset=False, id=ask.id)

    @staticmethod
    def acknowledged(ask: Ack, *, head: int, told: int) -> int | Problem:
        """Return up to where everything has arrived.

        told  up to where this connection was told, in all its rooms: what another room is still
              owed can not have arrived, though the place that is acknowledged lies past it
        """
        if ask.seq > head:
            return Problem(
                id=ask.id,
                code="invalid_request",
                message=f"seq {ask.seq} is past the newest event, which is {head}.",
            )
        return min(ask.seq, told)


def nameless(ask: Subscribe | Ack) -> Problem:
    """Return the answer to somebody who has no durable name, but asks as if."""
    return Problem(
        id=ask.id,
        code="unsupported",
        message="Only a connection with a name of its own, /ws/<name>, can acknowledge.",
    )


def _refusal(text: str, error: ValidationError) -> Problem:
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return Problem(code="bad_json", message=f"This is not JSON: {first['msg'][:200]}.")
    found = json.loads(text)
    message_id = found.get("id") if isinstance(found, dict) else None
    if not isinstance(message_id, str | int) or isinstance(message_id, bool):
        message_id = None
    if isinstance(message_id, str):
        message_id = message_id[:64]
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return Problem(
            id=message_id,
            code="unknown_op",
            message="Unknown op; there are subscribe, unsubscribe, ack, ping, pause, resume,"
            " cancel, retry and answer.",
        )
    return Problem(
        id=message_id,
        code="invalid_request",
        message=_wrong(first["loc"], first["type"], first["msg"]),
    )


VALUE_ERROR = "Value error, "  # what pydantic puts before the text of a ValueError

TAKES = {
    "id": "a text of at most 64 characters or a whole number",
    "room": "the name of a room, such as user:me, of at most 80 characters",
    "after": f"a whole number from 0 to {LARGEST_SEQ}",
    "seq": f"a whole number from 0 to {LARGEST_SEQ}",
    "log": "a text of at most 64 characters",
    "types": "a list of 1 to 50 types of events",
    "snapshot": "true or false",
    "job_id": "a text of 1 to 64 characters",
    "clarification_id": "a text of 1 to 64 characters",
    "use_for_batch": "true or false",
}
"""What each field of a client's message may hold, in words."""


def _wrong(place: tuple[int | str, ...], kind: str, said: str) -> str:
    """Say what is wrong at `place`: the op, the field, and what lies within it."""
    if len(place) < 2:
        return "A message is a JSON object with an op."
    op, field = str(place[0]), str(place[1])[:100]
    if kind == "missing":
        return f"{op} needs {field}."
    if kind == "extra_forbidden":
        return f"{op} takes no {field}."
    if kind == "value_error":  # one of our own sentences
        return f"{field}: {said.removeprefix(VALUE_ERROR)}."
    return f"{field} has to be {TAKES[field]}."
