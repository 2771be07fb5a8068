"""The step model_reading: every language model that was chosen reads the document, side by side."""

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic

import orjson

from app.core.documents import FieldValue, Reading, readings_of
from app.core.messages import friendly_message
from app.core.model_names import ModelName, model_names
from app.core.reading import Task
from app.pipeline.models.answer import reading_of
from app.pipeline.models.client import Answered, ModelClient, ModelFailed
from app.pipeline.models.prompt import P, prompt_of, shown_pages
from app.pipeline.worker import Hear, OwnEvents
from app.settings import Settings

FIRST_WAIT_S = 1.0  # before another call; doubled each time
LONGEST_WAIT_S = 20.0


Pause = Callable[[float], Awaitable[None]]


class ModelReading(Generic[P]):
    """Asks the models that an upload may be read by: `task["options"]["models"]`, by full name.

    pages_of  yields the pages that page_reading left in a job's folder
    verified  looks a reading's values up in the pages, and marks those that no page says
    pause     waits so many seconds before another call
    """

    def __init__(
        self,
        settings: Settings,
        pages_of: Callable[[str], Iterable[P]],
        verified: Callable[[Reading, Sequence[P]], Reading],
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._names = model_names(settings.models)
        self._pages_of = pages_of
        self._verified = verified
        self._pause = pause

    async def __call__(self, task: Task, hear: Hear) -> dict[str, Any]:
        """Return {"readings": {name: Reading}} of the models that answered.

        Nobody is asked about an e-invoice, which says all of it exactly, or about a document that
        is none of those that have fields. A model that fails is told, and missed; it never fails
        the job. What was answered before a break is not asked again.
        """
        wanted = task["options"].get("models") or ()
        names = [name for name in self._names if name.name in wanted]
        local = readings_of(task["found"], "field_reading")
        if not names or not local or "xml" in local:
            return {"readings": {}}
        pages = await asyncio.to_thread(self._shown, task["work_dir"])
        if not pages:
            return {"readings": {}}
        prompt = prompt_of(pages)
        told = _Told(hear, len(names))
        kept = _Kept(Path(task["work_dir"]), prompt)
        readings: dict[str, Reading] = {}
        side_by_side = [
            asyncio.create_task(self._one(name, prompt, pages, told, kept, readings))
            for name in names
        ]
        try:
            await asyncio.gather(*side_by_side)  # what one raises is raised as it is
        finally:
            for reader in side_by_side:
                reader.cancel()
            await asyncio.gather(*side_by_side, return_exceptions=True)
        await asyncio.to_thread(kept.forget)
        return {
            "readings": {name.name: readings[name.name] for name in names if name.name in readings}
        }

    def _shown(self, work_dir: str) -> list[P]:
        try:
            return shown_pages(self._pages_of(work_dir))
        except FileNotFoundError:
            return []

    async def _one(
        self,
        name: ModelName,
        prompt: str,
        pages: Sequence[P],
        told: "_Told",
        kept: "_Kept",
        readings: dict[str, Reading],
    ) -> None:
        """Have one model read, and tell what came of it."""
        known = await asyncio.to_thread(kept.reading_of, name.name)
        if known is not None:
            readings[name.name] = known
            return
        began_s = time.monotonic()
        await told.begun(name)
        try:
            answered = await self._answered(name, prompt)
        except ModelFailed as failure:
            await told.failed(name, failure, _ms_since(began_s))
            return
        reading = reading_of(answered.answer, name.name)
        reading = await asyncio.to_thread(self._verified, reading, pages)
        await asyncio.to_thread(kept.keep, name.name, reading)
        readings[name.name] = reading
        await told.completed(name, answered, reading, _ms_since(began_s))

    async def _answered(self, name: ModelName, prompt: str) -> Answered:
        """Call the model, again after a failure that may pass. Raises ModelFailed."""
        client = ModelClient(name, self._settings)
        for retry in range(self._settings.model_retries + 1):
            try:
                return await client.ask(prompt)
            except ModelFailed as failure:
                if not failure.is_worth_another_call or retry == self._settings.model_retries:
                    raise
                wait_s = max(FIRST_WAIT_S * 2**retry, failure.wait_s or 0.0)
                await self._pause(min(wait_s, LONGEST_WAIT_S))
        raise AssertionError("unreachable")


class _Told:
    """Tells a `model_result` when a model begins, has answered, or has failed."""

    def __init__(self, hear: Hear, models: int) -> None:
        self._hear = hear
        self._models = models
        self._ended = 0
        self._turn = asyncio.Lock()  # models end side by side, events are told in order

    async def begun(self, name: ModelName) -> None:
        await self._tell(name, "processing", {"model": name.model})

    async def failed(self, name: ModelName, failure: ModelFailed, took_ms: int) -> None:
        self._ended += 1
        facts = {"model": name.model, "reason": str(failure)}
        await self._tell(name, "failed", facts, duration_ms=took_ms, error=str(failure))

    async def completed(
        self, name: ModelName, answered: Answered, reading: Reading, took_ms: int
    ) -> None:
        self._ended += 1
        found = {key: value for key, value in reading["fields"].items() if value["value"]}
        unverified = sum(value["status"] == "check" for value in found.values())
        facts = {"model": name.model, "fields": len(found), "unverified": unverified or None}
        await self._tell(
            name,
            "completed",
            facts,
            duration_ms=took_ms,
            result={
                "fields": {key: _told_value(value) for key, value in found.items()},
                "line_items": len(reading["line_items"]),
                "unverified": unverified,
            },
            input_tokens=answered.input_tokens,
            output_tokens=answered.output_tokens,
            cost=_dollars(answered.cost),
        )

    async def _tell(self, name: ModelName, status: str, facts: dict[str, Any], **more: Any) -> None:
        body = {
            "type": "model_result",
            "model_name": name.model,
            "provider": name.provider,
            "model_status": status,
            "message": friendly_message("model_reading", facts),
            "done": self._ended,
            "total": self._models,
            **more,
        }
        async with self._turn:
            await self._hear(OwnEvents([body]))


def _told_value(value: FieldValue) -> dict[str, Any]:
    return {
        "value": value["value"],
        "confidence": value["confidence"],
        "verified": value["status"] != "check",
        "page": value["page"],
    }


def _dollars(cost: Decimal | None) -> str | None:
    return None if cost is None else format(cost.normalize(), "f")


def _ms_since(began_s: float) -> int:
    return round((time.monotonic() - began_s) * 1000)


class _Kept:
    """What models answered already, in the job's folder: a call that was paid for is not repeated.

    It counts for the very same prompt only, and goes when the step has ended.
    """

    def __init__(self, work_dir: Path, prompt: str) -> None:
        self._work_dir = work_dir
        self._prompt = hashlib.sha256(prompt.encode()).hexdigest()

    def reading_of(self, name: str) -> Reading | None:
        try:
            found: Reading = orjson.loads(self._path(name).read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        return found

    def keep(self, name: str, reading: Reading) -> None:
        part = self._path(name).with_suffix(".part")
        with part.open("wb") as stream:
            stream.write(orjson.dumps(reading))
            stream.flush()
            os.fsync(stream.fileno())
        part.rename(self._path(name))

    def forget(self) -> None:
        for path in self._work_dir.glob("model-*.json"):
            path.unlink()

    def _path(self, name: str) -> Path:
        told = hashlib.sha256(f"{self._prompt} {name}".encode()).hexdigest()[:32]
        return self._work_dir / f"model-{told}.json"
