"""JSON and JSON lines: lists of objects as rows, one level of what is nested as columns a.b."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from app.core.unreadable import DamagedFile, NotATable
from app.reading.statements.record import Record, Source, exact

WITHIN_KEYS = 50  # of an object around the list
DEEPEST = 3  # objects around the list


def columns_of(source: Source, kind: str) -> list[str]:
    """Return every name that occurs in the file's objects, in the order of their first appearance.

    Raises DamagedFile, NotATable.
    """
    names: dict[str, None] = {}
    for _, found in _objects(source, kind):
        if not found.keys() <= names.keys():
            names.update(dict.fromkeys(found))
    if not names:
        raise NotATable(filename=source.filename)
    return list(names)


def read(source: Source, kind: str, columns: Iterable[str]) -> Iterator[Record]:
    """Yield the file's objects as rows. The line of one in a JSON file is its number in the list.

    Raises DamagedFile, NotATable.
    """
    names = list(columns)
    size = source.path.stat().st_size
    done = 0
    for (line, done), found in _objects(source, kind):
        yield Record(line, [cell_text(found.get(name)) for name in names], min(done, size))


def _objects(source: Source, kind: str) -> Iterator[tuple[tuple[int, int], dict[str, Any]]]:
    """Yield ((line, bytes done), flat object)."""
    if kind == "ndjson":
        yield from _lines(source)
        return
    size = source.path.stat().st_size
    try:
        whole = orjson.loads(_utf8(source.path.read_bytes()))
    except orjson.JSONDecodeError as error:
        raise DamagedFile(filename=source.filename) from error
    rows = list_in(whole)
    if rows is None:
        raise NotATable(filename=source.filename)
    for number, found in enumerate(rows, 1):
        yield (number, size * number // len(rows)), flat(found)


def _lines(source: Source) -> Iterator[tuple[tuple[int, int], dict[str, Any]]]:
    done = 0
    with source.path.open("rb") as stream:
        number = 0
        while line := stream.readline(source.max_line_bytes + 1):
            number += 1
            done += len(line)
            if len(line) > source.max_line_bytes:
                raise source.too_long(number)
            text = line.strip(b"\xef\xbb\xbf \t\r\n") if number == 1 else line.strip()
            if not text:
                continue
            try:
                found = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise DamagedFile(filename=source.filename) from error
            if not isinstance(found, dict):
                raise NotATable(filename=source.filename)
            yield (number, done), flat(found)


def _utf8(content: bytes) -> bytes:
    """JSON is UTF-8; Windows programs put a mark before it, or write UTF-16."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace").encode("utf-8", "replace")
    return content.removeprefix(b"\xef\xbb\xbf")


def list_in(whole: Any, depth: int = 0) -> list[dict[str, Any]] | None:
    """Return the list of objects in a JSON value: itself, or the longest one a few keys deep."""
    if isinstance(whole, list):
        if whole and all(isinstance(one, dict) for one in whole):
            return whole
        return None
    if not isinstance(whole, Mapping) or depth >= DEEPEST or len(whole) > WITHIN_KEYS:
        return None
    lists = [found for one in whole.values() if (found := list_in(one, depth + 1)) is not None]
    return max(lists, key=len, default=None)


def flat(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with the values of the objects in it as a.b."""
    if not any(isinstance(value, dict) for value in found.values()):
        return dict(found)
    row: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, dict) and value:
            row.update({f"{name}.{inner}": one for inner, one in value.items()})
        else:
            row[name] = value
    return row


def cell_text(value: Any) -> str:
    """Return a value as a cell: words as they are, lists and deeper objects as JSON."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return exact(_decimal(value))
    return orjson.dumps(value).decode() if value else ""


def _decimal(value: float) -> str:
    text = repr(value)
    return text.removesuffix(".0") if "e" not in text else f"{value:.15g}"
