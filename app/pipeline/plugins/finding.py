"""Which plugins there are, and what each adds. No code of a plugin runs in this process."""

import importlib.util
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from app.core.plugins import NAME, Plugin, all_told_apart
from app.pipeline.surroundings import passed_on
from app.settings import Settings

logger = logging.getLogger(__name__)

GROUP = "livetrail"
ANSWER_WITHIN_S = 20.0  # an import may load a large library on a slow machine
ASKED_AT_ONCE = 4
LONGEST_ANSWER = 256 * 1024
LAST_WORDS = 2000

BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from app.pipeline.plugins import declare; declare.main(*sys.argv[2:5])"
)


def find_plugins(settings: Settings, own_endings: Sequence[str] = ()) -> tuple[Plugin, ...]:
    """Return every plugin with what it adds, or with what is wrong with it.

    own_endings  of files that are read without a plugin

    Those of the data folder come first, each kind by name. Blocks for as long as they take to
    load, ANSWER_WITHIN_S at most for each four of them.
    """
    if not settings.plugins:
        return ()
    found = [*_in_folder(settings.plugins_dir), *_installed()]
    if not found:
        return ()
    data_dir = settings.data_dir.resolve()
    with ThreadPoolExecutor(ASKED_AT_ONCE) as threads:
        asked = list(threads.map(lambda one: one if one.problem else ask(one, data_dir), found))
    plugins = all_told_apart(asked, own_endings)
    for plugin in plugins:
        if plugin.problem:
            logger.error("plugin not used: plugin=%s problem=%s", plugin.name, plugin.problem)
        else:
            keys = ",".join(part.key for part in plugin.parts)
            logger.info("plugin: plugin=%s source=%s parts=%s", plugin.name, plugin.source, keys)
    return plugins


def _in_folder(folder: Path) -> Iterator[Plugin]:
    """Yield the modules and packages of the data folder's own plugins."""
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        unreadable = Plugin(name="plugins", source="folder", path=str(folder), module="")
        yield unreadable.broken(f"the folder can not be read: {error.strerror}")
        return
    for path in paths:
        is_package = path.is_dir() and (path / "__init__.py").is_file()
        if path.name.startswith((".", "_")) or not (is_package or path.suffix == ".py"):
            continue
        name = path.name if is_package else path.stem
        plugin = Plugin(
            name=name, source="folder", path=str(path.resolve()), module=f"livetrail_plugin_{name}"
        )
        if not NAME.fullmatch(name):
            yield plugin.broken(BAD_NAME)
        elif open_one := _open_to_all(folder, path):
            yield plugin.broken(f"everybody may write to {open_one.name}; try chmod o-w")
        else:
            yield plugin


def _open_to_all(folder: Path, plugin: Path) -> Path | None:
    """Return what of a plugin everybody on this machine may write to; None for nothing of it.

    Its code runs as the server: whoever may write to it would be the operator.
    """
    parts = (folder, plugin, *(plugin.rglob("*") if plugin.is_dir() else ()))
    return next((one for one in parts if one.exists() and one.stat().st_mode & stat.S_IWOTH), None)


BAD_NAME = "its name has to be small letters, digits and _, and begin with a letter"


def _installed() -> Iterator[Plugin]:
    """Yield what packages of this environment name as entry points."""
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        version = point.dist.version if point.dist else ""
        plugin = Plugin(name=point.name, source="package", path="", module="", version=version)
        try:
            at = {"path": _path_of(point), "module": point.module, "attribute": point.attr or ""}
        except (ImportError, ValueError, AttributeError) as error:  # the last: it names nothing
            yield plugin.broken(f"its package can not be found: {error}")
            continue
        plugin = plugin.model_copy(update=at)
        yield plugin if NAME.fullmatch(point.name) else plugin.broken(BAD_NAME)


def _path_of(point: EntryPoint) -> str:
    """Return where its package or module lies, without importing it. Raises ImportError."""
    top = point.module.partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        raise ImportError(f"no module named {top}")
    folders = list(spec.submodule_search_locations or ())
    return str(Path(folders[0] if folders else spec.origin).resolve())


def ask(plugin: Plugin, data_dir: Path) -> Plugin:
    """Return the plugin with what it adds, or with what went wrong when it was asked."""
    try:
        return _answer(plugin, data_dir)
    except OSError as error:
        return plugin.broken(f"it could not be asked: {error}")


def _answer(plugin: Plugin, data_dir: Path) -> Plugin:
    with (
        tempfile.TemporaryDirectory(prefix="livetrail-plugin-") as folder,
        tempfile.TemporaryFile() as err,  # which its limits keep small
    ):
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own code
            [
                sys.executable,
                "-c",
                BOOT,
                json.dumps(sys.path),
                plugin.model_dump_json(),
                str(data_dir),
                str(Path(folder).resolve()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
            start_new_session=True,
            env=passed_on(),
        )
        try:
            out, _ = process.communicate(timeout=ANSWER_WITHIN_S)
        except subprocess.TimeoutExpired:
            return plugin.broken(f"it did not load within {ANSWER_WITHIN_S:.0f} seconds")
        finally:
            _end(process)
            _log_words(plugin, err)
    try:
        said = json.loads(out[:LONGEST_ANSWER])
        if said.get("problem"):
            return plugin.broken(str(said["problem"]))
        return Plugin.model_validate({**plugin.model_dump(), "parts": said["parts"]})
    except (ValueError, ValidationError, KeyError, AttributeError):
        return plugin.broken(f"its process ended while it was loaded ({process.returncode})")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and whatever it started, and let go of its pipes."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _log_words(plugin: Plugin, err: IO[bytes]) -> None:
    err.seek(0, os.SEEK_END)
    err.seek(max(0, err.tell() - LAST_WORDS))
    if words := err.read().decode(errors="replace").strip():
        logger.warning("said while it was loaded: plugin=%s\n%s", plugin.name, words)
