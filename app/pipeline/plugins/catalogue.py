"""The plugins of a running server: what they add to plans, and who does the work."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.plans import Plan, plan_named
from app.core.plugins import BEGUN_WITH, WORKING, Kind, Part, Plugin, with_parts
from app.pipeline.plugins.saying import PluginStep
from app.pipeline.steps.work import Work

FIRST = "initializing_streaming"


class Plugins:
    """The plugins that were found when the server started; they stay so until it ends.

    What they add is asked while the server serves already. Until it is known nothing is added:
    whoever needs to know what is waits, by `known`.

    asked     those that are being asked; none once all is known
    all       those of which it is known
    failures  how often each part failed since the start, by its key
    """

    def __init__(self, found: Sequence[Plugin] = ()) -> None:
        self.asked = tuple(found)
        self.all: tuple[Plugin, ...] = ()
        self.failures: Counter[str] = Counter()
        self._by_key: dict[str, tuple[Plugin, Part]] = {}
        self._known = asyncio.Event()
        if not found:
            self._known.set()

    def answered(self, plugins: Sequence[Plugin]) -> None:
        """Take what they add, once all have been asked."""
        self.asked, self.all = (), tuple(plugins)
        self._by_key = {part.key: (plugin, part) for plugin in plugins for part in plugin.parts}
        self._known.set()

    async def known(self) -> "Plugins":
        """Return this as soon as it is known what is added."""
        await self._known.wait()
        return self

    def of(self, *kinds: Kind) -> tuple[Part, ...]:
        """Return the parts of these kinds, in the order of their plugins."""
        return tuple(part for _, part in self._by_key.values() if part.kind in kinds)

    def find(self, key: str) -> tuple[Plugin, Part] | None:
        """Return the part with this key, and its plugin; None when it is not there."""
        return self._by_key.get(key)

    def format(self, key: str) -> Part | None:
        """Return the exporter with this key; None when it is not there."""
        known = self._by_key.get(key)
        return known[1] if known is not None and known[1].kind == "exporter" else None

    @property
    def broken(self) -> tuple[Plugin, ...]:
        """Those that are not used."""
        return tuple(plugin for plugin in self.all if plugin.problem)

    # Plans

    def begun_with(self, found: Mapping[str, Any]) -> tuple[Part, ...]:
        """Return the parts that a job goes with: those of when its first step was done."""
        if BEGUN_WITH in found:
            return tuple(Part.model_validate(part) for part in found[BEGUN_WITH]["parts"])
        if FIRST in found:  # it was begun before there were any
            return ()
        return self.of(*WORKING)

    def plan(self, name: str, found: Mapping[str, Any]) -> Plan:
        """Return the plan of this name for a job whose checkpoints are `found`.

        What is gone since it was begun is left out.
        """
        parts = [part for part in self.begun_with(found) if self._is_there(part)]
        return with_parts(plan_named(name), parts, read_by(found))

    def gone(self, name: str, found: Mapping[str, Any]) -> tuple[Part, ...]:
        """Return the parts that the job still expects, and that are not there any more."""
        parts = self.begun_with(found)
        expected = with_parts(plan_named(name), parts, read_by(found)).step_keys
        return tuple(
            part
            for part in parts
            if part.key in expected and part.key not in found and not self._is_there(part)
        )

    def _is_there(self, part: Part) -> bool:
        here = self._by_key.get(part.key)
        return here is not None and here[1].kind == part.kind

    # Work

    def steps(self) -> Mapping[str, Work]:
        """Return what they say, by step."""
        return {part.key: PluginStep(part) for part in self.of(*WORKING)}


def read_by(found: Mapping[str, Any]) -> str | None:
    """Return the key of the plugin's reader that reads the job's file; None for most files."""
    key = found.get(FIRST, {}).get("read_by")
    return None if key is None else str(key)
