"""No request reads a large table from end to end: what SQLite would do for each of its statements.

Without statistics, which we never gather, a plan does not depend on how much there is. So an empty
server tells what one with a hundred thousand files does.
"""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.core.ids import uuid7
from app.store.accounts import now_ms
from tests.integration.serving import ended, exported, put_question, serving, settings_for, upload
from tests.integration.serving import with_user as with_user_of
from tests.integration.test_security import DECIDED

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
LARGE = (
    *("job", "event", "batch", "checkpoint", "clarification", "export", "audit", "idempotency"),
    *("delivery", "row", "row_key", "label", "rejected", "page", "zone", "field", "line_item"),
)
SCANNED = re.compile(rf"SCAN ({'|'.join(LARGE)})\b")
# So many jobs have one status, of one person too, that nothing else is found by that.
BY_STATUS = re.compile(r"SEARCH job USING INDEX job_(user_)?status \((user_id=\? AND )?status=\?\)")
LISTED = re.compile(r"ORDER BY id DESC LIMIT \d+$")
# Whatever is read in the order of its key, newest first, ends at the limit.
FROM_THE_END = re.compile(r"WHERE TRUE ORDER BY id DESC LIMIT \d+$")
BEHIND_THE_SCENES = {
    "PARTITION BY user_id ORDER BY id DESC": "exports beyond the quota, now and then",
    "PARTITION BY user_id ORDER BY status =": "who is next in the queue",
    "PARTITION BY user_id ORDER BY priority": "the queue",
    "'$.steering'": "what was asked for and not done, at start",
    "FROM export WHERE ended_ms <": "exports that are too old, now and then",
    "FROM export WHERE state IN": "exports that wait, whenever there is a new one",
    "FROM batch WHERE begun = 0": "batches that nobody began, now and then",
    "FROM batch WHERE (": "ends of batches that were not told, at start",
    "SELECT id, at_ms FROM audit ORDER BY id LIMIT": "the oldest notes, a few at once",
}
QUERIES = {
    "/api/v1/jobs": (
        *("status=cancelled", "owner=all", "owner=all&status=cancelled", "batch_id={batch_id}"),
        *("status=error&before={job_id}", "batch_id={batch_id}&status=paused", "before={job_id}"),
    ),
    "/api/v1/batches": ("before={batch_id}",),
    "/api/v1/clarifications": (
        *("state=open", "job_id={job_id}", "batch_id={batch_id}&state=open"),
        *("before={clarification_id}",),
    ),
    "/api/v1/exports": ("job_id={job_id}", "batch_id={batch_id}", "before={export_id}"),
    "/api/v1/events/history": (
        *("room=all", "room=all&types=job_paused", "room=job:{job_id}&types=job_paused"),
        *("room=batch:{batch_id}", "from=2026-01-01T00:00:00Z&to=2036-01-01T00:00:00Z"),
    ),
    "/api/v1/audit": ("kind=sign_in", "user=x", "kind=sign_in&user=x", "before=9"),
    "/api/v1/stats": ("owner=all",),
    "/api/v1/jobs/{job_id}": ("at_n=2",),
    "/api/v1/jobs/{job_id}/rows": ("state=known", "state=review", "offset=1"),
    "/": ("all", "before={job_id}", "q=coffee"),
}
STEERED = (
    ("POST", "/api/v1/exports", {"job_id": "{job_id}"}),
    ("POST", "/api/v1/exports", {"batch_id": "{batch_id}"}),
    ("POST", "/api/v1/shares", {"room": "job:{job_id}"}),
    ("POST", "/api/v1/tokens", {"label": "x"}),
    ("POST", "/api/v1/jobs/{job_id}/undo", {}),
    ("POST", "/api/v1/batches/{batch_id}/pause", {}),
    ("POST", "/api/v1/batches/{batch_id}/cancel", {}),
    ("DELETE", "/api/v1/jobs/{job_id}", {}),
)


class Watch:
    """Hears every statement of the server's databases, with its values."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: dict[tuple[str, str], str] = {}
        self.about = ""
        connect = sqlite3.connect

        def watched(path: Any, *given: Any, **more: Any) -> sqlite3.Connection:
            connection = connect(path, *given, **more)
            name = Path(str(path)).name
            connection.set_trace_callback(lambda sql: self._hear(name, sql))
            return connection

        monkeypatch.setattr(sqlite3, "connect", watched)

    def _hear(self, name: str, sql: str) -> None:
        if self.about:
            self.heard.setdefault((name, " ".join(sql.split())), self.about)

    def scans(self, folder: Path) -> list[tuple[str, str, str]]:
        """Return what reads a large table from end to end: when it was heard, how, and what."""
        found = []
        for (name, sql), about in self.heard.items():
            if FROM_THE_END.search(sql) or any(part in sql for part in BEHIND_THE_SCENES):
                continue
            if not sql.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
                continue
            with closing(sqlite3.connect(folder / name)) as database:
                for *_, step in database.execute(f"EXPLAIN QUERY PLAN {sql}"):
                    by_status = BY_STATUS.match(step) and not LISTED.search(sql)
                    if SCANNED.match(step) or by_status:
                        found.append((about, step, sql))
        return found


async def test_no_request_reads_a_large_table_from_end_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path / "data")
    with_user_of(settings, "ann")
    watch = Watch(monkeypatch)
    async with serving(settings) as server, server.client("ann") as ann:
        accepted = await upload(ann, ("a.csv", CSV))
        await ended(ann, accepted)
        job_id = accepted["jobs"][0]["job_id"]
        names = {
            "batch_id": accepted["batch_id"],
            "job_id": job_id,
            **dict.fromkeys(("task_id", "shown_id"), job_id),
            "clarification_id": put_question(settings, job_id),
            "export_id": await exported(ann),
        }
        for route in DECIDED:
            method, path = route.split()
            if method == "GET" and not path.startswith(("/ws", "/socket.io", "/static")):
                for query in ("", *QUERIES.get(path, ())):
                    if path != "/api/v1/events":  # which does not end
                        await asked(ann, watch, "GET", f"{path}?{query}", names)
        for method, path, body in STEERED:
            await asked(ann, watch, method, path, names, body)
        await upload(ann, ("a.csv", CSV))
        await ended(ann, await upload(ann, ("b.csv", CSV)))
        watch.about = ""
    assert len(watch.heard) > 100
    assert watch.scans(settings.data_dir) == []


async def asked(
    client: aiohttp.ClientSession,
    watch: Watch,
    method: str,
    path: str,
    names: dict[str, str],
    body: dict[str, str] | None = None,
) -> None:
    """Ask for `path`, with `names` in place of its parameters; what is nowhere is nowhere."""
    watch.about = f"{method} {path}"
    nowhere = uuid7(now_ms(), bytes(10))

    def named(text: str) -> str:
        return re.sub(r"{(\w+)}", lambda found: names.get(found[1], nowhere), text)

    filled = None if body is None else {key: named(value) for key, value in body.items()}
    headers = {"Accept": "text/html, application/json", "Idempotency-Key": path}
    async with client.request(
        method, named(path), json=filled, headers=headers, allow_redirects=False
    ) as answer:
        assert answer.status < 500, await answer.text()
