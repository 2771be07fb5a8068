"""What the pages and the API read from records.db: pages of rows, counts, rejected rows."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import aiosqlite
import orjson

from app.core.cells import harmless
from app.core.errors import NotFound
from app.store.documents_reader import DocumentsReader
from app.store.records_rules import ALL as RULES
from app.store.records_rules import Rule, rule_of
from app.store.records_schema import (
    REVIEW_BELOW,
    connect_records,
    decimal_text,
    id_range,
    import_of,
    number_of,
)

State = Literal["new", "known", "review"]

CSV_CHUNK_ROWS = 500


@dataclass(frozen=True, slots=True)
class RowsPage:
    """Some rows of a job, and how many there are of each kind.

    total   rows of the state that was asked for
    counts  {"all", "new", "known", "review"}
    """

    total: int
    counts: dict[str, int]
    rows: list[dict[str, Any]]


IMPORT = "SELECT id, stored, known, review, columns FROM import WHERE job_id = ?"
# A cell may be as long as a line; a thousand such rows at once would be a gigabyte in memory.
LONGEST_CELL = 4096
EXTRA = (
    f"CASE WHEN length(r.extra) <= {4 * LONGEST_CELL} THEN r.extra"
    f" WHEN r.extra IS NOT NULL THEN json_object('…', substr(r.extra, 1, {LONGEST_CELL})) END"
)


def _clipped(*columns: str) -> str:
    return ", ".join(f"substr({column}, 1, {LONGEST_CELL})" for column in columns)


COLUMNS = (
    f"r.id, r.line, r.known, r.date, {_clipped('r.description', 'r.counterparty')},"
    f" r.amount_micros, l.currency, r.balance_micros, {_clipped('r.reference', 'r.account')},"
    f" {EXTRA}, r.seen, {_clipped('l.vendor')}, l.category, l.reason, l.confidence"
)
LABELLED = "FROM row r LEFT JOIN label l ON l.import = :import AND l.id = r.label"
FIELDS = f"SELECT {COLUMNS} {LABELLED}"
ALL_ROWS = f"{FIELDS} WHERE r.id > :low + :offset AND r.id <= :low + :offset + :limit ORDER BY r.id"
# The numbers are found first, in the narrowest index, so that skipped rows are never read.
SOME_ROWS = f"{FIELDS} WHERE r.id IN ({{ids}}) ORDER BY r.id"
NEW_IDS = "SELECT id FROM row WHERE id BETWEEN :low AND :high AND known = 0"
KNOWN_IDS = "SELECT id FROM row WHERE id BETWEEN :low AND :high AND known = 1"
REVIEW_IDS = (
    "SELECT id FROM row WHERE id BETWEEN :low AND :high AND label IN"
    " (SELECT id FROM label WHERE import = :import AND confidence < :below)"
)
PAGE = " ORDER BY id LIMIT :limit OFFSET :offset"
JOBS = "SELECT id, job_id FROM import WHERE id IN ({marks})"
DELTA = (
    "SELECT i.job_id, count(*) FROM row r JOIN import i ON i.id = r.seen >> 32"
    " WHERE r.id BETWEEN ? AND ? AND r.known = 1 GROUP BY i.id ORDER BY i.id"
)
KEPT = "SELECT count(*) FROM row WHERE id BETWEEN ? AND ? AND seen IS NOT NULL AND known = 0"
REJECTED = (
    "SELECT id, line, reason, cells FROM rejected WHERE import = ? AND id > ? ORDER BY id LIMIT ?"
)
CATEGORIES = (
    "SELECT l.category, sum(l.rows) FROM label l JOIN import i ON i.id = l.import"
    " JOIN person p ON p.id = i.person WHERE p.user_id = ? AND l.category IS NOT NULL"
    " GROUP BY l.category"
)
UNTAUGHT = (
    "SELECT p.user_id FROM person p JOIN memory m ON m.person = p.id AND m.kind = 'category'"
    " LEFT JOIN learned d ON d.person = p.id"
    " GROUP BY p.id HAVING max(m.changed_ms) > coalesce(max(d.taught_ms), 0)"
)


MEMORY = (
    "SELECT m.key, m.value, m.changed_ms FROM memory m JOIN person p ON p.id = m.person"
    " WHERE p.user_id = ? AND m.kind = ? AND m.key > ? ORDER BY m.key LIMIT ?"
)
PROFILES = (
    "SELECT m.key, m.value FROM memory m JOIN person p ON p.id = m.person"
    " WHERE p.user_id = ? AND m.kind = 'profile' AND m.key IN (SELECT value FROM json_each(?))"
)


class RecordsReader:
    """Reads records.db beside the workers that write it. It only looks.

    wide  a connection of its own for what looks through all that a person has: nobody who asks for
          one file waits behind it
    """

    def __init__(self, connection: aiosqlite.Connection, wide: aiosqlite.Connection) -> None:
        self._connection = connection
        self._wide = wide
        self.documents = DocumentsReader(connection, wide)

    @classmethod
    async def open(cls, path: Path) -> "RecordsReader":
        """Open `path`, made and migrated as needed. Raises DatabaseTooNew and sqlite3.Error."""
        path.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(lambda: connect_records(path).close())
        connection = await _looking(path)
        try:
            return cls(connection, await _looking(path))
        except BaseException:
            await connection.close()
            raise

    async def close(self) -> None:
        await self._connection.close()
        await self._wide.close()

    async def rows(
        self, job_id: str, *, state: State | None = None, offset: int = 0, limit: int = 100
    ) -> RowsPage:
        """Return the rows numbered offset + 1 to offset + limit among those of `state`.

        An unknown job has no rows. `state` review: rows whose category is doubtful. Cells are cut
        at LONGEST_CELL characters.
        """
        found = await self._one(IMPORT, (job_id,))
        if found is None:
            return RowsPage(0, dict.fromkeys(("all", "new", "known", "review"), 0), [])
        import_id, new, known, review, _ = found
        counts = {"all": new + known, "new": new, "known": known, "review": review}
        low, high = id_range(import_id)
        values = {
            "import": import_id,
            "low": low - 1,
            "high": high,
            "offset": max(offset, 0),
            "limit": max(limit, 0),
            "below": REVIEW_BELOW,
        }
        total = counts[state or "all"]
        if total == 0 or offset >= total:
            return RowsPage(total, counts, [])
        if total == counts["all"]:
            rows = await self._connection.execute_fetchall(ALL_ROWS, values)
        else:
            ids = {"new": NEW_IDS, "known": KNOWN_IDS, "review": REVIEW_IDS}[state or "new"]
            rows = await self._connection.execute_fetchall(SOME_ROWS.format(ids=ids + PAGE), values)
        jobs = await self._jobs({import_of(row[12]) for row in rows if row[12] is not None})
        return RowsPage(total, counts, [_row_of(row, jobs) for row in rows])

    async def delta(self, job_id: str) -> dict[str, Any]:
        """Return new_rows, existing_rows, rejected_rows, and per earlier job how many are its.

        kept_rows are those of new_rows that earlier files hold too.
        """
        found = await self._one(
            "SELECT id, stored, known, rejected FROM import WHERE job_id = ?", (job_id,)
        )
        if found is None:
            return {
                "new_rows": 0,
                "existing_rows": 0,
                "kept_rows": 0,
                "rejected_rows": 0,
                "seen_in": [],
            }
        import_id, new, known, rejected = found
        seen = await self._connection.execute_fetchall(DELTA, id_range(import_id)) if known else []
        return {
            "new_rows": new,
            "existing_rows": known,
            "kept_rows": (await self._one(KEPT, id_range(import_id)))[0],
            "rejected_rows": rejected,
            "seen_in": [{"job_id": job, "rows": rows} for job, rows in seen],
        }

    async def row(self, job_id: str, number: int) -> dict[str, Any] | None:
        """Return one row of a job; None when there is no such row."""
        page = await self.rows(job_id, offset=number - 1, limit=1)
        return next((row for row in page.rows if row["row"] == number), None)

    async def rules(self, user_id: str) -> list[Rule]:
        """Return a person's rules in the order in which they are tried."""
        found = await self._connection.execute_fetchall(RULES, (user_id,))
        return [rule_of(tuple(row)) for row in found]

    async def categories(self, user_id: str) -> dict[str, int]:
        """Return the categories that rows of a person have, with their rows."""
        found = await self._wide.execute_fetchall(CATEGORIES, (user_id,))
        return {row[0]: row[1] for row in found}

    async def untaught(self) -> list[str]:
        """Return the users who corrected something that was not learned from yet."""
        return [row[0] for row in await self._connection.execute_fetchall(UNTAUGHT)]

    async def rejected_csv(self, job_id: str) -> AsyncIterator[str]:
        """Yield the rows that could not be read as CSV text: the file's columns, line, reason.

        A cell that a spreadsheet program would run as a formula gets an apostrophe in front. Raises
        NotFound when they were taken back before the last of them.
        """
        found = await self._one(IMPORT, (job_id,))
        names = orjson.loads(found[4]) if found else []
        yield _csv_text([[*map(harmless, names), "line", "reason"]])
        after = -1
        while found:
            rows = list(
                await self._connection.execute_fetchall(REJECTED, (found[0], after, CSV_CHUNK_ROWS))
            )
            if not rows:
                if await self._one(IMPORT, (job_id,)) is None:
                    raise NotFound(what="file")
                return
            after = rows[-1][0]
            yield _csv_text(
                [
                    [*_padded(orjson.loads(cells), len(names)), str(line), reason]
                    for _, line, reason, cells in rows
                ]
            )

    async def memory(
        self, user_id: str, kind: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, dict[str, Any], int]]:
        """Return what the user taught of a kind: key, value, changed_ms; keys past `after`."""
        rows = await self._connection.execute_fetchall(MEMORY, (user_id, kind, after, limit))
        return [(key, orjson.loads(value), changed_ms) for key, value, changed_ms in rows]

    async def profiles(self, user_id: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the answers that are remembered under some of `keys`."""
        wanted = orjson.dumps(list(keys)).decode()
        rows = await self._connection.execute_fetchall(PROFILES, (user_id, wanted))
        return {key: orjson.loads(value) for key, value in rows}

    async def _one(self, sql: str, values: tuple[Any, ...]) -> Any:
        rows = list(await self._connection.execute_fetchall(sql, values))
        return rows[0] if rows else None

    async def _jobs(self, imports: set[int]) -> dict[int, str]:
        if not imports:
            return {}
        sql = JOBS.format(marks=",".join("?" * len(imports)))
        return {row[0]: row[1] for row in await self._connection.execute_fetchall(sql, [*imports])}


async def _looking(path: Path) -> aiosqlite.Connection:
    """Open a connection that only looks. Raises sqlite3.Error."""
    connection = await aiosqlite.connect(path, isolation_level=None)
    try:
        await connection.execute("PRAGMA query_only = ON")
        await connection.execute("PRAGMA busy_timeout = 10000")
        # A first look makes the index of the write-ahead log: later the disk may be full.
        await connection.execute_fetchall("SELECT 1 FROM import LIMIT 1")
    except BaseException:
        await connection.close()
        raise
    return connection


def _row_of(row: Any, jobs: dict[int, str]) -> dict[str, Any]:
    seen = row[12]
    return {
        "row": number_of(row[0]),
        "line": row[1],
        "state": "known" if row[2] else "new",
        "date": row[3],
        "description": row[4],
        "counterparty": row[5],
        "amount": decimal_text(row[6]),
        "currency": row[7],
        "balance": decimal_text(row[8]),
        "reference": row[9],
        "account": row[10],
        "extra": orjson.loads(row[11]) if row[11] else {},
        "seen_in": None
        if seen is None
        else {"job_id": jobs.get(import_of(seen)), "row": number_of(seen)},
        "vendor": row[13],
        "category": row[14],
        "category_reason": row[15],
        "confidence": row[16],
    }


def _padded(cells: list[str], width: int) -> list[str]:
    """Return harmless cells, `width` of them; what goes beyond is joined into the last one."""
    if width and len(cells) > width:
        cells = [*cells[: width - 1], " | ".join(cells[width - 1 :])]
    return [harmless(cell) for cell in cells] + [""] * (width - len(cells))


def _csv_text(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
