"""Inside a worker: a plugin's function is given what it needs, and what it returns is checked.

These are readers like those of app.reading (core/reading.py): they run in a process of their own
for each call, in the jail, without the database of rows. The task's `plugin` says whose function
it is; its `work_dir` is the folder of that part alone.
"""

import asyncio
import csv
import hashlib
import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from app.core.errors import AppError, PluginFailed
from app.core.notices import PluginSays
from app.core.plugins import GROUPS, ROW_FIELDS, ROWS, SUGGESTED, TABLE, Part, Plugin
from app.core.reading import Task, Tell
from app.core.taxonomy import CATEGORIES
from app.core.unreadable import MalwareFound, TooManyColumns, TooManyRows
from app.pipeline.plugins.declare import reason_of
from app.pipeline.plugins.loading import function_of
from app.plugins import File, Finding, Row, RowGroup, Suggestion

MOST_FOUND_BYTES = 64 * 1024
MOST_FINDINGS = 20
LONGEST_WORDS = 500
LONGEST_TRACE = 4000
TELL_EVERY = 1000

EXPORT = "export"  # that an exporter writes, beside its SHA-256 in the answer


def step(task: Task, tell: Tell) -> dict[str, Any]:
    """Do a step of a plugin; return what it found. Raises PluginFailed."""
    call = _Call(task)
    found = call(call.file(tell))
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise call.failed(f"it returned {type(found).__name__}, which is no dict")
    try:
        size = len(orjson.dumps(dict(found)))
    except TypeError as error:
        raise call.failed("what it returned is not made of JSON values") from error
    if size > MOST_FOUND_BYTES:
        raise call.failed(f"it returned {size:,} bytes; {MOST_FOUND_BYTES:,} is the limit")
    return dict(found)


def scan(task: Task, tell: Tell) -> dict[str, Any]:
    """Return {"findings"}, which were told. Raises MalwareFound, PluginFailed."""
    call = _Call(task)
    texts: list[str] = []
    for finding in call.all(call.file(tell), Finding, MOST_FINDINGS):
        text = _words(finding.text)
        if finding.harmful:
            raise MalwareFound(filename=task["filename"], finding=f"{text} ({call.part.label})")
        tell.warn(PluginSays(says=text, plugin=call.plugin.name))
        texts.append(text)
    return {"findings": texts}


def read(task: Task, tell: Tell) -> dict[str, Any]:
    """Write the rows of a file as a table that the next steps read. Returns rows and columns.

    Raises TooManyRows, TooManyColumns, PluginFailed.
    """
    call = _Call(task)
    name, limits = task["filename"], task["limits"]
    width = rows = 0
    with (Path(task["work_dir"]) / TABLE).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        for number, row in enumerate(call.all(call.file(tell), Sequence, None)):
            width = max(width, len(row))
            if width > limits["max_columns"]:
                raise TooManyColumns(filename=name, columns=width, limit=limits["max_columns"])
            if number > limits["max_rows"]:
                raise TooManyRows(filename=name, limit=limits["max_rows"])
            writer.writerow([_cell(cell) for cell in row])
            rows = number
            if number and number % TELL_EVERY == 0:
                tell(number)
    if not rows:
        raise call.failed("it returned no rows")
    return {"rows": rows, "columns": width}


def suggest(task: Task, tell: Tell) -> dict[str, Any]:
    """Write what a categoriser suggests for GROUPS. Returns groups and known. Raises PluginFailed.

    Suggestions are of groups that were asked about, each with a category that there is.
    """
    call = _Call(task)
    folder = Path(task["work_dir"])
    with (folder / GROUPS).open("rb") as stream:
        groups = [RowGroup(**orjson.loads(line)) for line in stream]
    asked = {group.id for group in groups}
    known: dict[int, Suggestion] = {}
    for one in call.all(groups, Suggestion, len(groups)):
        if one.group not in asked:
            raise call.failed(f"it spoke of a group {one.group!r} that nobody asked about")
        if one.category not in CATEGORIES:
            raise call.failed(f"there is no category {one.category!r}")
        if not 0 <= one.confidence <= 1:
            raise call.failed(f"a confidence is 0 to 1, not {one.confidence!r}")
        known[one.group] = one
    with (folder / SUGGESTED).open("wb") as out:
        for one in known.values():
            reason = _words(one.reason or f"{call.part.label} says: {one.category}")
            said = [one.group, one.category, float(one.confidence), reason]
            out.write(orjson.dumps(said) + b"\n")
    return {"groups": len(groups), "known": len(known)}


def write(task: Task, tell: Tell) -> dict[str, Any]:
    """Write an export from the JSON lines options["lines_path"]. Returns sha256 of the file.

    Raises PluginFailed.
    """
    call = _Call(task)
    total, path = int(task["options"]["lines"]), Path(task["work_dir"]) / EXPORT
    with Path(task["options"]["lines_path"]).open("rb") as stream, path.open("wb") as out:

        def lines() -> Iterable[Mapping[str, Any]]:
            for number, line in enumerate(stream, 1):
                if number % TELL_EVERY == 0:
                    tell(number, total)
                yield orjson.loads(line)

        call(lines(), out)
    tell(total, total)
    with path.open("rb") as made:
        return {"sha256": hashlib.file_digest(made, "sha256").hexdigest()}


class _Call:
    """One call of one function of a plugin."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.plugin = Plugin.model_validate(task["plugin"]["plugin"])
        self.part = Part.model_validate(task["plugin"]["part"])

    def __call__(self, *given: Any) -> Any:
        """Return what the function returns, awaited if need be. Raises PluginFailed."""
        return self._tried(lambda: self._called(*given))

    def all(self, given: Any, shape: Any, most: int | None) -> Iterable[Any]:
        """Yield what the function returns one by one, each a `shape`, `most` of them at most."""
        returned = self(given)
        source = iter(self._tried(lambda: returned if returned is not None else ()))
        count = 0
        following = partial(next, source, self)
        while (one := self._tried(following)) is not self:
            count += 1
            if not isinstance(one, shape) or isinstance(one, str):
                raise self.failed(f"it returned a {type(one).__name__}, which is no {_name(shape)}")
            if most is not None and count > most:
                raise self.failed(f"it returned more than {most:,}")
            yield one

    def file(self, tell: Tell) -> File:
        """Return what the function is given about the job's file."""
        task, plugin = self._task, self.plugin.name

        def progress(done: int, total: int | None = None) -> None:
            tell(int(done), None if total is None else int(total))

        return File(
            job_id=task["job_id"],
            name=task["filename"],
            path=Path(task["path"]),
            size=task["size"],
            kind=str(task["found"].get("initializing_streaming", {}).get("kind", "")),
            found=task["found"],
            rows=_Rows(Path(task["work_dir"]) / ROWS),
            options=task["options"],
            folder=Path(task["work_dir"]),
            tell=progress,
            warn=lambda text: tell.warn(PluginSays(says=_words(text), plugin=plugin)),
        )

    def failed(self, reason: str, trace: str = "") -> PluginFailed:
        """Return the error that says what the plugin did wrong."""
        return PluginFailed(
            plugin=self.plugin.name,
            part=self.part.label,
            filename=self._task["filename"],
            reason=reason,
            trace=trace,
        )

    def _called(self, *given: Any) -> Any:
        returned = function_of(self.plugin, self.part.name)(*given)
        return asyncio.run(_awaited(returned)) if inspect.isawaitable(returned) else returned

    def _tried(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except AppError:  # ours, through a callback of ours
            raise
        except Exception as error:
            trace = "".join(traceback.format_exception(error))[-LONGEST_TRACE:]
            raise self.failed(reason_of(error), trace) from error


class _Rows:
    """The rows that were listed for a step; none for a part that did not ask."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Row]:
        if not self._path.is_file():
            return
        with self._path.open("rb") as stream:
            for line in stream:
                facts = dict(zip(ROW_FIELDS, orjson.loads(line), strict=True))
                micros = facts.pop("amount_micros")
                amount = None if micros is None else Decimal(micros).scaleb(-6)
                yield Row(amount=amount, **facts)


async def _awaited(returned: Any) -> Any:
    return await returned


def _name(shape: Any) -> str:
    return "row" if shape is Sequence else str(shape.__name__)


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("\0", "")


def _words(text: Any) -> str:
    return " ".join(str(text).split())[:LONGEST_WORDS]
