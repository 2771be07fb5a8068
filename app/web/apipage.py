"""The page of the API: both descriptions as a person reads them, with nothing from elsewhere."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from jinja2 import Environment
from pydantic import BaseModel, ConfigDict, Field

from app import __version__
from app.web import asyncapi, openapi
from app.web.calls import API
from app.web.rendering import policy, shell_of
from app.web.views import Shell
from app.web.wire import read_query

PAGE = "/docs"
SCHEMAS = "#/components/schemas/"
BELOW = f"{API}/"
KEPT = 32  # pages, each some 200 KB at most
BEYOND = 2**53  # such a bound says nothing to a person


class ApiQuery(BaseModel):
    """What is looked for."""

    model_config = ConfigDict(extra="forbid")
    q: str = Field(default="", max_length=100)


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field: its name, what it may be in words, and the shapes that the words name."""

    name: str
    kind: str
    shapes: tuple[str, ...]
    is_required: bool
    about: str


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call. `takes` and `answers` name shapes, or media types."""

    method: str
    path: str
    about: str
    anchor: str
    is_open: bool
    parameters: tuple[FieldLine, ...]
    takes: str
    answers: str


@dataclass(frozen=True, slots=True)
class ShapeLine:
    """One shape: a message or a part of calls."""

    name: str
    about: str
    fields: tuple[FieldLine, ...]


@dataclass(frozen=True, slots=True)
class ApiPage:
    """What the template is given. Calls are by the first part of their address."""

    shell: Shell
    version: str
    q: str
    groups: Mapping[str, tuple[CallLine, ...]]
    told: tuple[tuple[str, ShapeLine], ...]
    heard: tuple[tuple[str, ShapeLine], ...]
    shapes: tuple[ShapeLine, ...]


async def api_page(request: web.Request) -> web.Response:
    """GET /docs: open to everybody, as the descriptions are."""
    q = read_query(request, ApiQuery).q.strip()
    shell = shell_of(request, None)

    text = await asyncio.to_thread(_rendered, aiohttp_jinja2.get_env(request.app), shell, q)
    headers = {"Content-Security-Policy": policy(request.host)}
    return web.Response(text=text, content_type="text/html", headers=headers)


@lru_cache(maxsize=KEPT)
def _rendered(environment: Environment, shell: Shell, q: str) -> str:
    """Return the page. It takes some hundred milliseconds, and strangers may ask for it."""
    return environment.get_template("apipage.html").render(page=page_of(shell, q))


def api_page_routes() -> list[web.AbstractRouteDef]:
    """Return the page's address."""
    return [web.get(PAGE, api_page)]


def page_of(shell: Shell, q: str) -> ApiPage:
    """Return what of both descriptions says `q` somewhere in its name or about itself."""
    calls, told, heard, shapes = _everything()
    groups: dict[str, tuple[CallLine, ...]] = {}
    for line in calls:
        if _says(q, line.path, line.about, line.takes, line.answers):
            group = "the server"
            if line.path.startswith(BELOW):
                group = line.path.removeprefix(BELOW).partition("/")[0]
            groups[group] = (*groups.get(group, ()), line)
    return ApiPage(
        shell,
        __version__,
        q,
        dict(sorted(groups.items())),
        tuple((name, shape) for name, shape in told if _says(q, name, shape.about)),
        tuple((name, shape) for name, shape in heard if _says(q, name, shape.about)),
        tuple(shape for shape in shapes if _says(q, shape.name, shape.about)),
    )


Messages = tuple[tuple[str, ShapeLine], ...]


@cache
def _everything() -> tuple[tuple[CallLine, ...], Messages, Messages, tuple[ShapeLine, ...]]:
    """Return all calls, what is told and what is heard, and the shapes that are no messages."""
    calls, live = openapi.describe(), asyncapi.describe()
    schemas = {**live["components"]["schemas"], **calls["components"]["schemas"]}
    told, heard = _messages(live)
    within = {shape.name for _, shape in (*told, *heard)}
    shapes = [_shape(name, schema) for name, schema in sorted(schemas.items())]
    rest = tuple(shape for shape in shapes if shape.name not in within)
    return tuple(_calls(calls["paths"])), told, heard, rest


def _says(q: str, *texts: str) -> bool:
    return any(q.lower() in text.lower() for text in texts)


def _calls(paths: Mapping[str, Any]) -> Iterator[CallLine]:
    for path, methods in paths.items():
        for method, call in methods.items():
            status = next(iter(call["responses"]))
            yield CallLine(
                method.upper(),
                path,
                call["summary"],
                call["operationId"],
                not call["security"],
                tuple(
                    FieldLine(
                        given["name"],
                        f"{words(given['schema'])}, in the {given['in']}",
                        (),
                        given["required"],
                        given.get("description") or given["schema"].get("description", ""),
                    )
                    for given in call["parameters"]
                ),
                _content(call.get("requestBody", {})),
                f"{status} {_content(call['responses'][status])}".strip(),
            )


def _content(body: Mapping[str, Any]) -> str:
    """Return what a body is: the shape, where it has one, else its media types."""
    parts = []
    for media, content in body.get("content", {}).items():
        schema = content.get("schema", {})
        parts.append(words(schema) if "$ref" in schema else media)
    return " or ".join(parts)


def _messages(live: Mapping[str, Any]) -> tuple[Messages, Messages]:
    """Return what the server tells and what it hears, each with its name on the wire."""
    sides: dict[str, dict[str, ShapeLine]] = {"send": {}, "receive": {}}
    schemas, messages = live["components"]["schemas"], live["components"]["messages"]
    for operation in live["operations"].values():
        for ref in operation["messages"]:
            name = ref["$ref"].rpartition("/")[2]
            shape = messages[name]["payload"]["$ref"].removeprefix(SCHEMAS)
            sides[operation["action"]][name] = _shape(shape, schemas[shape])
    return tuple(sides["send"].items()), tuple(sides["receive"].items())


def _shape(name: str, schema: Mapping[str, Any]) -> ShapeLine:
    needed = schema.get("required", ())
    return ShapeLine(
        name,
        " ".join(str(schema.get("description", "")).split()),
        tuple(
            FieldLine(
                key,
                words(field),
                tuple(dict.fromkeys(_shapes(field))),
                key in needed,
                field.get("description", ""),
            )
            for key, field in schema.get("properties", {}).items()
        ),
    )


def _shapes(schema: Any) -> Iterator[str]:
    """Yield the names of the shapes that `schema` refers to."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(SCHEMAS)
        for value in schema.values():
            yield from _shapes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _shapes(value)


def words(schema: Mapping[str, Any]) -> str:
    """Return a JSON schema in a few words: "list of text", "number from 0 to 100 or null"."""
    if "$ref" in schema:
        return str(schema["$ref"].removeprefix(SCHEMAS))
    if "const" in schema:
        return f"“{schema['const']}”"
    if "enum" in schema:
        return " or ".join(f"“{value}”" for value in schema["enum"])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(words(one) for one in schema[key]))
    match schema.get("type"):
        case "array":
            return f"list of {words(schema.get('items', {}))}"
        case "object":
            inner = schema.get("additionalProperties")
            return f"object of {words(inner)}" if isinstance(inner, Mapping) and inner else "object"
        case "integer" | "number" as kind:
            return " ".join(["whole number" if kind == "integer" else "number", *_bounds(schema)])
        case "string":
            return str(schema.get("format") or schema.get("contentMediaType") or "text")
        case "boolean":
            return "true or false"
        case "null":
            return "null"
        case _:
            return "anything"


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    for key, word in (("minimum", "from"), ("exclusiveMinimum", "over"), ("maximum", "to")):
        if key in schema and abs(schema[key]) < BEYOND:
            yield f"{word} {schema[key]:,}"
