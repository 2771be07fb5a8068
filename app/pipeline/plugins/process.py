"""A process for a plugin's code: started, spoken to through its pipes, and gone at the end."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from app.core.plugins import Plugin
from app.pipeline.surroundings import passed_on

BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from app.pipeline.plugins import {0};"
    " {0}.main(*sys.argv[2:])"
)


@asynccontextmanager
async def plugin_process(
    module: str,
    plugin: Plugin,
    data_dir: Path,
    *arguments: str,
    longest_line: int,
    stderr: int | None = None,
) -> AsyncIterator[Process]:
    """Yield a process in which `module` of this package runs its `main`.

    That is given the plugin as JSON, the data folder, an empty folder for the process, and
    `arguments`.

    longest_line  of its answers, bytes: reading one that is longer raises ValueError
    stderr        where that goes; None: where the server's goes

    It has a session of its own and knows no secrets. Whatever it started ends with it, and its
    folder goes. Raises OSError where it can not be started.
    """
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="livetrail-plugin-")
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            BOOT.format(module),
            json.dumps(sys.path),
            plugin.model_dump_json(),
            str(data_dir),
            folder,
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            limit=longest_line,
            start_new_session=True,
            env=passed_on(),
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
