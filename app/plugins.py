"""What a plugin is written with: the hooks, what each of them returns, and what its code is given.

    from app.plugins import File, Step, hook

    def count(file: File) -> dict[str, int]:
        return {"words": len(file.path.read_bytes().split())}

    @hook
    def livetrail_steps() -> list[Step]:
        return [Step("count_words", count, after="malware_scan", done="I counted {words} words")]

Hooks only declare. The functions they name do the work: plain ones or async ones, each call in a
process of its own that has no network and reaches nothing but the job's file, the plugin's own
files and `file.folder`. A notifier's process has the network and the machine's programs, since
telling needs them, and of the data folder its own files alone. What raises, takes too long, ends
its process or takes too much memory is told with the code `plugin_failed`, and harms nothing else.
docs/plugins.md explains it all.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

import pluggy

T = TypeVar("T", bound=Callable[..., Any])

PROJECT = "livetrail"
_spec = pluggy.HookspecMarker(PROJECT)
_impl = pluggy.HookimplMarker(PROJECT)


def hook(function: T) -> T:
    """Mark a function, named like one of `Hooks`, as a plugin's answer to it."""
    return _impl(function)


class Progress(Protocol):
    """Says how far the work is."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Tell that `done` of `total` units are done. Cheap to call often."""


@dataclass(frozen=True)
class Row:
    """A row of a table as it was read.

    n       its number among the rows of the file, from 1; `line` is where it stands in the file
    date    ISO 8601
    amount  below zero where money went out
    """

    n: int
    line: int
    date: str | None
    amount: Decimal | None
    currency: str | None
    description: str | None
    counterparty: str | None
    reference: str | None
    account: str | None


@dataclass(frozen=True)
class File:
    """The file that a job is about.

    path     the file as it came; only to be read
    kind     what it was found to be: "csv", "pdf" and so on
    found    what earlier steps of the job returned, by step
    rows     the rows of a table, one by one, for a step that asked for them with `rows=True`
    options  what came with the upload
    folder   an empty folder that is this part's own, and goes when the job has ended
    tell     says how far the work is: tell(done, total)
    warn     says something that a person should know; the job goes on
    """

    job_id: str
    name: str
    path: Path
    size: int
    kind: str
    found: Mapping[str, Mapping[str, Any]]
    rows: Iterable[Row]
    options: Mapping[str, Any]
    folder: Path
    tell: Progress
    warn: Callable[[str], None]


@dataclass(frozen=True)
class Finding:
    """What a scanner found. `harmful` stops the file; otherwise people are warned."""

    text: str
    harmful: bool = True


@dataclass(frozen=True)
class RowGroup:
    """Rows of a file that name the same payee, with money going the same way.

    sign  -1 money out, 1 money in, 0 unknown
    rows  how many
    """

    id: int
    text: str
    vendor: str | None
    sign: int
    currency: str | None
    rows: int


@dataclass(frozen=True)
class Suggestion:
    """The category of a group of rows, by its id.

    category    one of GET /api/v1/categories
    confidence  0 to 1; below 0.6 the rows wait for a person's look
    reason      in words, shown with the row; "" names the plugin
    """

    group: int
    category: str
    confidence: float = 0.9
    reason: str = ""


@dataclass(frozen=True)
class Step:
    """A further step, done after the step `after` in each of `plans` (none named: in all).

    run       returns what it found, as JSON values of at most 64 KiB together, or None
    label     what it is called; "" makes one of the name
    rows      it is given `file.rows`; only after `extracting` and what follows it
    message   said while it works; `done` when it has: {fact} is filled in from what it returned
    required  the job fails where it fails; else people are warned and the job goes on
    """

    name: str
    run: Callable[[File], Mapping[str, Any] | Awaitable[Mapping[str, Any] | None] | None]
    after: str
    plans: Sequence[str] = ()
    label: str = ""
    message: str = ""
    done: str = ""
    rows: bool = False
    required: bool = True


@dataclass(frozen=True)
class Reader:
    """Reads a further kind of file as a table: `run` returns rows, the first with column names.

    endings  of the files' names, without the point; none that is read without a plugin
    magic    how such a file begins; b"" where the name says enough
    """

    name: str
    run: Callable[[File], Iterable[Sequence[Any]] | Awaitable[Iterable[Sequence[Any]]]]
    endings: Sequence[str]
    magic: bytes = b""
    label: str = ""
    message: str = ""
    done: str = ""


@dataclass(frozen=True)
class Scanner:
    """A further check for what is meant to do harm. A file that it can not check is not read on."""

    name: str
    run: Callable[[File], Iterable[Finding] | Awaitable[Iterable[Finding] | None] | None]
    label: str = ""
    message: str = ""
    done: str = ""


@dataclass(frozen=True)
class Categoriser:
    """Suggests categories: after what the person said, before what everybody has."""

    name: str
    run: Callable[[Sequence[RowGroup]], Iterable[Suggestion] | Awaitable[Iterable[Suggestion]]]
    label: str = ""
    message: str = ""
    done: str = ""


@dataclass(frozen=True)
class Exporter:
    """A further format of exports: `run` gets the lines and the file to write, open for bytes."""

    name: str
    run: Callable[[Iterable[Mapping[str, Any]], BinaryIO], Awaitable[None] | None]
    ending: str
    media_type: str = "application/octet-stream"
    label: str = ""


@dataclass(frozen=True)
class Notifier:
    """Is told events of everybody, as clients get them, soon after they happened."""

    name: str
    run: Callable[[Mapping[str, Any]], Awaitable[None] | None]
    types: Sequence[str] = field(
        default=("batch_completed", "processing_failed", "clarification_requested")
    )
    label: str = ""


class Hooks:
    """Every hook there is; a plugin has those that it needs. They take nothing and return lists."""

    @_spec
    def livetrail_steps(self) -> list[Step]:
        """Return further steps."""
        raise NotImplementedError

    @_spec
    def livetrail_readers(self) -> list[Reader]:
        """Return readers of further kinds of files."""
        raise NotImplementedError

    @_spec
    def livetrail_scanners(self) -> list[Scanner]:
        """Return further checks."""
        raise NotImplementedError

    @_spec
    def livetrail_categorisers(self) -> list[Categoriser]:
        """Return who suggests categories."""
        raise NotImplementedError

    @_spec
    def livetrail_exporters(self) -> list[Exporter]:
        """Return further formats."""
        raise NotImplementedError

    @_spec
    def livetrail_notifiers(self) -> list[Notifier]:
        """Return who is told events."""
        raise NotImplementedError
