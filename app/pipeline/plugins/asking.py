"""Asking plugins what they add. The code of each runs in a process of its own: see declare.py."""

import asyncio
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from app.core.plugins import Plugin, all_told_apart
from app.pipeline.plugins.catalogue import Plugins
from app.pipeline.plugins.declare import LONGEST_REASON
from app.pipeline.plugins.process import plugin_process

logger = logging.getLogger(__name__)

ANSWER_WITHIN_S = 20.0  # an import may load a large library on a slow machine
LONGEST_ANSWER = 256 * 1024


async def keep_asking(plugins: Plugins, data_dir: Path, own_endings: Sequence[str]) -> None:
    """Ask those that are still to be asked, and let `plugins` know."""
    try:
        asked = await ask_all(plugins.asked, data_dir, own_endings)
    except Exception:  # ours, and no reason to keep every file waiting
        logger.exception("plugins could not be asked")
        asked = tuple(one.broken("it could not be asked; see the log") for one in plugins.asked)
    plugins.answered(asked)


async def ask_all(
    found: Sequence[Plugin], data_dir: Path, own_endings: Sequence[str]
) -> tuple[Plugin, ...]:
    """Return each plugin with what it adds, or with what is wrong with it.

    found        what find_plugins returned
    own_endings  of files that are read without a plugin

    All are asked at once, and have ANSWER_WITHIN_S together.
    """
    until_s = asyncio.get_running_loop().time() + ANSWER_WITHIN_S
    asked = await asyncio.gather(*(_ask(one, data_dir, until_s) for one in found))
    plugins = all_told_apart(asked, own_endings)
    for plugin in plugins:
        if plugin.problem:
            logger.error("plugin not used: plugin=%s problem=%s", plugin.name, plugin.problem)
        else:
            keys = ",".join(part.key for part in plugin.parts)
            logger.info("plugin: plugin=%s source=%s parts=%s", plugin.name, plugin.source, keys)
    return plugins


async def _ask(plugin: Plugin, data_dir: Path, until_s: float) -> Plugin:
    """Return the plugin with what it adds; as it is where that is known to be nothing."""
    if plugin.problem:
        return plugin
    try:
        async with asyncio.timeout_at(until_s):
            return await _answer(plugin, data_dir)
    except TimeoutError:
        return plugin.broken(f"it did not load within {ANSWER_WITHIN_S:.0f} seconds")
    except OSError as error:
        return plugin.broken(f"it could not be asked: {error}")


async def _answer(plugin: Plugin, data_dir: Path) -> Plugin:
    async with plugin_process("declare", plugin, data_dir, longest_line=LONGEST_ANSWER) as process:
        try:
            line = await process.reader.readline()
        except ValueError:
            return plugin.broken(f"it declared more than {LONGEST_ANSWER:,} bytes")
        if not line.endswith(b"\n"):
            code = await process.wait()
            return plugin.broken(f"its process ended while it was loaded ({code})")
    return _believed(plugin, line)


def _believed(plugin: Plugin, answer: bytes) -> Plugin:
    """Return the plugin with what its process said, which its own code may have written."""
    try:
        said = json.loads(answer)
        if said.get("problem"):
            return plugin.broken(str(said["problem"])[:LONGEST_REASON])
        return Plugin.model_validate({**plugin.model_dump(), "parts": said["parts"]})
    except (ValueError, KeyError, AttributeError):  # ValueError: also of pydantic
        return plugin.broken("what it declared makes no sense")
