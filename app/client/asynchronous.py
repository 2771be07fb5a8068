"""The client for asyncio: upload, follow, answer, steer, take away."""

import json
import uuid
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import aiohttp

from app.client.ending import told_until_done
from app.client.errors import Refused
from app.client.following import Following, Position, Told, job_or_batch, states_of
from app.client.http import Http
from app.client.saving import save
from app.core.state import JobState

File = Path | str | tuple[str, bytes]
"""A file on the disk, or a name and what is in it."""
Op = Literal["pause", "resume", "cancel", "retry", "undo"]
EXPORT_ENDS = ("export_completed", "export_failed")


@dataclass(frozen=True, slots=True)
class Upload:
    """Files that are on the server's disk and in its log, each a job; both in the same order."""

    batch_id: str
    job_ids: tuple[str, ...]
    filenames: tuple[str, ...]

    @property
    def room(self) -> str:
        """The room in which all of it is told."""
        return f"batch:{self.batch_id}"


class Livetrail:
    """One user of one server.

        async with Livetrail("http://127.0.0.1:8080", "lt_...") as trail:
            upload = await trail.upload("expenses.csv")
            async for event in trail.until_done(upload.room):
                print(event.message)

    Every method raises Refused, which says why in words, where the server says no, and Unreachable
    where there is none. What can be asked twice without harm is asked again by itself while the
    server restarts; uploads and answers carry a key for that.
    """

    def __init__(self, url: str, token: str) -> None:
        """url: of the server; token: an API token, as `run.py token create` makes one."""
        self._http = Http(url, token)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def me(self) -> dict[str, Any]:
        """Return whose token it is: user_id, name, role."""
        found: dict[str, Any] = await self._http.ask("GET", "auth/me")
        return found

    # Files in

    async def upload(
        self, *files: File, options: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Upload:
        """Give files, as one batch; return once every byte is safe and the jobs are in the log.

        options  as docs/questions.md lists them: name, priority, on_duplicate, auto_save ...
        key      of the same files and options twice makes one batch; by default a new one

        Raises OSError for a file that can not be read.
        """
        given = [(Path(one), None) if isinstance(one, str | Path) else one for one in files]

        def form() -> aiohttp.FormData:
            body = aiohttp.FormData()
            for name, content in given:
                if content is None:
                    path = Path(name)
                    body.add_field("files", path.open("rb"), filename=path.name)
                else:
                    body.add_field("files", content, filename=str(name))
            if options:
                body.add_field("options", json.dumps(options), content_type="application/json")
            return body

        taken = await self._http.ask(
            "POST",
            "batches",
            body=form,
            headers={"Idempotency-Key": key or str(uuid.uuid4())},
            repeat=True,
        )
        jobs = taken["jobs"]
        return Upload(
            taken["batch_id"],
            tuple(job["job_id"] for job in jobs),
            tuple(job["filename"] for job in jobs),
        )

    # Reporting what is done elsewhere

    async def create_job(
        self,
        filename: str,
        *,
        plan: str | Sequence[Mapping[str, Any]] | None = None,
        batch_id: str | None = None,
        details: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Create a job without a file; return job_id, batch_id, status and links.

        plan  one of Livetrail's, or stages of your own, each with key and label
        more  further fields, see docs/reporting.md
        """
        wish = {
            "filename": filename,
            "plan": list(plan) if plan is not None and not isinstance(plan, str) else plan,
            "batch_id": batch_id,
            "details": dict(details or {}),
            **more,
        }
        return await self._once("jobs", wish)

    async def report(
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
        """Say that a job is at `step`, and `progress` percent done; None where it was.

        context  facts for the friendly sentence, told as details too
        extra    further details
        stage    of the job's plan; by default the one to which step and progress belong
        message  in place of the friendly sentence
        """
        event = {
            "type": "processing_progress",
            "step": step,
            "progress": progress,
            "stage": stage,
            "message": message,
            "context": dict(context or {}),
            "details": dict(extra or {}),
        }
        return await self.report_events(job_id, [event])

    async def report_events(
        self, job_id: str, events: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Report any events, all of them or none; return what docs/reporting.md says.

        It is asked again by itself while the server restarts, and nothing is told twice. Raises
        Refused with the code job_ended once the job has ended.
        """
        return await self._once(f"jobs/{job_id}/events", list(events))

    async def _once(self, path: str, body: Any) -> dict[str, Any]:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        found: dict[str, Any] = await self._http.ask(
            "POST", path, json=body, headers=key, repeat=True
        )
        return found

    # Listening

    def follow(
        self,
        room: str = "user:me",
        after: Position | int | None = None,
        *,
        types: Collection[str] | None = None,
    ) -> Following:
        """Return what is told in a room, for ever; see Following.

        room   job:<id>, batch:<id>, user:me, or all for operators
        after  a Position that was kept, 0 from the start, None from now on
        types  only events of these types
        """
        return Following(self._http, room, after, types)

    def until_done(self, room: str, after: Position | int | None = 0) -> AsyncIterator[Told]:
        """Yield what is told of a job or a batch, until all of it has ended.

        What waits for an answer has not ended: answer it meanwhile. Raises ValueError for another
        room.
        """
        return told_until_done(self._http, room, after)

    # Looking

    async def job(self, job_id: str, at_n: int | None = None) -> JobState:
        """Return a job's state: the fold of its events; with `at_n`, as it was after that one."""
        found: JobState = await self._http.ask("GET", f"jobs/{job_id}", query={"at_n": at_n})
        return found

    def jobs(self, room: str = "user:me") -> AsyncIterator[JobState]:
        """Return the states of the jobs of a room, newest first."""
        return states_of(self._http, room)

    async def batch(self, batch_id: str) -> dict[str, Any]:
        """Return a batch: name, options, how many of its jobs have each status."""
        found: dict[str, Any] = await self._http.ask("GET", f"batches/{batch_id}")
        return found

    async def rows(
        self, job_id: str, *, offset: int = 0, limit: int = 100, state: str | None = None
    ) -> dict[str, Any]:
        """Return stored rows of a table: total, counts, rows. state: new, known or review."""
        query = {"offset": offset, "limit": limit, "state": state}
        found: dict[str, Any] = await self._http.ask("GET", f"jobs/{job_id}/rows", query=query)
        return found

    async def fields(self, job_id: str) -> dict[str, Any]:
        """Return what was read of an invoice: fields, line_items, review."""
        found: dict[str, Any] = await self._http.ask("GET", f"jobs/{job_id}/fields")
        return found

    async def text(self, job_id: str) -> str:
        """Return what a document says; a form feed ends each page."""
        async with self._http.stream(f"jobs/{job_id}/text") as answer:
            return await answer.text()

    # Questions

    async def questions(
        self, room: str = "user:me", *, state: str = "open"
    ) -> list[dict[str, Any]]:
        """Return the newest hundred questions of a job, a batch, or all that are one's own."""
        query: dict[str, Any] = {"state": state, "limit": 100}
        if room != "user:me":
            kind, ident = job_or_batch(room)
            query[f"{kind}_id"] = ident
        found = await self._http.ask("GET", "clarifications", query=query)
        questions: list[dict[str, Any]] = found["clarifications"]
        return questions

    async def answer(
        self, clarification_id: str, answer: Any, *, use_for_batch: bool = False
    ) -> dict[str, Any]:
        """Answer a question; return it, with those that this answered too."""
        found: dict[str, Any] = await self._http.ask(
            "POST",
            f"clarifications/{clarification_id}/answer",
            json={"answer": answer, "use_for_batch": use_for_batch},
            headers={"Idempotency-Key": str(uuid.uuid4())},
            repeat=True,
        )
        return found

    # Steering

    async def pause(self, room: str) -> None:
        """Let a job, or all of a batch, rest where the running step ends."""
        await self._steer("pause", room)

    async def resume(self, room: str) -> None:
        """Let it go on."""
        await self._steer("resume", room)

    async def cancel(self, room: str) -> None:
        """Stop it, and take back what it stored."""
        await self._steer("cancel", room)

    async def undo(self, room: str) -> None:
        """Take back what it stored."""
        await self._steer("undo", room)

    async def retry(
        self, room: str, *, from_step: str | None = None, answers: Mapping[str, Any] | None = None
    ) -> None:
        """Do it again from the step that stopped, or from `from_step`.

        answers  by the keys of the questions that the steps would ask
        """
        wish = {"from_step": from_step, "input": dict(answers or {})}
        await self._steer("retry", room, wish if from_step or answers else None)

    async def delete(self, job_id: str) -> None:
        """Forget a job with its rows, its events and its file."""
        await self._http.ask("DELETE", f"jobs/{job_id}")

    async def _steer(self, op: Op, room: str, wish: Mapping[str, Any] | None = None) -> None:
        """Steer `room`: job:<id> or batch:<id>. All of them may be asked for twice, but retry."""
        kind, ident = job_or_batch(room)
        place = {"job": "jobs", "batch": "batches"}[kind]
        await self._http.ask("POST", f"{place}/{ident}/{op}", json=wish, repeat=op != "retry")

    # Files out

    async def original(self, job_id: str, into: Path) -> Path:
        """Write the file as it came to `into`, or into that folder; return where it is.

        It is there once it is whole: broken off, what was at `into` before is there still.
        """
        return await self._save(f"jobs/{job_id}/original", into)

    async def export(
        self,
        into: Path,
        room: str | None = None,
        *,
        file_format: str = "csv",
        query: Mapping[str, Any] | None = None,
    ) -> Path:
        """Have a file made of what is stored, wait for it, and write it to `into`.

        room         job:<id> or batch:<id>; None: whatever `query` finds, see docs/exports.md
        file_format  csv, json (lines), xlsx, parquet, or what a plugin adds
        """
        wish: dict[str, Any] = {"format": file_format}
        if room is not None:
            kind, ident = job_or_batch(room)
            wish[f"{kind}_id"] = ident
        if query is not None or room is None:
            wish["query"] = dict(query or {})
        export = await self._http.ask(
            "POST",
            "exports",
            json=wish,
            headers={"Idempotency-Key": str(uuid.uuid4())},
            repeat=True,
        )
        wanted = export["export_id"]
        async with self.follow("user:me", None, types=EXPORT_ENDS) as following:
            while True:
                await following.next()  # first that it listens: the end may lie before that
                export = await self._http.ask("GET", f"exports/{wanted}")
                if export["state"] == "completed":
                    return await self._save(f"exports/{wanted}/file", into)
                if export["state"] == "failed":
                    raise Refused.of(export["error"] or {}, 0)

    async def _save(self, path: str, into: Path) -> Path:
        async with self._http.stream(path) as answer:
            return await save(answer, into)
