"""Every answer that a test's client gets is held to the description: its status, media type, shape.

A shape is held to what is described and no more: a field that nobody described fails too.
"""

import re
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema_rs
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from app.web.openapi import describe

PROBLEM = "application/problem+json"
PLACE = re.compile(r"\\{\w+\\}")


async def as_described(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Pass a request on, and hold its answer to what is described of the call, if anything is."""
    answer = await handler(request)
    call = call_of(request.method, request.url.path)
    if call is None or answer.content_type not in ("application/json", PROBLEM):
        return answer
    told = call["responses"].get(str(answer.status))
    if told is None and answer.content_type != PROBLEM:
        raise AssertionError(f"{request.method} {request.url.path} answers {answer.status}")
    content = (told or call["responses"]["default"]).get("content", {})
    if answer.content_type not in content:
        content = call["responses"]["default"]["content"]
    shape = content[answer.content_type].get("schema")
    if shape is not None:
        shape_of(shape["$ref"]).validate(await answer.json())
    return answer


@cache
def calls() -> tuple[tuple[re.Pattern[str], dict[str, Any]], ...]:
    """Return all calls, those without a place in their address first."""
    found = sorted(describe()["paths"].items(), key=lambda item: item[0].count("{"))
    return tuple((re.compile(PLACE.sub("[^/]+", re.escape(path))), given) for path, given in found)


def call_of(method: str, path: str) -> dict[str, Any] | None:
    for pattern, methods in calls():
        if pattern.fullmatch(path):
            call: dict[str, Any] | None = methods.get(method.lower())
            return call
    return None


@cache
def shape_of(ref: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({"$ref": ref, "components": {"schemas": closed_schemas()}})


@cache
def closed_schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = deepcopy(describe()["components"]["schemas"])
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return schemas
