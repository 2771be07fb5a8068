"""/asyncapi.json: what is said on live connections, made from the models that check and send.

AsyncAPI 3.0.0: channels are addresses, messages what goes over them, operations who sends them.
An operation is seen from the server's side: it `send`s events and `receive`s wishes.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Literal, get_args

from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from app import __version__
from app.core.events import AnyEvent, Event
from app.core.protocol import (
    MSGPACK_SUBPROTOCOL,
    SUBPROTOCOL,
    ClientMessage,
    Goodbye,
    Live,
    Reset,
    ServerMessage,
    Snapshot,
    Truncated,
    Welcome,
)
from app.web.wire import state_answer

SCHEMAS = "#/components/schemas/{model}"
EVENTS: tuple[type[Event], ...] = get_args(get_args(AnyEvent)[0])
SOCKET_ANSWERS = tuple(said for said in ServerMessage.__subclasses__() if said is not Goodbye)
STREAM_ANSWERS = (Welcome, Snapshot, Reset, Truncated, Live, Goodbye)  # nobody asks it for more
WISHES: tuple[type[ClientMessage], ...] = tuple(ClientMessage.__subclasses__())
QUERY = {
    "type": "object",
    "properties": {
        "token": {"type": "string", "description": "a ticket, or a listen-only token"},
        "frames": {"type": "string", "enum": ["single"], "description": "one object a frame"},
    },
}
HEADERS = {
    "type": "object",
    "properties": {
        "Authorization": {"type": "string", "description": "Bearer, and an API token"},
        "Sec-WebSocket-Protocol": {"type": "string", "enum": [SUBPROTOCOL, MSGPACK_SUBPROTOCOL]},
    },
}
SOCKET_BINDINGS = {"ws": {"method": "GET", "query": QUERY, "headers": HEADERS}}


@cache
def describe() -> dict[str, Any]:
    """Return the AsyncAPI 3.0.0 document. It takes a while to make, and is made once."""
    client_id = {"description": "the client's own name, for acknowledging; 1 to 64 characters"}
    channels = {
        "socket": _channel(
            "/ws", "WebSocket", [*EVENTS, *SOCKET_ANSWERS, *WISHES], SOCKET_BINDINGS
        ),
        "namedSocket": {
            **_channel(
                "/ws/{client_id}",
                "WebSocket of a client that acknowledges",
                [*EVENTS, *SOCKET_ANSWERS, *WISHES],
                SOCKET_BINDINGS,
            ),
            "parameters": {"client_id": client_id},
        },
        "stream": _channel(
            "/api/v1/events", "Event stream (SSE)", [*EVENTS, *STREAM_ANSWERS], {"http": {}}
        ),
    }
    operations = {}
    for name in ("socket", "namedSocket"):
        operations[f"{name}Tells"] = _operation("send", name, [*EVENTS, *SOCKET_ANSWERS])
        operations[f"{name}Hears"] = _operation("receive", name, WISHES)
    operations["streamTells"] = _operation("send", "stream", [*EVENTS, *STREAM_ANSWERS])
    everything = [*EVENTS, *ServerMessage.__subclasses__(), *WISHES]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Livetrail",
            "version": __version__,
            "description": "Every event is committed before anybody hears it; `seq` resumes.",
        },
        "defaultContentType": "application/json",
        "servers": {"here": {"host": "localhost:8080", "protocol": "ws"}},
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {_name(model): _message(model) for model in everything},
            "schemas": _schemas(everything),
        },
    }


async def document(request: web.Request) -> web.Response:
    """GET /asyncapi.json: the description, with this server's address."""
    described = await asyncio.to_thread(describe)
    scheme = "wss" if request.secure else "ws"
    here = {"here": {"host": request.host, "protocol": scheme}}
    return state_answer(request, {**described, "servers": here})


def _name(model: type[BaseModel]) -> str:
    """Return the name of a message: its type or op; a wish of several has them joined."""
    if issubclass(model, ClientMessage):
        return "_or_".join(get_args(model.model_fields["op"].annotation))
    return str(model.model_fields["type"].default)


def _channel(
    address: str, title: str, messages: Sequence[type[BaseModel]], bindings: dict[str, Any]
) -> dict[str, Any]:
    return {
        "address": address,
        "title": title,
        "messages": {
            _name(model): {"$ref": f"#/components/messages/{_name(model)}"} for model in messages
        },
        "bindings": bindings,
    }


def _operation(
    action: Literal["send", "receive"], channel: str, messages: Sequence[type[BaseModel]]
) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [
            {"$ref": f"#/channels/{channel}/messages/{_name(model)}"} for model in messages
        ],
    }


def _message(model: type[BaseModel]) -> dict[str, Any]:
    about = " ".join((model.__doc__ or "").split())
    said = {"name": _name(model), "payload": {"$ref": SCHEMAS.format(model=model.__name__)}}
    return {**said, "summary": about} if about else said


def _schemas(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """Return the schema of every model: of events as they are sent, of the rest as it is taken.

    What the server says beside events leaves out what is null, so nothing of that is required.
    """
    wanted: list[tuple[str, Literal["serialization", "validation"], TypeAdapter[Any]]] = [
        (
            model.__name__,
            "serialization" if issubclass(model, Event) else "validation",
            TypeAdapter(model),
        )
        for model in models
    ]
    refs, shared = TypeAdapter.json_schemas(wanted, ref_template=SCHEMAS)
    found: dict[str, Any] = dict(shared.get("$defs", {}))
    for (name, _), schema in refs.items():
        if "$ref" not in schema:
            found[str(name)] = schema
    return found
