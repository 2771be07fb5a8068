"""What a call is described to take is what its code reads, and the other way round.

Found in the code itself: whichever models a handler, and what it calls within `app.web`, hands to
`read_json`, `read_query` or `validated`.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import pytest
from aiohttp import web
from pydantic import BaseModel

from app.core.protocol import Subscribe
from app.core.reports import ReportList
from app.web import once, wire
from app.web.calls import OPERATIONS, Operation
from app.web.routes import api_routes

ROUTES = {(route.method.lower(), route.path): route for route in api_routes()}
READ_ELSEWHERE: dict[Any, str] = {ReportList: "told one by one by core.reports, in slices"}
ASKED_WITHIN = {Subscribe: "a message that the stream asks on behalf of its client"}


def functions_of(handler: Any) -> Iterator[tuple[dict[str, Any], ast.AST]]:
    """Yield the code of a handler and of all in `app.web` that it names, with what names mean."""
    seen, left = set(), [inspect.unwrap(handler)]
    while left:
        function = left.pop()
        is_ours = isinstance(function, FunctionType) and function.__module__.startswith("app.web.")
        if function in seen or not is_ours or function.__module__ == wire.__name__:
            continue
        seen.add(function)
        scope = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        yield scope, tree
        left += [found for found in (meant(node, scope) for node in ast.walk(tree)) if found]


def meant(node: ast.AST, scope: dict[str, Any]) -> Any:
    """Return the function that a name, or an attribute of a module, stands for; None of others."""
    found = None
    if isinstance(node, ast.Name):
        found = scope.get(node.id)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        found = getattr(scope.get(node.value.id), node.attr, None)
    return inspect.unwrap(found) if inspect.isfunction(found) else None


def read_by(route: web.RouteDef) -> set[tuple[str, Any]]:
    """Return what the code of a call reads: "body" or "query", and the model."""
    found = set()
    for scope, tree in functions_of(route.handler):
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            match node.func.id, node.args:
                case "read_json", [_, ast.Name(id=model)]:
                    found.add(("body", scope[model]))
                case "read_query", [_, ast.Name(id=model)]:
                    found.add(("query", scope[model]))
                case "validated", [
                    ast.Name(id=model),
                    _,
                    ast.Constant(value="query" | "body" as part),
                ]:
                    found.add((part, scope[model]))
                case "read_json" | "read_query", _:
                    raise AssertionError(f"which model is read? {ast.unparse(node)}")
    return {(part, model) for part, model in found if model not in ASKED_WITHIN}


@pytest.mark.parametrize("call", OPERATIONS, ids=lambda call: f"{call.method} {call.path}")
def test_a_call_takes_what_it_is_described_to_take(call: Operation) -> None:
    described: set[tuple[str, type[BaseModel] | None]] = {
        ("body", call.body),
        ("query", call.query),
    }
    told = {(part, model) for part, model in described if model and model not in READ_ELSEWHERE}
    assert told == read_by(ROUTES[call.method, call.path])


@pytest.mark.parametrize("call", OPERATIONS, ids=lambda call: f"{call.method} {call.path}")
def test_a_call_heeds_a_key_where_it_is_described_to(call: Operation) -> None:
    named = {
        meant(node, scope)
        for scope, tree in functions_of(ROUTES[call.method, call.path].handler)
        for node in ast.walk(tree)
    }
    assert call.takes_key == (once.key_of in named)
