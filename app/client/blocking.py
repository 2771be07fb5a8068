"""The same client for programs without asyncio: every call waits for its answer."""

import asyncio
import threading
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from app.client.asynchronous import File, Livetrail, Upload
from app.client.errors import LivetrailError
from app.client.following import Position, Told
from app.core.state import JobState

T = TypeVar("T")


class LivetrailSync:
    """One user of one server; see Livetrail, whose methods these are.

        with LivetrailSync("http://127.0.0.1:8080", "lt_...") as trail:
            upload = trail.upload("expenses.csv")
            for event in trail.until_done(upload.room):
                print(event.message)

    It may be used from several threads: one thread of its own does the talking. What they wait for
    when it is left raises LivetrailError.
    """

    def __init__(self, url: str, token: str) -> None:
        self._trail = Livetrail(url, token)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = threading.Lock()
        """Held for as long as it takes to give the loop something to do, or to take it away."""

    def __enter__(self) -> Self:
        if self._loop is not None:
            raise RuntimeError("this client is in use already: make another one")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="livetrail", daemon=True
        )
        self._thread.start()
        self._wait(self._trail.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._turn:
            loop, self._loop = self._loop, None
        if loop is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        loop.close()

    async def _end(self) -> None:
        """End what other threads wait for, and every iterator that was left open."""
        waited_for = asyncio.all_tasks() - {asyncio.current_task()}
        for task in waited_for:
            task.cancel()
        await asyncio.gather(*waited_for, return_exceptions=True)
        loop = asyncio.get_running_loop()
        await loop.shutdown_asyncgens()
        await loop.shutdown_default_executor()
        await self._trail.__aexit__(None, None, None)

    def me(self) -> dict[str, Any]:
        return self._wait(self._trail.me())

    def upload(
        self, *files: File, options: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Upload:
        return self._wait(self._trail.upload(*files, options=options, key=key))

    def create_job(
        self,
        filename: str,
        *,
        plan: str | Sequence[Mapping[str, Any]] | None = None,
        batch_id: str | None = None,
        details: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        return self._wait(
            self._trail.create_job(filename, plan=plan, batch_id=batch_id, details=details, **more)
        )

    def report(
        self,
        job_id: str,
        step: str,
        progress: float | None = None,
        *,
        context: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        stage: str | None = None,
        message: str | None = None,
    ) -> dict[str, Any]:
        return self._wait(
            self._trail.report(
                job_id,
                step,
                progress,
                context=context,
                extra=extra,
                stage=stage,
                message=message,
            )
        )

    def report_events(self, job_id: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return self._wait(self._trail.report_events(job_id, events))

    def follow(
        self,
        room: str = "user:me",
        after: Position | int | None = None,
        *,
        types: Collection[str] | None = None,
    ) -> Iterator[Told]:
        """Yield what is told in a room, for ever."""
        return self._each(self._trail.follow(room, after, types=types))

    def until_done(self, room: str, after: Position | int | None = 0) -> Iterator[Told]:
        return self._each(self._trail.until_done(room, after))

    def job(self, job_id: str, at_n: int | None = None) -> JobState:
        return self._wait(self._trail.job(job_id, at_n))

    def jobs(self, room: str = "user:me") -> Iterator[JobState]:
        return self._each(self._trail.jobs(room))

    def batch(self, batch_id: str) -> dict[str, Any]:
        return self._wait(self._trail.batch(batch_id))

    def rows(
        self, job_id: str, *, offset: int = 0, limit: int = 100, state: str | None = None
    ) -> dict[str, Any]:
        return self._wait(self._trail.rows(job_id, offset=offset, limit=limit, state=state))

    def fields(self, job_id: str) -> dict[str, Any]:
        return self._wait(self._trail.fields(job_id))

    def text(self, job_id: str) -> str:
        return self._wait(self._trail.text(job_id))

    def questions(self, room: str = "user:me", *, state: str = "open") -> list[dict[str, Any]]:
        return self._wait(self._trail.questions(room, state=state))

    def answer(
        self, clarification_id: str, answer: Any, *, use_for_batch: bool = False
    ) -> dict[str, Any]:
        return self._wait(self._trail.answer(clarification_id, answer, use_for_batch=use_for_batch))

    def pause(self, room: str) -> None:
        self._wait(self._trail.pause(room))

    def resume(self, room: str) -> None:
        self._wait(self._trail.resume(room))

    def cancel(self, room: str) -> None:
        self._wait(self._trail.cancel(room))

    def undo(self, room: str) -> None:
        self._wait(self._trail.undo(room))

    def retry(
        self, room: str, *, from_step: str | None = None, answers: Mapping[str, Any] | None = None
    ) -> None:
        self._wait(self._trail.retry(room, from_step=from_step, answers=answers))

    def delete(self, job_id: str) -> None:
        self._wait(self._trail.delete(job_id))

    def original(self, job_id: str, into: Path) -> Path:
        return self._wait(self._trail.original(job_id, into))

    def export(
        self,
        into: Path,
        room: str | None = None,
        *,
        file_format: str = "csv",
        query: Mapping[str, Any] | None = None,
    ) -> Path:
        return self._wait(self._trail.export(into, room, file_format=file_format, query=query))

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` comes to. Raises RuntimeError outside of `with`, LivetrailError."""
        with self._turn:
            if self._loop is None:
                work.close()
                raise RuntimeError("use the client as a context manager: with LivetrailSync(...)")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError as error:
            raise LivetrailError("the client was left meanwhile") from error
        except BaseException:  # Ctrl+C: what was begun ends too
            future.cancel()
            raise

    def _each(self, items: AsyncIterator[T]) -> Iterator[T]:
        try:
            while True:
                try:
                    yield self._wait(_next(items))
                except StopAsyncIteration:
                    return
        finally:
            if self._loop is not None:  # else it was closed with the client
                self._wait(_close(items))


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)


async def _close(items: AsyncIterator[Any]) -> None:
    close = getattr(items, "aclose", None) or getattr(items, "close", None)
    if close is not None:
        await close()
