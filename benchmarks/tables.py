"""Tables of every kind: seconds from the last byte of the upload to the rows being visible."""

import asyncio
import csv
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import xlsxwriter

from app.core.samples import transactions_csv
from benchmarks.figures import Figure, median
from benchmarks.served import new_rows_visible_s, served

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
AMOUNTS = (3, 5)  # columns of the sample that a workbook holds as numbers


def run(*, quick: bool) -> list[Figure]:
    """Measure each; --quick takes a tenth of the rows, once."""
    part, rounds = (10, 1) if quick else (1, 3)
    with tempfile.TemporaryDirectory(prefix="livetrail-bench-") as name:
        folder = Path(name)
        rows, stored, later = 100_000 // part, 500_000 // part, 200_000 // part
        overlap = later * 9 // 10
        lines = _lines(stored + later - overlap)
        small = _csv(folder / "small.csv", islice(_lines(rows), rows + 1))
        known = _csv(folder / "known.csv", lines[: stored + 1])
        again = _csv(folder / "again.csv", [lines[0], *lines[stored - overlap + 1 :]])
        book = _workbook(folder / "book.xlsx", small)
        took_csv, took_known, took_book = [], [], []
        for number in range(rounds):
            data = folder / f"data-{number}"
            took_csv.append(asyncio.run(_alone(data / "csv", small, rows)))
            took_book.append(asyncio.run(_alone(data / "book", book, rows, XLSX)))
            took_known.append(
                asyncio.run(_after(data / "known", known, stored, again, later, overlap))
            )
    scale = f" (a {part}th of it)" if quick else ""
    return [
        _figure(f"CSV of {rows:,} rows, until they are visible", took_csv, 3, scale),
        _figure(f"Excel of {rows:,} rows", took_book, 4, scale),
        _figure(
            f"CSV of {later:,} rows, {overlap:,} of them known, against {stored:,}",
            took_known,
            3,
            scale,
        ),
    ]


def _figure(what: str, took: list[float], aim_s: float, scale: str) -> Figure:
    middle = median(took)
    return Figure("tables", what, middle, "s", (), f"at most {aim_s:g} s{scale}", middle <= aim_s)


async def _alone(folder: Path, source: Path, rows: int, kind: str = "text/csv") -> float:
    async with served(folder) as server:
        return await new_rows_visible_s(server, source, rows, kind=kind)


async def _after(
    folder: Path, known: Path, stored: int, again: Path, rows: int, overlap: int
) -> float:
    """Measure the second file of two that overlap."""
    async with served(folder) as server:
        await new_rows_visible_s(server, known, stored)
        return await new_rows_visible_s(server, again, rows - overlap, overlap)


def _lines(rows: int) -> list[bytes]:
    return b"".join(transactions_csv(rows)).splitlines(keepends=True)


def _csv(path: Path, lines: Iterable[bytes]) -> Path:
    with path.open("wb") as stream:
        stream.writelines(lines)
    return path


def _workbook(path: Path, source: Path) -> Path:
    """Write a table as a workbook, its amounts as numbers."""
    with (
        source.open(newline="", encoding="utf-8") as stream,
        xlsxwriter.Workbook(path, {"constant_memory": True}) as book,
    ):
        sheet = book.add_worksheet()
        for at, row in enumerate(csv.reader(stream)):
            cells = [float(c) if at and n in AMOUNTS else c for n, c in enumerate(row)]
            sheet.write_row(at, 0, cells)
    return path
