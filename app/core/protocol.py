"""What is said on a connection: the messages of clients, those of the server, and how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from app.core.errors import AppError
from app.core.events import check_types

SUBPROTOCOL = "livetrail.v1.json"
MSGPACK_SUBPROTOCOL = "livetrail.v1.msgpack"
SUBSCRIPTIONS_AT_MOST = 100
LARGEST_SEQ = 2**63 - 1


class Close(IntEnum):
    """Why a connection was ended."""

    PROTOCOL_ERROR = 1002
    INVALID_DATA = 1007
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    RESTART = 1012  # shutting down: come back
    NOT_AUTHENTICATED = 4001
    NOT_ALLOWED = 4003
    TOO_MANY_MESSAGES = 4008
    TOO_MANY_CONNECTIONS = 4009
    UNRESPONSIVE = 4010


@dataclass(frozen=True, slots=True)
class Hangup:
    """Why the server ends a connection.

    retry_after_s  when the client should come back; None: nothing is said about it
    """

    code: Close
    reason: str
    retry_after_s: float | None = None


# What a client sends

Seq = Annotated[int, Field(strict=True, ge=0, le=LARGEST_SEQ)]
MessageId = Annotated[str, Field(max_length=64)] | Annotated[int, Field(strict=True)]
Name = Annotated[str, Field(min_length=1, max_length=64)]


def _known(types: list[str]) -> list[str]:
    check_types(types)
    return types


Types = Annotated[list[Name], Field(min_length=1, max_length=50), AfterValidator(_known)]
"""Types of events, all of which there are."""


class ClientMessage(BaseModel):
    """What all messages of a client may carry. `id` comes back with the answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: MessageId | None = None


class Subscribe(ClientMessage):
    """Follow a room. `after`: 0 from the start, absent from now on."""

    op: Literal["subscribe"]
    room: Annotated[str, Field(max_length=80)]
    after: Seq | Literal["acked"] | None = None
    log: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="the log's id as the client last saw it"
    )
    types: Types | None = None
    snapshot: bool = Field(False, description="the folded state first, instead of old events")


class Unsubscribe(ClientMessage):
    op: Literal["unsubscribe"]
    room: Annotated[str, Field(max_length=80)]


class Ack(ClientMessage):
    """Everything up to `seq` has arrived."""

    op: Literal["ack"]
    seq: Seq


class Ping(ClientMessage):
    op: Literal["ping"]


class Steer(ClientMessage):
    """Change the course of a job."""

    op: Literal["pause", "resume", "cancel", "retry"]
    job_id: Name


class Answer(ClientMessage):
    """Answer a question that a job asked."""

    op: Literal["answer"]
    clarification_id: Name
    answer: Any
    use_for_batch: bool = Field(False, description="the same for the batch's other files")


Request = Annotated[
    Subscribe | Unsubscribe | Ack | Ping | Steer | Answer, Field(discriminator="op")
]
REQUEST: TypeAdapter[Subscribe | Unsubscribe | Ack | Ping | Steer | Answer] = TypeAdapter(Request)


# What the server sends beside events


class ServerMessage(BaseModel):
    model_config = ConfigDict(frozen=True)
    type: str

    def encoded(self) -> bytes:
        """Return the message as one JSON object, without the fields that are null."""
        return self.model_dump_json(exclude_none=True).encode()


class Limits(BaseModel):
    """What the server takes from this client."""

    model_config = ConfigDict(frozen=True)
    messages_per_second: int
    max_message_bytes: int
    max_connections: int = Field(description="of this user at once")
    max_subscriptions: int = SUBSCRIPTIONS_AT_MOST


class Welcome(ServerMessage):
    """The first message."""

    type: Literal["welcome"] = "welcome"
    client_id: str
    user_id: str
    log: str = Field(description="id of the log; a cursor is only worth something in its own log")
    head: int
    heartbeat: float = Field(description="seconds")
    limits: Limits
    server: str


class Subscribed(ServerMessage):
    type: Literal["subscribed"] = "subscribed"
    id: str | int | None = None
    room: str
    head: int


class Unsubscribed(ServerMessage):
    type: Literal["unsubscribed"] = "unsubscribed"
    id: str | int | None = None
    room: str


class Reset(ServerMessage):
    """The client's cursor is not of this log: forget it. A snapshot follows, then `live`."""

    type: Literal["reset"] = "reset"
    id: str | int | None = None
    room: str
    log: str
    head: int


class Truncated(ServerMessage):
    """The log no longer reaches back to the client's cursor; from `oldest` on the room is whole.

    A snapshot of each job of which events are missing follows, then the events, then `live`.
    """

    type: Literal["truncated"] = "truncated"
    id: str | int | None = None
    room: str
    oldest: int


class Snapshot(ServerMessage):
    """The folded state of one job of the room, as it was after the event `state.last_seq`."""

    type: Literal["snapshot"] = "snapshot"
    room: str
    job_id: str
    state: dict[str, Any]

    @classmethod
    def of(cls, room: str, state: Mapping[str, Any]) -> "Snapshot":
        """Return the message of a state that is known to be right: it is not checked again."""
        job_id = state["job_id"]
        return cls.model_construct(type="snapshot", room=room, job_id=job_id, state=dict(state))


class Live(ServerMessage):
    """Everything of the room up to `seq` was sent; what comes now comes as it happens."""

    type: Literal["live"] = "live"
    room: str
    seq: int


class Heartbeat(ServerMessage):
    type: Literal["heartbeat"] = "heartbeat"
    head: int
    timestamp: str


class Pong(ServerMessage):
    type: Literal["pong"] = "pong"
    id: str | int | None = None


class Ok(ServerMessage):
    type: Literal["ok"] = "ok"
    id: str | int | None = None


class Connection(ServerMessage):
    """The first message to clients that know no `welcome`; that follows it."""

    type: Literal["connection"] = "connection"
    status: Literal["connected"] = "connected"
    client_id: str


class ConnectionEstablished(ServerMessage):
    """Somebody else's named connection came. None of these is an event: they have no seq."""

    type: Literal["connection_established"] = "connection_established"
    client_id: str
    user_id: str
    timestamp: str


class Reconnected(ServerMessage):
    """It came back, or there is one more of the name."""

    type: Literal["reconnected"] = "reconnected"
    client_id: str
    user_id: str
    timestamp: str


class ConnectionLost(ServerMessage):
    """The last connection of the name has ended."""

    type: Literal["connection_lost"] = "connection_lost"
    client_id: str
    user_id: str
    timestamp: str


class UserDisconnected(ServerMessage):
    """The same, to the same user's connections."""

    type: Literal["user_disconnected"] = "user_disconnected"
    client_id: str
    user_id: str
    timestamp: str


class Goodbye(ServerMessage):
    """The last message of an event stream: why it ends. A socket has its close frame for that."""

    type: Literal["goodbye"] = "goodbye"
    code: int = Field(description="what the close code of a socket would be")
    message: str
    retry_after: float | None = Field(None, description="seconds")


class Problem(ServerMessage):
    """A message was not carried out."""

    type: Literal["error"] = "error"
    id: str | int | None = None
    code: str
    message: str
    retry_after: float | None = Field(None, description="seconds")

    @classmethod
    def of(cls, error: AppError, message_id: str | int | None) -> "Problem":
        return cls(id=message_id, code=error.code, message=f"{error}.")
