"""How the server has the work of a plugin's parts done."""

import asyncio
import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.core.errors import (
    AppError,
    InternalError,
    OutOfMemory,
    PluginFailed,
    PluginGone,
    StepTimeout,
    WorkerCrashed,
)
from app.core.notices import PluginFailedHere
from app.core.plugins import FAILED, GROUPS, ROWS, WORKING, Part, Plugin, folder_of
from app.core.reading import PluginCall, Task
from app.pipeline.plugins.at_work import EXPORT
from app.pipeline.plugins.catalogue import Plugins
from app.pipeline.shop import LARGEST_WORK_FILE_BYTES, ServerStep, limits_for
from app.pipeline.worker import Hear, Heard, Limits
from app.pipeline.workers import Workers
from app.settings import Settings

logger = logging.getLogger(__name__)

AT_WORK = "app.pipeline.plugins.at_work"  # worth preloading where there are plugins
TARGETS = {
    "step": f"{AT_WORK}:step",
    "scanner": f"{AT_WORK}:scan",
    "reader": f"{AT_WORK}:read",
    "categoriser": f"{AT_WORK}:suggest",
    "exporter": f"{AT_WORK}:write",
}
TIMES_FOR_AN_EXPORT = 6  # as long as other calls: it may be of everything that is stored
LIST_GROUPS = "app.reading.suggested:list_groups"
LIST_ROWS = "app.reading.listed:list_rows"


def server_steps(
    plugins: Plugins, workers: Workers, settings: Settings
) -> Mapping[str, ServerStep]:
    """Return who has the work of each part done that is a step, by the step."""
    return dict(_runs(plugins, workers, settings))


def _runs(
    plugins: Plugins, workers: Workers, settings: Settings
) -> Iterator[tuple[str, ServerStep]]:
    for plugin in plugins.all:
        for part in plugin.parts:
            if part.kind in WORKING:
                yield part.key, PluginRun(plugins, plugin, part, workers, settings)


class PluginRun:
    """Has the work of one part of a plugin done, each time in a process of its own: a server step.

    What fails ends the job with PluginFailed where the part is required, else people are warned.
    """

    def __init__(
        self,
        plugins: Plugins,
        plugin: Plugin,
        part: Part,
        workers: Workers,
        settings: Settings,
    ) -> None:
        self._plugins = plugins
        self._plugin = plugin
        self._part = part
        self._workers = workers
        self._settings = settings

    async def __call__(self, task: Task, hear: Hear) -> dict[str, Any]:
        """Return what it found. Raises PluginFailed, and MalwareFound of a scanner."""
        own = await asyncio.to_thread(self._own_task, task)
        try:
            if self._part.kind == "categoriser":
                await self._list(LIST_GROUPS, GROUPS, task, own, records=True)
            if self._part.rows:
                await self._list(LIST_ROWS, ROWS, task, own, records=False)
            return await run_part(self._workers, self._plugin, self._part, own, self._limits, hear)
        except PluginFailed as error:
            self._plugins.failures[self._part.key] += 1
            if self._part.required and self._part.kind != "categoriser":
                raise
            await hear(PluginFailedHere(**error.facts))
            return {FAILED: str(error.facts.get("reason", ""))}

    @property
    def _limits(self) -> Limits:
        limits = limits_for(self._settings, records=False)
        return replace(limits, timeout_s=self._settings.plugin_timeout_s)

    def _own_task(self, task: Task) -> Task:
        folder = folder_of(Path(task["work_dir"]), self._part.key)
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was broken off
        folder.mkdir(parents=True)
        # Passwords and what else people answered is none of its business.
        own = {"work_dir": str(folder), "reads": [self._plugin.path], "answers": {}, "learned": {}}
        return Task(**{**task, **own})  # type: ignore[typeddict-item]

    async def _list(self, target: str, name: str, task: Task, own: Task, *, records: bool) -> None:
        """Have a reader of ours list in a file what the plugin, which reaches less, is given."""
        options = {"to": str(Path(own["work_dir"]) / name)}
        limits = limits_for(self._settings, records=records)
        limits = replace(limits, file_bytes=LARGEST_WORK_FILE_BYTES)
        await self._workers.run(target, Task(**{**task, "options": options}), limits, _unheard)


async def write_export(
    plugins: Plugins, workers: Workers, settings: Settings, task: Task, lines: int
) -> str:
    """Have a plugin write an export's file from the one of JSON lines that was written before.

    task   of the export: its format is the exporter's key, the lines are in its folder
    lines  how many there are

    The file takes the place of the lines. Returns its SHA-256. Raises PluginFailed, PluginGone.
    """
    key = task["options"]["format"]
    known = (await plugins.known()).find(key)
    if known is None:
        raise PluginGone(filename=task["filename"], plugin=key.partition(".")[0])
    plugin, part = known
    made = Path(task["work_dir"]) / EXPORT
    folder = folder_of(Path(task["work_dir"]), key)
    await asyncio.to_thread(folder.mkdir, parents=True)
    own = Task(
        **{
            **task,
            "work_dir": str(folder),
            "reads": [plugin.path, str(made)],
            "options": {"lines": lines, "lines_path": str(made)},
        }
    )
    limits = replace(
        limits_for(settings, records=False),
        timeout_s=settings.plugin_timeout_s * TIMES_FOR_AN_EXPORT,
    )
    try:
        found = await run_part(workers, plugin, part, own, limits, _unheard)
    except PluginFailed:
        plugins.failures[key] += 1
        raise
    await asyncio.to_thread((folder / EXPORT).replace, made)
    return str(found["sha256"])


async def run_part(
    workers: Workers, plugin: Plugin, part: Part, task: Task, limits: Limits, hear: Hear
) -> dict[str, Any]:
    """Run the part's function in a new process; return what it found.

    Raises PluginFailed for whatever went wrong in it, and the errors of files that it tells.
    """
    call = PluginCall(plugin=plugin.model_dump(mode="json"), part=part.model_dump(mode="json"))
    try:
        return await workers.run(TARGETS[part.kind], Task(**{**task, "plugin": call}), limits, hear)
    except PluginFailed as error:
        trace = error.facts.pop("trace", "")
        _log(part, task, str(error.facts.get("reason")), trace)
        raise
    except (InternalError, OutOfMemory, StepTimeout, WorkerCrashed) as error:
        reason = _reason(error)
        _log(part, task, reason, "")
        raise PluginFailed(
            plugin=plugin.name, part=part.label, filename=task["filename"], reason=reason
        ) from error


async def _unheard(said: Heard) -> None:
    """How far it is is told elsewhere, or not at all."""


def _reason(error: AppError) -> str:
    match error:
        case StepTimeout():
            return f"it took longer than {error.facts['limit_s']} seconds"
        case OutOfMemory():
            return "it needs more memory than it may use"
        case WorkerCrashed():
            return f"its process stopped: {error.facts['reason']}"
    return f"see the log, reference {error.facts.get('reference')}"


def _log(part: Part, task: Task, reason: str, trace: str) -> None:
    logger.error(
        "plugin failed: part=%s job=%s reason=%s%s",
        part.key,
        task["job_id"],
        reason,
        f"\n{trace}" if trace else "",
    )
