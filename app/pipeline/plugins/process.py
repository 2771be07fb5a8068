"""A process for a plugin's code: started, spoken to, and gone at the end."""

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from app.core.plugins import Plugin
from app.pipeline.surroundings import passed_on

logger = logging.getLogger(__name__)

LAST_WORDS = 2000  # bytes
LAST_WORDS_WITHIN_S = 1.0

BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from app.pipeline.plugins import {0};"
    " {0}.main(*sys.argv[2:])"
)

Popen = subprocess.Popen[bytes]


class PluginProcess:
    """A process that runs: `reader` is its standard output, `writer` its standard input."""

    def __init__(
        self,
        process: Popen,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._process = process

    async def wait(self) -> int:
        """Return how it ended, once it has: its exit code, or a signal's number below zero."""
        return await asyncio.to_thread(self._process.wait)


@asynccontextmanager
async def plugin_process(
    module: str, plugin: Plugin, data_dir: Path, *arguments: str, longest_line: int
) -> AsyncIterator[PluginProcess]:
    """Yield a process in which `module` of this package runs its `main`.

    That is given the plugin as JSON, the data folder, an empty folder for the process, and
    `arguments`.

    longest_line  of its answers, bytes: reading one that is longer raises ValueError

    It has a session of its own and knows no secrets. Whatever it started ends with it, its folder
    goes, and the end of what it wrote to its standard error is logged. Raises OSError where it can
    not be started.
    """
    async with AsyncExitStack() as stack:
        folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="livetrail-plugin-")
        stack.push_async_callback(asyncio.to_thread, shutil.rmtree, folder, ignore_errors=True)
        channel, errors = socket.socketpair(), socket.socketpair()
        given = [plugin.model_dump_json(), str(data_dir), folder, *arguments]
        # Starting a process blocks until it has begun: not on the loop's thread.
        starting = asyncio.to_thread(_start, module, given, channel[1], errors[1])
        try:
            process = await _begun(starting)
        except BaseException:
            channel[0].close()
            errors[0].close()
            raise
        finally:
            channel[1].close()
            errors[1].close()
        stderr, unused = await asyncio.open_unix_connection(sock=errors[0])
        stack.callback(unused.close)
        stack.push_async_callback(_log_words, plugin, asyncio.create_task(_last_words(stderr)))
        stack.push_async_callback(_end, process)
        reader, writer = await asyncio.open_unix_connection(sock=channel[0], limit=longest_line)
        stack.callback(writer.close)
        yield PluginProcess(process, reader, writer)


async def _begun(starting: Coroutine[Any, Any, Popen]) -> Popen:
    """Return the process once it has begun; where that is not waited for any more, end it."""
    task = asyncio.create_task(starting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(OSError):
            await _end(await task)
        raise


async def _last_words(stream: asyncio.StreamReader) -> bytes:
    """Read all of `stream`; return its end, also of one that is cancelled before."""
    words = b""
    with suppress(asyncio.CancelledError, ConnectionError):
        while some := await stream.read(LAST_WORDS):
            words = (words + some)[-LAST_WORDS:]
    return words


async def _log_words(plugin: Plugin, listening: asyncio.Task[bytes]) -> None:
    """Log what a process said, which is gone: all of it is here, or comes at once."""
    _, late = await asyncio.wait([listening], timeout=LAST_WORDS_WITHIN_S)
    for one in late:  # something that it started escaped, and holds on to it
        one.cancel()
    if said := (await listening).decode(errors="replace").strip():
        logger.warning("a plugin's process said: plugin=%s\n%s", plugin.name, said)


def _start(module: str, given: list[str], channel: socket.socket, errors: socket.socket) -> Popen:
    return subprocess.Popen(  # noqa: S603 - our own interpreter, our own code
        [sys.executable, "-c", BOOT.format(module), json.dumps(sys.path), *given],
        stdin=channel.fileno(),
        stdout=channel.fileno(),
        stderr=errors.fileno(),
        start_new_session=True,
        env=passed_on(),
    )


async def _end(process: Popen) -> None:
    """End it and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.to_thread(process.wait)
