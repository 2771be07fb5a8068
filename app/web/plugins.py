"""Plugins as operators see them: what each adds, what is wrong with it, how often it failed."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from app.core.plugins import Kind, Part
from app.keys import PLUGINS, SETTINGS
from app.pipeline.plugins.catalogue import Plugins
from app.web.identity import viewer_for
from app.web.wire import json_answer


class PartAnswer(BaseModel):
    """One thing that a plugin adds."""

    key: str = Field(description="its name in plans, events and, of an exporter, as a format")
    kind: Kind
    label: str
    after: str = Field(description='of a step: the step that it comes after; else ""')
    plans: tuple[str, ...] = Field(description="of a step: where it is added; none named is all")
    endings: tuple[str, ...] = Field(description="of a reader: of its files' names")
    types: tuple[str, ...] = Field(description="of a notifier: of the events it is told")
    failures: int = Field(description="since the server started")


class PluginAnswer(BaseModel):
    """One plugin. One with a `problem` is not used, and adds nothing."""

    name: str
    source: Literal["folder", "package"]
    version: str
    problem: str
    parts: list[PartAnswer]


class PluginList(BaseModel):
    """The plugins that were found when the server started."""

    enabled: bool = Field(description="the setting `plugins`")
    plugins: list[PluginAnswer]


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/plugins: what was found when the server started, for operators.

    Waits until it is known what they add, which takes seconds where one of them does.
    """
    viewer_for(request, "operate")
    await request.app[PLUGINS].known()
    return json_answer(plugins_of(request))


def plugins_of(request: web.Request) -> PluginList:
    """Return the plugins and how they do. Of those that are still being asked, the names."""
    found = request.app[PLUGINS]
    return PluginList(
        enabled=request.app[SETTINGS].plugins,
        plugins=[
            PluginAnswer(
                name=plugin.name,
                source=plugin.source,
                version=plugin.version,
                problem=plugin.problem,
                parts=[_part(part, found.failures[part.key]) for part in plugin.parts],
            )
            for plugin in (*found.all, *found.asked)
        ],
    )


def _part(part: Part, failures: int) -> PartAnswer:
    return PartAnswer(
        key=part.key,
        kind=part.kind,
        label=part.label,
        after=part.after,
        plans=part.plans,
        endings=part.endings,
        types=part.types,
        failures=failures,
    )


def in_words(found: Plugins) -> str:
    """Return in one line which plugins there are, and which are not used."""
    if found.asked:
        return f"being loaded: {', '.join(plugin.name for plugin in found.asked)}"
    used = ", ".join(plugin.name for plugin in found.all if not plugin.problem)
    broken = ", ".join(plugin.name for plugin in found.all if plugin.problem)
    if not broken:
        return used or "none"
    return f"{used or 'none'}; not used, see the log: {broken}"
