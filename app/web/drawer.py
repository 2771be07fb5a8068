"""Drawing pages in workers when they are asked for; what was drawn is kept for a while."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from app.fairness import FairTurns
from app.pipeline.runner import Runner
from app.store.jobs import JobRow
from app.store.pictures import PictureStore

DRAW = "app.reading.pictures:draw"
DRAWN = "page.png"
AT_ONCE = 1  # pages that are drawn; jobs go on beside


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page to draw. `kind` is pdf, image or einvoice; `turned` counts quarters, clockwise."""

    job: JobRow
    page: int
    kind: str
    turned: int


class Drawer:
    """Draws pages in workers, each once however many ask for it."""

    def __init__(self, store: PictureStore, runner: Runner) -> None:
        self._store = store
        self._runner = runner
        self._turns = FairTurns(AT_ONCE)
        self._drawing: dict[tuple[str, int], asyncio.Task[Path]] = {}

    async def picture(self, wanted: Wanted) -> Path:
        """Return the path of a page's picture. Raises what drawing it raises.

        What is being drawn is drawn to its end, also when whoever asked has left.
        """
        path = await self._store.find(wanted.job.sha256, wanted.page)
        if path is not None:
            return path
        key = (wanted.job.sha256, wanted.page)
        task = self._drawing.get(key)
        if task is None:
            task = self._drawing[key] = asyncio.create_task(self._draw(wanted), name="picture")
            task.add_done_callback(lambda ended: self._ended(key, ended))
        return await asyncio.shield(task)

    def _ended(self, key: tuple[str, int], task: asyncio.Task[Path]) -> None:
        del self._drawing[key]
        if not task.cancelled():
            task.exception()  # it was told to those who still waited

    async def close(self) -> None:
        """Wait for what is being drawn."""
        await asyncio.gather(*self._drawing.values(), return_exceptions=True)

    async def _draw(self, wanted: Wanted) -> Path:
        options = {"page": wanted.page, "kind": wanted.kind, "turned": wanted.turned}
        kept: list[Path] = []

        async def take(work_dir: Path) -> None:
            sha256, drawn = wanted.job.sha256, work_dir / DRAWN
            kept.append(await self._store.keep(sha256, wanted.page, drawn))

        async with self._turns.of(wanted.job.user_id):
            await self._runner.look_into(wanted.job, DRAW, options, take)
        return kept[0]
