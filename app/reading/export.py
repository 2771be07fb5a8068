"""Writing an export: what a person stored, as a file to take away."""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.core.cells import harmless
from app.core.documents import FIELDS
from app.core.reading import Task, Tell
from app.reading.export_files import (
    Column,
    CsvWriter,
    FileWriter,
    JsonLinesWriter,
    Kind,
    ParquetWriter,
    Table,
    WorkbookWriter,
)
from app.store.records_export import (
    Document,
    Filters,
    Import,
    count_rows,
    document_of,
    imports,
    rows_of,
)
from app.store.records_schema import reading_records

FILE = "export"  # in the working folder
TELL_EVERY = 1000
KINDS: Mapping[str, Kind] = {"date": "date", "amount": "decimal"}

FROM_WHERE = (Column("file"), Column("job_id"))
ROWS = Table(
    "Rows",
    (
        *FROM_WHERE,
        Column("row", "integer"),
        Column("line", "integer"),
        Column("state"),
        Column("date", "date"),
        Column("description"),
        Column("counterparty"),
        Column("amount", "micros"),
        Column("currency"),
        Column("balance", "micros"),
        Column("reference"),
        Column("account"),
        Column("vendor"),
        Column("category"),
        Column("category_reason"),
        Column("confidence", "number"),
        Column("extra", "json"),
    ),
)
DOCUMENTS = Table(
    "Documents",
    (
        *FROM_WHERE,
        Column("document_type"),
        Column("title"),
        Column("pages", "integer"),
        *(Column(name, KINDS.get(kind, "text")) for name, kind in FIELDS.items()),
        Column("to_check"),
    ),
)
ITEM_NAMES = ("description", "quantity", "unit_price", "tax_rate", "amount")
LINE_ITEMS = Table(
    "Line items",
    (
        *FROM_WHERE,
        Column("vendor_name"),
        Column("invoice_number"),
        Column("invoice_date", "date"),
        Column("line", "integer"),
        Column("description"),
        Column("quantity"),
        Column("unit_price", "decimal"),
        Column("tax_rate"),
        Column("amount", "decimal"),
        Column("currency"),
        Column("page", "integer"),
    ),
)


def export(task: Task, tell: Tell) -> dict[str, Any]:
    """Write the file `export` into the working folder. It shows one moment of the database.

    options: format, content (rows, documents or line_items), formulas (safe or as_is),
    filters (of records_export.Filters), jobs (file names by the ids of the jobs that are taken).
    Returns rows, size_bytes and sha256. Raises OSError where the disk is full.
    """
    options = task["options"]
    filters = Filters(**options["filters"])
    names: dict[str, str] = options["jobs"]
    path = Path(task["work_dir"]) / FILE
    with reading_records(task["records_path"]) as connection:
        connection.execute("BEGIN")
        sources = [source for source in imports(connection) if source.job_id in names]
        file = writer_for(options["format"], path, formulas=options["formulas"])
        work = _Work(connection, sources, names, filters, file, tell)
        match options["content"]:
            case "rows":
                work.rows()
            case "documents":
                work.documents(with_items_sheet=options["format"] == "xlsx")
            case "line_items":
                work.line_items()
        file.close()
        connection.execute("COMMIT")
    tell(work.done, work.done)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"rows": work.done, "size_bytes": path.stat().st_size, "sha256": sha256}


def writer_for(form: str, path: Path, *, formulas: str) -> FileWriter:
    """Return what writes a file of the format csv, json, xlsx or parquet at `path`."""
    if form == "json":
        return JsonLinesWriter(path)
    if form == "xlsx":
        return WorkbookWriter(path)
    if form == "parquet":
        return ParquetWriter(path)
    return CsvWriter(path, harmless if formulas == "safe" else str)


class _Work:
    """Goes through what is taken, and writes it.

    done  rows, or documents, or line items that are written
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        sources: list[Import],
        names: Mapping[str, str],
        filters: Filters,
        file: FileWriter,
        tell: Tell,
    ) -> None:
        self._connection = connection
        self._sources = sources
        self._names = names
        self._filters = filters
        self._file = file
        self._tell = tell
        self.done = 0

    def rows(self) -> None:
        self._file.begin(ROWS)
        total = sum(count_rows(self._connection, s, self._filters) for s in self._sources)
        for source in self._sources:
            name = self._names[source.job_id]
            for row in rows_of(self._connection, source, self._filters):
                self._file.write((name, source.job_id, *row))
                self.done += 1
                if self.done % TELL_EVERY == 0:
                    self._tell(self.done, total)

    def documents(self, *, with_items_sheet: bool) -> None:
        self._file.begin(DOCUMENTS)
        for name, source, document in self._found():
            fields = [document.fields.get(field) for field in FIELDS]
            self._file.write(
                (
                    name,
                    source.job_id,
                    document.kind,
                    document.title or None,
                    document.pages,
                    *fields,
                    ", ".join(document.to_check) or None,
                ),
                {"line_items": document.line_items},
            )
            self.done += 1
            self._tell(self.done)
        if with_items_sheet:
            self._file.begin(LINE_ITEMS)
            self._items()

    def line_items(self) -> None:
        self._file.begin(LINE_ITEMS)
        self.done = self._items()

    def _items(self) -> int:
        written = 0
        for name, source, document in self._found():
            fields = document.fields
            about = (fields.get("vendor_name"), fields.get("invoice_number"))
            for line, item in enumerate(document.line_items, 1):
                self._file.write(
                    (
                        name,
                        source.job_id,
                        *about,
                        fields.get("invoice_date"),
                        line,
                        *(item.get(part) for part in ITEM_NAMES),
                        fields.get("currency"),
                        item.get("page"),
                    )
                )
                written += 1
        return written

    def _found(self) -> Iterator[tuple[str, Import, Document]]:
        for source in self._sources:
            document = document_of(self._connection, source, self._filters)
            if document is not None:
                yield self._names[source.job_id], source, document
