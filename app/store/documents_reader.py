"""What the pages and the API read of documents in records.db: pages, zones, text, search."""

import re
from dataclasses import dataclass
from typing import Any

import aiosqlite
import orjson

from app.core.documents import FIELDS, FieldValue, absent
from app.store.documents_fields import FIELDS_OF, field_of

MARK_START, MARK_END = "\x02", "\x03"  # around what was found; no text holds them
SNIPPET_WORDS = 24
WORD = re.compile(r"\w+")
MOST_WORDS = 16  # of one search
# Bytes of UTF-8: with fewer, too many words begin so. One sign of a script of thousands has three.
BEGINNING = 3


@dataclass(frozen=True, slots=True)
class Document:
    """What is known of a job's document as a whole."""

    import_id: int
    kind: str
    title: str
    pages: int
    sha256: str
    zones: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that holds the words looked for. `snippet` has them between the two marks."""

    job_id: str
    page: int
    kind: str
    snippet: str


DOCUMENT = (
    "SELECT d.import, d.kind, d.title, d.pages, d.sha256,"
    " (SELECT count(*) FROM zone z WHERE z.import = d.import)"
    " FROM document d JOIN import i ON i.id = d.import WHERE i.job_id = ?"
)
PAGES = (
    "SELECT p.number, p.width, p.height, p.source, p.problem,"
    " (SELECT count(*) FROM zone z WHERE z.import = p.import AND z.page = p.number)"
    " FROM page p WHERE p.import = ? ORDER BY p.number"
)
TEXTS = "SELECT number, text FROM page WHERE import = ? AND number > ? ORDER BY number LIMIT ?"
ZONES = (
    "SELECT id, idx, page, kind, x0, y0, x1, y1, tool, confidence, duration_ms,"
    " text, data FROM zone"
    " WHERE import = :import AND (:page IS NULL OR page = :page)"
    " AND (:kind IS NULL OR kind = :kind) ORDER BY idx LIMIT :limit OFFSET :offset"
)
ZONE_COUNT = (
    "SELECT count(*) FROM zone WHERE import = :import AND (:page IS NULL OR page = :page)"
    " AND (:kind IS NULL OR kind = :kind)"
)
ITEMS = "SELECT item FROM line_item WHERE import = ? ORDER BY idx"
SEARCH = (
    "SELECT i.job_id, p.number, d.kind, snippet(page_text, 0, ?, ?, '…', ?)"
    " FROM page_text JOIN page p ON p.id = page_text.rowid"
    " JOIN document d ON d.import = p.import JOIN import i ON i.id = p.import"
    " JOIN person w ON w.id = i.person"
    " WHERE page_text MATCH ? AND w.user_id = ? ORDER BY page_text.rank, p.id LIMIT ? OFFSET ?"
)


class DocumentsReader:
    """Reads documents beside the workers that write them. It only looks.

    wide  a connection of its own for searches, which look through all documents
    """

    def __init__(self, connection: aiosqlite.Connection, wide: aiosqlite.Connection) -> None:
        self._connection = connection
        self._wide = wide

    async def document(self, job_id: str) -> Document | None:
        """Return the job's document; None while it has stored none."""
        rows = list(await self._connection.execute_fetchall(DOCUMENT, (job_id,)))
        return Document(*rows[0]) if rows else None

    async def pages(self, document: Document) -> list[dict[str, Any]]:
        """Return every page: number, width and height in points, source, problem, zones."""
        names = ("number", "width", "height", "source", "problem", "zones")
        rows = await self._connection.execute_fetchall(PAGES, (document.import_id,))
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def texts(
        self, document: Document, *, after: int = 0, limit: int = 50
    ) -> list[tuple[int, str]]:
        """Return (number, text) of up to `limit` pages after the page `after`."""
        rows = await self._connection.execute_fetchall(TEXTS, (document.import_id, after, limit))
        return [(int(number), str(text)) for number, text in rows]

    async def zones(
        self,
        document: Document,
        *,
        page: int | None = None,
        kind: str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, list[dict[str, Any]]]:
        """Return how many zones of that page and kind there are, and `limit` after `offset`."""
        values = {
            "import": document.import_id,
            "page": page,
            "kind": kind,
            "offset": offset,
            "limit": limit,
        }
        ((total,),) = await self._connection.execute_fetchall(ZONE_COUNT, values)
        rows = await self._connection.execute_fetchall(ZONES, values)
        return int(total), [_zone(row) for row in rows]

    async def fields(self, document: Document) -> dict[str, FieldValue]:
        """Return every field of an invoice in its order; absent ones say so."""
        rows = await self._connection.execute_fetchall(FIELDS_OF, (document.import_id,))
        stored = {row[0]: field_of(tuple(row)[1:]) for row in rows}
        return {name: stored.get(name, absent()) for name in FIELDS}

    async def line_items(self, document: Document) -> list[dict[str, Any]]:
        """Return the lines of an invoice."""
        rows = await self._connection.execute_fetchall(ITEMS, (document.import_id,))
        return [orjson.loads(item) for (item,) in rows]

    async def search(
        self, user_id: str, text: str, *, offset: int = 0, limit: int = 20
    ) -> list[Hit]:
        """Return the pages of the user's documents that hold all words of `text`, best first.

        The last word may be the beginning of one, from its third letter on. [] for a text without
        words.
        """
        query = match_of(text)
        if not query:
            return []
        marks = (MARK_START, MARK_END, SNIPPET_WORDS)
        rows = await self._wide.execute_fetchall(SEARCH, (*marks, query, user_id, limit, offset))
        return [Hit(*row) for row in rows]


def match_of(text: str) -> str:
    """Return `text` as a query of FTS5 that can not be an expression; "" without words."""
    words = WORD.findall(text)[:MOST_WORDS]
    quoted = " ".join(f'"{word}"' for word in words)
    return f"{quoted}*" if words and len(words[-1].encode()) >= BEGINNING else quoted


def _zone(row: Any) -> dict[str, Any]:
    return {
        "zone_id": row[0],
        "zone_index": row[1],
        "page": row[2],
        "kind": row[3],
        "bbox": [row[4], row[5], row[6], row[7]],
        "processing_tool": row[8],
        "confidence": row[9],
        "duration_ms": row[10],
        "text": row[11],
        "data": orjson.loads(row[12]) if row[12] else None,
    }
