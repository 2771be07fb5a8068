"""A server that speaks the OpenAI API, with whatever answers a test wants from it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Body = dict[str, Any]
Behaviour = Callable[[web.Request, Body], Awaitable[web.StreamResponse]]


@dataclass
class ModelServer:
    """A running server. Each call is kept, and answered by its model's behaviour.

    behaviours  by the name of the model; a list is used up call by call, its last one for ever
    """

    behaviours: dict[str, list[Behaviour]] = field(default_factory=dict)
    calls: list[Body] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a client went before its answer
    called: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def answers(self, model: str, *behaviours: Behaviour) -> None:
        self.behaviours[model] = list(behaviours)

    async def until_called(self, times: int) -> None:
        """Wait until there were so many calls."""
        while len(self.calls) < times:
            self.called.clear()
            await self.called.wait()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.calls.append(body)
        self.keys.append(request.headers.get("Authorization", ""))
        self.called.set()
        some = self.behaviours[body["model"]]
        behave = some.pop(0) if len(some) > 1 else some[0]
        try:
            return await behave(request, body)
        except asyncio.CancelledError:
            self.left.set()
            raise


@asynccontextmanager
async def model_server() -> AsyncIterator[ModelServer]:
    """Run such a server on a free port of this machine."""
    server = ModelServer()
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/chat/completions", server.complete)
    running = TestServer(app)
    await running.start_server()
    server.url = str(running.make_url("/v1"))
    try:
        yield server
    finally:
        await running.close()


def completion(body: Body, message: Body, finish: str = "stop") -> web.Response:
    """Return an answer of the API that says `message`, and that it took 120 and 30 tokens."""
    return web.json_response(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_800_000_000,
            "model": body["model"],
            "choices": [
                {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
            ],
            "usage": {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150},
        }
    )


def good(**fields: Any) -> Behaviour:
    """Answer with these fields, as the call asks for."""
    return with_arguments(json.dumps(fields))


def with_arguments(arguments: str) -> Behaviour:
    """Answer with this text where the fields should be."""

    async def behave(request: web.Request, body: Body) -> web.Response:
        tool = body["tools"][0]["function"]["name"]
        call = {
            "id": "call_1",
            "type": "function",
            "function": {"name": tool, "arguments": arguments},
        }
        return completion(body, {"content": None, "tool_calls": [call]}, "tool_calls")

    return behave


async def chatty(request: web.Request, body: Body) -> web.Response:
    """Answer in words in place of fields."""
    return completion(body, {"content": "Sure! The total is 12 euros."})


async def refusing(request: web.Request, body: Body) -> web.Response:
    """Refuse, as the API says it."""
    return completion(body, {"content": None, "refusal": "I can't help with that."})


async def no_json(request: web.Request, body: Body) -> web.Response:
    """Answer with something that is no answer of the API."""
    return web.Response(text="<html>Bad gateway</html>", content_type="text/html")


async def no_choices(request: web.Request, body: Body) -> web.Response:
    """Answer as the API would, but say nothing."""
    return web.json_response({"id": "x", "object": "chat.completion", "choices": []})


async def never(request: web.Request, body: Body) -> web.Response:
    """Leave the client waiting."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def gone(request: web.Request, body: Body) -> web.Response:
    """Hang up."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def status(code: int, retry_after: str = "") -> Behaviour:
    """Answer with an error of the API."""

    async def behave(request: web.Request, body: Body) -> web.Response:
        headers = {"Retry-After": retry_after} if retry_after else {}
        error = {"error": {"message": "no", "type": "error", "code": None}}
        return web.json_response(error, status=code, headers=headers)

    return behave
