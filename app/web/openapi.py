"""/openapi.json: the API's description, made from the models that validate and answer."""

import asyncio
import re
from functools import cache
from typing import Any, Literal

from aiohttp import web
from pydantic import TypeAdapter

from app import __version__
from app.core.tus import CHUNK
from app.web import models, once, uploads
from app.web.calls import API, OPERATIONS, Operation
from app.web.identity import COOKIE
from app.web.problems import LINES
from app.web.wire import state_answer

PARAMETER = re.compile(r"\{(\w+)\}")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SECURITY = {
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    "bearer": {"type": "http", "scheme": "bearer", "description": "an API token, lt_..."},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": once.LONGEST_KEY},
    "description": "the same key gets the same answer again, and nothing is done twice",
}


@cache
def describe() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document. It takes a while to make, and is made once."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {"title": "Livetrail", "version": __version__},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": SECURITY},
    }


async def document(request: web.Request) -> web.Response:
    """GET /openapi.json."""
    return state_answer(request, await asyncio.to_thread(describe))


def _name(model: Any) -> str:
    return str(model.__name__)


def _ref(model: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{_name(model)}"}


def _schemas() -> dict[str, Any]:
    adapters: list[tuple[str, Literal["validation"], TypeAdapter[Any]]] = []
    named: dict[str, Any] = {
        _name(models.Problem): models.Problem,
        _name(uploads.UploadOptions): uploads.UploadOptions,
    }
    for operation in OPERATIONS:
        for model in (operation.answer, operation.body):
            if model is not None and not isinstance(model, str):
                named[_name(model)] = model
    for name, model in sorted(named.items()):
        adapters.append((name, "validation", TypeAdapter(model)))
    refs, defs = TypeAdapter.json_schemas(adapters, ref_template="#/components/schemas/{model}")
    found: dict[str, Any] = dict(defs.get("$defs", {}))
    for (name, _), schema in refs.items():
        if "$ref" not in schema:
            found[str(name)] = schema
    return found


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": _id(operation),
        "parameters": [*_in_path(operation), *_in_query(operation), *_in_headers(operation)],
        "responses": {
            **{str(at): _answer(operation) for at in (operation.status, operation.also_at) if at},
            "default": {
                "description": "What happened, what was kept, what to do",
                "content": {
                    **({"text/plain": {}} if operation.path.startswith(LINES) else {}),
                    "application/problem+json": {"schema": _ref(models.Problem)},
                },
            },
        },
        "security": [] if operation.is_open else [{"cookie": []}, {"bearer": []}],
    }
    if operation.takes_key:
        described["parameters"].append(IDEMPOTENCY_KEY)
    if operation.takes_files:
        content: dict[str, Any] = {"multipart/form-data": FILES}
        if operation.body is not None:
            content["application/json"] = {"schema": _ref(operation.body)}
        described["requestBody"] = {"required": True, "content": content}
    elif operation.takes_one_file:
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": ONE_FILE}}
    elif operation.takes_bytes:
        described["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
    elif operation.takes_pieces:
        described["requestBody"] = {"required": False, "content": {CHUNK: {}}}
    elif operation.body is not None:
        described["requestBody"] = {
            "required": any(f.is_required() for f in operation.body.model_fields.values()),
            "content": {"application/json": {"schema": _ref(operation.body)}},
        }
        if operation.also_as:
            described["requestBody"]["content"][operation.also_as] = {}
    return described


FILES = {
    "schema": {
        "type": "object",
        "required": ["files"],
        "properties": {
            "files": {
                "type": "array",
                "items": {"type": "string", "contentMediaType": "application/octet-stream"},
            },
            "options": {"$ref": "#/components/schemas/UploadOptions"},
        },
    },
    "encoding": {"options": {"contentType": "application/json"}},
}


ONE_FILE = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "contentMediaType": "application/octet-stream"},
            "batch_id": {
                "type": "string",
                "format": "uuid",
                "description": "made up by the client",
            },
        },
    },
}


def _id(operation: Operation) -> str:
    words = re.findall(r"\w+", operation.path.removeprefix(API))
    return "_".join([operation.method, *words])


def _in_path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in PARAMETER.findall(operation.path)
    ]


def _in_query(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema()
    needed = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": field}
        for name, field in schema["properties"].items()
    ]


def _in_headers(operation: Operation) -> list[dict[str, Any]]:
    described = []
    for name, given in operation.headers.items():
        schema = {key: value for key, value in given.items() if key != "required"}
        needed = given.get("required", False)
        described.append({"name": name, "in": "header", "required": needed, "schema": schema})
    return described


def _answer(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"description": operation.summary}
    if isinstance(operation.answer, str):
        described["content"] = {operation.answer: {}}
    elif operation.answer is not None:
        described["content"] = {"application/json": {"schema": _ref(operation.answer)}}
        if operation.answers_as:
            described["content"][operation.answers_as] = {}
    return described
