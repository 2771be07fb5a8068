"""The shape of records.db, how it is opened, and how its rows are numbered."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.store.database import migrate
from app.store.writer import transaction

SCRIPTS: tuple[str, ...] = (
    """
    -- Owners of imports.
    CREATE TABLE person (
        id INTEGER PRIMARY KEY,
        user_id TEXT NOT NULL UNIQUE
    ) STRICT;

    -- What one job stored. It is there exactly when all of its rows are.
    CREATE TABLE import (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job_id TEXT NOT NULL UNIQUE,
        person INTEGER NOT NULL REFERENCES person (id),
        columns TEXT NOT NULL,
        has_amounts INTEGER NOT NULL,
        stored INTEGER NOT NULL DEFAULT 0,
        known INTEGER NOT NULL DEFAULT 0,
        rejected INTEGER NOT NULL DEFAULT 0,
        review INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX import_person ON import (person, id);

    -- id = import << 32 | number in the file, so a file's rows lie together, in its order.
    -- seen is the earliest row with the same content in an earlier file; such a row is either
    -- known (not stored again) or was kept as new because the person asked for it.
    CREATE TABLE row (
        id INTEGER PRIMARY KEY,
        line INTEGER NOT NULL,
        known INTEGER NOT NULL DEFAULT 0,
        seen INTEGER,
        label INTEGER,
        date TEXT,
        amount_micros INTEGER,
        balance_micros INTEGER,
        description TEXT,
        counterparty TEXT,
        reference TEXT,
        account TEXT,
        extra TEXT
    ) STRICT;
    CREATE INDEX row_seen ON row (seen) WHERE seen IS NOT NULL;
    CREATE INDEX row_known ON row (id) WHERE known = 1;

    -- The earliest row with this content. A key is made of the owner too: see reading/parts.
    CREATE TABLE row_key (
        key INTEGER PRIMARY KEY,
        row INTEGER NOT NULL
    ) STRICT;

    -- What is the same for all rows of a file that name the same payee with the same sign in one
    -- currency: the rows point to it.
    CREATE TABLE label (
        import INTEGER NOT NULL REFERENCES import (id),
        id INTEGER NOT NULL,
        text TEXT NOT NULL,
        sign INTEGER NOT NULL,
        currency TEXT,
        source_category TEXT,
        rows INTEGER NOT NULL,
        amount_micros INTEGER NOT NULL,
        first_date TEXT,
        last_date TEXT,
        vendor TEXT,
        category TEXT,
        reason TEXT,
        confidence REAL,
        PRIMARY KEY (import, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE rejected (
        import INTEGER NOT NULL REFERENCES import (id),
        id INTEGER NOT NULL,
        line INTEGER NOT NULL,
        code TEXT NOT NULL,
        reason TEXT NOT NULL,
        cells TEXT NOT NULL,
        PRIMARY KEY (import, id)
    ) STRICT, WITHOUT ROWID;

    -- Names under which an import's rows were brought together; key is the normalised name.
    CREATE TABLE vendor (
        import INTEGER NOT NULL REFERENCES import (id),
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (import, key)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- What was read out of a PDF or an image, beside its import. date, amount and number are those
    -- of an invoice, for finding what was seen before.
    CREATE TABLE document (
        import INTEGER PRIMARY KEY REFERENCES import (id),
        kind TEXT NOT NULL,
        title TEXT NOT NULL DEFAULT '',
        pages INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        vendor_key TEXT,
        number TEXT,
        date TEXT,
        total_micros INTEGER,
        currency TEXT,
        text_signature BLOB,
        image_hash BLOB,
        indexed INTEGER NOT NULL DEFAULT 0  -- its words are in page_text
    ) STRICT;
    CREATE INDEX document_vendor ON document (vendor_key, number) WHERE vendor_key IS NOT NULL;
    CREATE INDEX document_image ON document (image_hash) WHERE image_hash IS NOT NULL;

    -- Sizes are PDF points; source is text, ocr, both or none; turned counts quarters, clockwise.
    CREATE TABLE page (
        id INTEGER PRIMARY KEY,
        import INTEGER NOT NULL REFERENCES import (id),
        number INTEGER NOT NULL,
        width REAL NOT NULL,
        height REAL NOT NULL,
        source TEXT NOT NULL,
        problem TEXT,
        turned INTEGER NOT NULL DEFAULT 0,
        text TEXT NOT NULL,
        UNIQUE (import, number)
    ) STRICT;
    CREATE VIRTUAL TABLE page_text USING fts5 (
        text, content = 'page', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
    );

    -- idx is the place in the reading order; bbox in points from the top left of the page shown.
    CREATE TABLE zone (
        import INTEGER NOT NULL REFERENCES import (id),
        idx INTEGER NOT NULL,
        id TEXT NOT NULL,
        page INTEGER NOT NULL,
        kind TEXT NOT NULL,
        x0 REAL NOT NULL, y0 REAL NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL,
        tool TEXT NOT NULL,
        confidence REAL NOT NULL,
        duration_ms INTEGER NOT NULL,
        text TEXT NOT NULL,
        data TEXT,  -- JSON: rows of a table, key and value
        PRIMARY KEY (import, idx)
    ) STRICT, WITHOUT ROWID;

    -- status: read, check, edited or absent. Dates are ISO, amounts decimal texts.
    CREATE TABLE field (
        import INTEGER NOT NULL REFERENCES import (id),
        name TEXT NOT NULL,
        value TEXT,
        confidence REAL NOT NULL,
        source TEXT NOT NULL,
        page INTEGER,
        x0 REAL, y0 REAL, x1 REAL, y1 REAL,
        status TEXT NOT NULL,
        PRIMARY KEY (import, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE line_item (
        import INTEGER NOT NULL REFERENCES import (id),
        idx INTEGER NOT NULL,
        item TEXT NOT NULL,  -- JSON
        PRIMARY KEY (import, idx)
    ) STRICT, WITHOUT ROWID;

    -- What people's answers and corrections taught, by what it is about:
    -- profile  header fingerprint -> answers to questions about such files
    -- template vendor and layout -> where the fields stand
    -- category normalised supplier -> category
    CREATE TABLE memory (
        person INTEGER NOT NULL REFERENCES person (id),
        kind TEXT NOT NULL
            CHECK (kind IN ('profile', 'template', 'category', 'vendor', 'document')),
        key TEXT NOT NULL,
        value TEXT NOT NULL,  -- JSON
        used INTEGER NOT NULL DEFAULT 0,
        changed_ms INTEGER NOT NULL,
        PRIMARY KEY (person, kind, key)
    ) STRICT, WITHOUT ROWID;

    -- Rules that a person made: the first that fits, by place, decides.
    CREATE TABLE rule (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        person INTEGER NOT NULL REFERENCES person (id),
        place INTEGER NOT NULL,
        field TEXT NOT NULL CHECK (field IN ('vendor', 'description', 'account')),
        operator TEXT NOT NULL CHECK (operator IN ('is', 'contains', 'begins')),
        value TEXT NOT NULL,
        sign INTEGER NOT NULL DEFAULT 0,
        category TEXT NOT NULL,
        created_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX rule_person ON rule (person, place);

    -- A person said what these rows are: neither rules nor a later look change them.
    ALTER TABLE label ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;

    -- Fields of a document that another job's copy of it brought: they go with that job.
    CREATE TABLE filling (
        job_id TEXT NOT NULL,
        import INTEGER NOT NULL REFERENCES import (id),
        name TEXT NOT NULL,
        PRIMARY KEY (job_id, import, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX filling_import ON filling (import);

    -- What was learned of a person's categories: see reading/learning.
    CREATE TABLE learned (
        person INTEGER PRIMARY KEY REFERENCES person (id),
        examples INTEGER NOT NULL,
        taught_ms INTEGER NOT NULL,  -- of the newest correction that it knows
        model BLOB NOT NULL
    ) STRICT;
    """,
    """
    -- Rows that an earlier file holds too and a person kept: of a long file, next to none.
    CREATE INDEX row_kept ON row (id) WHERE seen IS NOT NULL AND known = 0;
    """,
)

ROW_BITS = 32  # of a row's id; the import's number stands above them
MICROS = 1_000_000
REVIEW_BELOW = 0.6  # a label decided with less confidence waits for a person's look

CACHE_KIB = 64 * 1024
LOG_KEPT_BYTES = 64 * 1024 * 1024  # of the write-ahead log, which a large file makes as large


def id_range(import_id: int) -> tuple[int, int]:
    """Return the lowest and the highest id that a row of this import can have."""
    return (import_id << ROW_BITS) + 1, ((import_id + 1) << ROW_BITS) - 1


def import_of(row_id: int) -> int:
    """Return the number of the import that `row_id` belongs to."""
    return row_id >> ROW_BITS


def number_of(row_id: int) -> int:
    """Return the row's number in its file, from 1."""
    return row_id & ((1 << ROW_BITS) - 1)


def decimal_text(micros: int | None) -> str | None:
    """Return 12500000 as "12.50": at least two decimals, at most six."""
    if micros is None:
        return None
    whole, part = divmod(abs(micros), MICROS)
    decimals = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole}.{decimals}"


def connect_records(path: Path | str) -> sqlite3.Connection:
    """Open records.db, made and migrated as needed. Raises DatabaseTooNew and sqlite3.Error."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA busy_timeout = 60000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_KEPT_BYTES}")
        migrate(connection, SCRIPTS)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def reading_records(path: Path | str) -> Iterator[sqlite3.Connection]:
    """A connection to records.db that is closed at the end."""
    connection = connect_records(path)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def writing_records(path: Path | str) -> Iterator[sqlite3.Connection]:
    """One transaction on records.db: committed at the end, rolled back when anything is raised.

    A full disk raises StorageFull.
    """
    with reading_records(path) as connection, transaction(connection):
        yield connection
