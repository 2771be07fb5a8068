"""What a plugin's step says while it works, and when it has."""

from collections.abc import Mapping
from typing import Any

from app.core.events import ProcessingWarning, WarningInfo
from app.core.notices import PluginGoneHere
from app.core.plugins import FAILED, Part
from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work
from app.pipeline.worker import Told


class PluginStep(Work):
    """A part of a plugin as a step of a plan."""

    lets_go = True

    def __init__(self, part: Part) -> None:
        self.key = part.key
        self._part = part

    def opening(self, task: Task) -> Said:
        return self._said(self._part.message)

    def under_way(self, told: Told) -> Said:
        return self._said(self._part.message)

    def closing(self, task: Task, found: Found) -> Said:
        part = self._part
        if FAILED in found:
            return self._said(f"{part.label}: I went on without it")
        return self._said(part.said_done(found), found)

    def _said(self, words: str, extra: Mapping[str, Any] | None = None) -> Said:
        about = {"plugin": self._part.plugin, "label": self._part.label}
        return Said(self.key, {"says": words}, {**about, "found": extra} if extra else about)


def gone_warning(job_id: str, part: Part) -> ProcessingWarning:
    """Return what is told of a part that a job was begun with, and that is not there any more."""
    warning = WarningInfo(**PluginGoneHere(part=part.label, plugin=part.plugin).body())
    return ProcessingWarning(job_id=job_id, message=warning.title, warning=warning)
