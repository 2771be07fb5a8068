"""What extracting leaves for later steps, in the job's work folder.

part-00000.arrow …   typed rows in file order (typed.SCHEMA) with `n` (from 1) and `label`;
                     currency and source_category are the label's
keys.arrow           `key` and `n` of every row, ascending by key
labels.json          the distinct payees, see records_bulk.NewLabel
rejected.jsonl       a line for each row that can not be read: line, code, reason, cells
summary.json         written last: it is there exactly when all of the others are
"""

import os
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import starmap
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from app.reading.category_match import purpose_pattern
from app.reading.payees import PAYPAL_SHOP, PURPOSE_MARK
from app.reading.typed import Rejected
from app.store.files import sync_folder
from app.store.records_bulk import NewLabel

SUMMARY = "summary.json"
KEYS = "keys.arrow"
LABELS = "labels.json"
REJECTED = "rejected.jsonl"

KEY_FIELDS = (
    "account",
    "date",
    "amount_micros",
    "currency",
    "description",
    "counterparty",
    "reference",
)
INT64 = 1 << 63
# What differs from visit to visit at the same payee: dates, receipts, card and order numbers. A
# word with one or two digits may be a name (7-ELEVEN, N26).
NUMBERS = r"\S*\d\S*\d\S*\d\S*"
MOST_LABELS = 100_000  # in one file; the rows of further payees share a label without a name


@dataclass(slots=True)
class _Sums:
    """A label while it is gathered."""

    id: int
    text: str
    sign: int
    currency: str | None
    source_category: str | None
    rows: int = 0
    amount_micros: int = 0
    first_date: str | None = None
    last_date: str | None = None


class PartWriter:
    """Writes parts as they come; keys and labels are gathered for the whole file."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder
        self._owner = owner
        (folder / SUMMARY).unlink(missing_ok=True)
        for old in folder.glob("part-*.arrow"):
            old.unlink()
        self._rejected = (folder / REJECTED).open("wb")
        self._rejected_rows = 0
        self._parts = 0
        self._rows = 0
        self._hashes: list[pl.Series] = []
        self._labels: dict[tuple[str, int, str | None, str | None], _Sums] = {}

    def add(self, rows: pl.DataFrame, rejected: Iterable[Rejected]) -> None:
        """Write a part: readable rows as a frame of typed.SCHEMA, and the others."""
        for row in rejected:
            line = (row.line, row.code, row.reason, row.cells)
            self._rejected.write(orjson.dumps(line) + b"\n")
            self._rejected_rows += 1
        if rows.is_empty():
            return
        hashes = content_hashes(rows, self._owner)
        self._hashes.append(hashes)
        numbers = pl.int_range(self._rows + 1, self._rows + rows.height + 1, eager=True)
        part = rows.with_columns(
            numbers.cast(pl.Int64).alias("n"), self._label(rows).alias("label")
        ).drop("source_category", "currency")
        path = self._folder / f"part-{self._parts:05d}.arrow"
        with path.open("wb") as stream:
            part.write_ipc(stream, compression="lz4")
            _to_disk(stream)
        self._parts += 1
        self._rows += rows.height

    def finish(self) -> dict[str, Any]:
        """Write what concerns the whole file, the summary last, and return the summary."""
        _to_disk(self._rejected)
        self._rejected.close()
        keys = keyed(self._hashes)
        with (self._folder / KEYS).open("wb") as stream:
            keys.write_ipc(stream)
            _to_disk(stream)
        labels = list(self._labels.values())
        with (self._folder / LABELS).open("wb") as stream:
            stream.write(
                orjson.dumps(
                    [
                        (
                            one.id,
                            one.text,
                            one.sign,
                            one.currency,
                            one.source_category,
                            one.rows,
                            max(-INT64, min(INT64 - 1, one.amount_micros)),
                            one.first_date,
                            one.last_date,
                        )
                        for one in labels
                    ]
                )
            )
            _to_disk(stream)
        dated = [one for one in labels if one.first_date]
        summary = {
            "rows": self._rows,
            "rejected": self._rejected_rows,
            "parts": self._parts,
            "first_date": min((one.first_date or "" for one in dated), default=None),
            "last_date": max((one.last_date or "" for one in dated), default=None),
            "currencies": sorted({one.currency for one in labels if one.currency}),
        }
        # A summary that outlives a power cut must not outlive what it sums up.
        sync_folder(self._folder)
        path = self._folder / SUMMARY
        written = path.with_suffix(".tmp")
        with written.open("wb") as stream:
            stream.write(orjson.dumps(summary))
            _to_disk(stream)
        written.replace(path)
        return summary

    def _label(self, rows: pl.DataFrame) -> pl.Series:
        """Give every row the number of its label, and count it there."""
        named = rows["counterparty"].null_count() < rows.height
        payee = _payee() if named else pl.col("description").fill_null("")
        grouped = (
            rows.lazy()
            .select(
                payee.alias("text"),
                payee.str.to_lowercase().str.replace_all(NUMBERS, "#").alias("like"),
                pl.col("amount_micros").sign().fill_null(0).alias("sign"),
                "currency",
                "source_category",
                "amount_micros",
                "date",
            )
            .with_row_index("at")
            .group_by("like", "sign", "currency", "source_category", maintain_order=True)
            .agg(
                pl.col("text").first(),
                pl.len().alias("rows"),
                pl.col("amount_micros").cast(pl.Int128).sum().cast(pl.Float64).alias("rough"),
                pl.col("amount_micros").sum(),
                pl.col("date").min().alias("first_date"),
                pl.col("date").max().alias("last_date"),
                pl.col("at"),
            )
            .collect()
        )
        ids: list[int] = []
        for like, sign, currency, category, text, count, rough, amount, first, last in grouped.drop(
            "at"
        ).iter_rows():
            key = (like, sign, currency, category)
            sums = self._labels.get(key)
            if sums is None and len(self._labels) >= MOST_LABELS:
                key, text, category = ("", sign, currency, None), "", None
                sums = self._labels.get(key)
            if sums is None:
                sums = _Sums(len(self._labels) + 1, text, sign, currency, category)
                self._labels[key] = sums
            sums.rows += count
            sums.amount_micros += amount if abs(rough) < INT64 // 2 else int(rough)
            sums.first_date = min(filter(None, (sums.first_date, first)), default=None)
            sums.last_date = max(filter(None, (sums.last_date, last)), default=None)
            ids.append(sums.id)
        placed = grouped.select("at", pl.Series("label", ids, dtype=pl.Int64)).explode("at")
        return placed.sort("at")["label"]


def _payee() -> pl.Expr:
    """Whom a row names, and the word of its purpose that says what for (payees.with_purpose).

    A shop that was paid through PayPal stands in the purpose; it is the payee.
    """
    named, said = pl.col("counterparty"), pl.col("description")
    shop = pl.when(named.str.contains("(?i)^paypal")).then(said.str.extract(PAYPAL_SHOP, 1))
    purpose = said.str.to_lowercase().str.extract(purpose_pattern(), 1)
    return pl.coalesce(
        pl.lit("PAYPAL *") + shop,
        named + pl.lit(PURPOSE_MARK) + purpose,
        named,
        said,
        pl.lit(""),
    )


def content_hashes(rows: pl.DataFrame, owner: str) -> pl.Series:
    """Return a 64-bit hash of each row's content, equal for rows of `owner` that say the same."""
    empty = pl.lit("")
    fields = [
        pl.col(name).cast(pl.String).fill_null(empty)
        if rows[name].null_count() < rows.height
        else empty
        for name in KEY_FIELDS
    ]
    plain = [
        field.str.to_lowercase() if name in ("description", "counterparty") else field
        for name, field in zip(KEY_FIELDS, fields, strict=True)
    ]
    without_money = rows["amount_micros"].null_count() == rows.height
    if without_money:  # a list of something else: all of its cells are its content
        plain.append(pl.col("extra").fill_null(empty))
    text = rows.select(pl.concat_str(plain, separator="\x1f")).to_series()
    whose = blake2b(owner.encode(), digest_size=16).digest()
    digest = b"".join(
        [
            blake2b(content, digest_size=8, person=whose).digest()
            for content in text.cast(pl.Binary).to_list()
        ]
    )
    return pl.Series("hash", array("q", digest), dtype=pl.Int64)


def keyed(hashes: list[pl.Series]) -> pl.DataFrame:
    """Return `key` and `n` of all rows of a file, ascending by key, no key twice.

    The first row with some content has its hash as key; a later one in the same file has the hash
    of that and of how many came before it.
    """
    column = pl.concat(hashes) if hashes else pl.Series("hash", [], dtype=pl.Int64)
    numbers = pl.int_range(1, column.len() + 1, dtype=pl.Int64, eager=True)
    rows = pl.DataFrame({"key": column, "n": numbers}).sort("key", "n")
    while (again := rows["key"] == rows["key"].shift(1)).any():
        # A run of equal keys: its first row keeps the key, the others are told apart by place.
        twins = rows.filter(rows["key"].is_in(rows["key"].filter(again).implode()))
        twins = twins.with_columns(pl.int_range(pl.len()).over("key").alias("before"))
        mixed = [_mixed(key, before) for key, before in twins.select("key", "before").iter_rows()]
        twins = twins.with_columns(pl.Series("mixed", mixed, dtype=pl.Int64))
        rows = (
            rows.join(twins, on="n", how="left")
            .select(pl.coalesce("mixed", "key").alias("key"), "n")
            .sort("key", "n")
        )
    return rows


def _mixed(key: int, before: int) -> int:
    if before == 0:
        return key
    content = key.to_bytes(8, "little", signed=True) + before.to_bytes(8, "little")
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little", signed=True)


def _to_disk(stream: Any) -> None:
    stream.flush()
    os.fsync(stream.fileno())


class Parts:
    """What extracting left, read again."""

    def __init__(self, folder: Path) -> None:
        """Open the parts in `folder`. Raises FileNotFoundError when they are not all there."""
        self._folder = folder
        self.summary: dict[str, Any] = orjson.loads((folder / SUMMARY).read_bytes())

    def keys(self) -> pl.DataFrame:
        return pl.read_ipc(self._folder / KEYS)

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the rows, one part after another."""
        for number in range(self.summary["parts"]):
            yield pl.read_ipc(self._folder / f"part-{number:05d}.arrow")

    def labels(self) -> Iterator[NewLabel]:
        yield from starmap(NewLabel, orjson.loads((self._folder / LABELS).read_bytes()))

    def rejected(self) -> Iterator[tuple[int, str, str, str]]:
        """Yield (line, code, reason, cells as a JSON array)."""
        with (self._folder / REJECTED).open("rb") as stream:
            for one in stream:
                line, code, reason, cells = orjson.loads(one)
                yield line, code, reason, orjson.dumps(cells).decode()
