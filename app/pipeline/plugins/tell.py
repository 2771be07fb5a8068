"""A process in which a notifier of a plugin is told events, one after the other.

It is started by telling.py. Telling needs the network, and may need a program of the machine's: so
it has these, and no more of the data folder than its own file. Each line it is given is an event;
it answers each with {"told": seq}, or ends with {"problem"}.
"""

import asyncio
import contextlib
import inspect
import os
import resource
import sys
import traceback
from pathlib import Path

import orjson

from app.core.plugins import Plugin
from app.pipeline import jail
from app.pipeline.forkserver import NICENESS
from app.pipeline.plugins.declare import MEMORY_BYTES, reason_of
from app.pipeline.plugins.loading import function_of


def main(plugin: str, data_dir: str, folder: str, part: str) -> None:
    """Tell the events of standard input to the part of this name, until there are no more.

    folder  for what it puts aside
    """
    os.nice(NICENESS)
    out = os.dup(1)
    os.dup2(2, 1)  # what the plugin prints is logged
    _limit()
    asked = Plugin.model_validate_json(plugin)
    os.environ["TMPDIR"] = folder
    try:
        jail.keep_out(Path(data_dir).resolve(), Path(asked.path))
        function = function_of(asked, part)
        for line in sys.stdin.buffer:
            event = orjson.loads(line)
            told = function(event)
            if inspect.isawaitable(told):
                asyncio.run(_awaited(told))
            os.write(out, orjson.dumps({"told": event["seq"]}) + b"\n")
    except BaseException as error:  # sys.exit() too
        traceback.print_exc()
        os.write(out, orjson.dumps({"problem": reason_of(error)}) + b"\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)  # whatever threads it has started


def _limit() -> None:
    limits = [(resource.RLIMIT_CORE, 0)]
    if sys.platform == "linux":  # macOS refuses limits on the address space
        limits.append((resource.RLIMIT_AS, MEMORY_BYTES))
    for what, limit in limits:
        with contextlib.suppress(ValueError, OSError):  # a lower one stands already
            resource.setrlimit(what, (limit, limit))


async def _awaited(told: object) -> None:
    if inspect.isawaitable(told):
        await told
