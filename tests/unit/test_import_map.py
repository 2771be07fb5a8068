"""The map of the house: who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[2] / "app"
ROOMS = ("core", "store", "live", "reading", "pipeline", "web", "client")
SHARED = {"core", "fairness", "settings", "slices", "tasks"}
MAY_IMPORT = {
    "core": {"core"},
    "client": {"core", "client"},
    "store": SHARED | {"store"},
    "live": SHARED | {"store", "live"},
    "reading": SHARED | {"store", "reading"},
    "pipeline": SHARED | {"store", "pipeline", "plugins"},
    "web": SHARED | {"store", "live", "pipeline", "web", "keys"},
}
STANDS_ON = {"core": {"pydantic"}, "client": {"pydantic", "aiohttp"}}
"""Beside the standard library: these are used where nothing of the server is installed."""


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            yield node.module or ""


def modules() -> list[tuple[str, Path]]:
    return [(room, path) for room in ROOMS for path in sorted((APP / room).rglob("*.py"))]


@pytest.mark.parametrize(
    ("room", "path"), modules(), ids=lambda value: getattr(value, "name", value)
)
def test_a_room_imports_only_what_the_map_allows(room: str, path: Path) -> None:
    own = {name.split(".")[1] for name in imports_of(path) if name.startswith("app.")}
    assert own <= MAY_IMPORT[room], f"{path} imports {own - MAY_IMPORT[room]}"


@pytest.mark.parametrize(
    ("room", "path"),
    [(room, path) for room, path in modules() if room in STANDS_ON],
    ids=lambda value: getattr(value, "name", value),
)
def test_core_and_client_stand_on_little(room: str, path: Path) -> None:
    import sys

    outside = {name.split(".")[0] for name in imports_of(path)} - {"app"}
    assert outside <= set(sys.stdlib_module_names) | STANDS_ON[room]


def test_every_file_says_in_its_first_line_what_lives_there() -> None:
    silent = [
        path.relative_to(APP)
        for path in sorted(APP.rglob("*.py"))
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []
