"""`doctor`: whether this machine has what Livetrail needs, and what each part takes."""

import asyncio
import importlib.util
import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from app.core.model_names import model_names
from app.core.quantities import size_text
from app.pipeline.jail import InForce
from app.pipeline.plugins.asking import ask_all
from app.pipeline.plugins.finding import find_plugins
from app.reading.magic import CLAIMS
from app.settings import Settings

State = Literal["ok", "look", "bad"]
PARTS = ("numpy", "onnxruntime", "polars", "pypdfium2", "python-calamine", "rapidocr", "yara-x")
"""Without one of these a kind of file can not be read."""
TRY_JAIL = (
    "from app.pipeline import forkserver, jail;"
    " print(jail.find_out(network=forkserver.leave_the_network()).to_bits())"
)
OCR_MODELS = ("det", "rec")  # what the file names of the two models that OCR needs hold


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `bad` keeps the server from its work, `look` may."""

    what: str
    state: State
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield what was found, in the order in which it is best read."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", "ok", f"{version}, {os.cpu_count()} cores")
    yield _sqlite()
    yield from _data_folder(settings)
    for path in (settings.database_path, settings.records_path):
        if path.exists():
            yield _database(path)
    yield _address(settings)
    yield _models(settings)
    yield _jail()
    yield from _plugins(settings)
    yield _ocr()
    for name in PARTS:
        yield _part(name)


def installed() -> list[tuple[str, str, int]]:
    """Return every package of the environment: name, version and bytes on the disk, largest first.

    What a package compiled while it was imported counts as far as its own list names it.
    """
    found = [
        (one.metadata["Name"], one.version, sum(map(_size, one.files or ())))
        for one in metadata.distributions()
    ]
    return sorted(found, key=lambda part: -part[2])


def _jail() -> Finding:
    """Try in another process what holds readers back: who tries it stays held."""
    tried = subprocess.run(  # noqa: S603 - our own interpreter, our own code
        [sys.executable, "-c", TRY_JAIL],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        return Finding("Jail", "look", "could not be tried; readers may reach what the server can")
    held_by = InForce.from_bits(int(tried.stdout))
    return Finding("Jail", "ok" if held_by.is_whole else "look", held_by.sentence())


def _size(file: metadata.PackagePath) -> int:
    try:
        return Path(str(file.locate())).stat().st_size
    except OSError:
        return 0


def _sqlite() -> Finding:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5 (text)")
    except sqlite3.OperationalError:
        return Finding("SQLite", "bad", f"{sqlite3.sqlite_version}, without full-text search")
    finally:
        connection.close()
    return Finding("SQLite", "ok", f"{sqlite3.sqlite_version} with full-text search")


def _data_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir.resolve()
    nearest = next(one for one in (folder, *folder.parents) if one.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        yield Finding("Data folder", "bad", f"{folder} can not be written by this user")
        return
    if nearest != folder:
        yield Finding("Data folder", "ok", f"{folder} will be made at the first start")
    elif stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield Finding("Data folder", "look", f"{folder} can be read by others; try chmod 700")
    else:
        yield Finding("Data folder", "ok", str(folder))
    free = shutil.disk_usage(nearest).free
    least = settings.min_free_bytes
    state: State = "ok" if free > 10 * least else "look" if free > least else "bad"
    yield Finding(
        "Free space", state, f"{size_text(free)}; uploads and reports stop below {size_text(least)}"
    )


def _database(path: Path) -> Finding:
    """Look at a database without touching it; a server that runs does not mind."""
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        return Finding(path.name, "bad", f"can not be read: {error}")
    size = size_text(path.stat().st_size)
    if verdict != "ok":
        return Finding(path.name, "bad", f"damaged: {verdict}; restore a backup")
    return Finding(path.name, "ok", f"{size}, schema {version}, no damage found")


def _address(settings: Settings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        detail = f"{where} can not be used ({error.strerror}); perhaps the server runs already"
        return Finding("Address", "look", detail)
    return Finding("Address", "ok", f"{where} is free")


def _models(settings: Settings) -> Finding:
    named = ", ".join([*settings.models, *filter(None, [settings.phrase_model])])
    if not named:
        return Finding("Language models", "ok", "none; nothing is sent anywhere")
    if importlib.util.find_spec("pydantic_ai") is None:
        return Finding("Language models", "bad", f"{named}: install the extra llm first")
    sent = [
        f"{what} are sent to {', '.join(sorted(addresses))}"
        for what, names in (
            ("pages of invoices", settings.models),
            ("names of steps", tuple(filter(None, [settings.phrase_model]))),
        )
        if (addresses := {m.address_with(settings.model_base_url) for m in model_names(names)})
    ]
    return Finding("Language models", "ok", f"{named}; {', '.join(sent)}")


def _plugins(settings: Settings) -> Iterator[Finding]:
    """Ask each plugin what it adds, as the server does when it starts."""
    if not settings.plugins:
        yield Finding("Plugins", "ok", "off")
        return
    found = asyncio.run(ask_all(find_plugins(settings), settings.data_dir, tuple(CLAIMS)))
    if not found:
        yield Finding("Plugins", "ok", "none")
    for plugin in found:
        parts = ", ".join(f"{part.kind} {part.name}" for part in plugin.parts)
        state: State = "look" if plugin.problem else "ok"
        yield Finding(f"Plugin {plugin.name}", state, plugin.problem or parts)


def _ocr() -> Finding:
    try:
        files = metadata.files("rapidocr") or []
    except metadata.PackageNotFoundError:
        return Finding("OCR", "bad", "rapidocr is not installed: scans can not be read")
    models = [file.name for file in files if re.search(r"\.onnx$", file.name)]
    if not all(any(f"_{part}" in name for name in models) for part in OCR_MODELS):
        return Finding("OCR", "bad", "its models are not in the package; install it anew")
    return Finding("OCR", "ok", f"{len(models)} models on this machine; none is downloaded")


def _part(name: str) -> Finding:
    try:
        return Finding(name, "ok", metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, "bad", "not installed; start Livetrail with python3 run.py")
