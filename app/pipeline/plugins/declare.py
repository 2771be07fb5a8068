"""A process that asks one plugin what it adds, held back like a worker, and says it as JSON.

It is started by asking.py, as `main(plugin, data_dir, folder)`, and writes one line to what was
its standard output; what the plugin prints goes nowhere.
"""

import contextlib
import os
import resource
import sys
import traceback
from pathlib import Path

import orjson
from pydantic import ValidationError

from app.core.plugins import Plugin
from app.pipeline import forkserver, jail
from app.pipeline.forkserver import NICENESS
from app.pipeline.plugins.loading import NoPlugin, parts_of

CPU_S = 10
MEMORY_BYTES = 2 * 1024**3
FILE_BYTES = 1024 * 1024
LONGEST_REASON = 300


def main(plugin: str, data_dir: str, folder: str) -> None:
    """Ask the plugin, and say {"parts"} or {"problem"}.

    folder  in which it may write
    """
    os.nice(NICENESS)
    out = os.dup(1)
    devnull = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull, 0)
    os.dup2(devnull, 1)
    asked = Plugin.model_validate_json(plugin)
    _limit()
    held_by = jail.find_out(network=forkserver.leave_the_network())
    access = jail.Access(
        Path(data_dir).resolve(), reads=(Path(asked.path),), folders=(Path(folder).resolve(),)
    )
    jail.confine(access, held_by)
    os.write(out, orjson.dumps(_answer(asked)) + b"\n")
    os._exit(0)  # whatever threads it has started


def _limit() -> None:
    limits = [(resource.RLIMIT_CPU, CPU_S), (resource.RLIMIT_FSIZE, FILE_BYTES)]
    if sys.platform == "linux":  # macOS refuses limits on the address space
        limits.append((resource.RLIMIT_AS, MEMORY_BYTES))
    for what, limit in (*limits, (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # a lower one stands already
            resource.setrlimit(what, (limit, limit))


def _answer(plugin: Plugin) -> dict[str, object]:
    try:
        return {"parts": [part.model_dump(mode="json") for part in parts_of(plugin)]}
    except NoPlugin as error:
        return {"problem": str(error)[:LONGEST_REASON]}
    except ValidationError as error:  # what it declared can not be
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        return {"problem": f"{where}: {said}"[:LONGEST_REASON] if where else said}
    except BaseException as error:  # sys.exit() too: whatever it does while it is imported
        traceback.print_exc()
        return {"problem": reason_of(error)}


def reason_of(error: BaseException) -> str:
    """Return one line that says what went wrong."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}"[:LONGEST_REASON] if said else type(error).__name__
