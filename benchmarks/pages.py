"""Pages of documents: text and zones a second in one worker, beside pdfplumber on the same files.

The files are those of the samples that have text. pdfplumber reads the words and looks for tables,
which is less than zones are. Processor time is counted, since others work on the machine too.
"""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pdfplumber

from app.core.asking import Asking
from app.core.errors import AppError
from app.core.notices import Notice
from app.core.reading import Limits, Task
from app.reading.page import load_pages
from app.reading.pages import read_pages
from benchmarks.figures import Beside, Figure, median
from benchmarks.quality import SAMPLES

LIMITS = Limits(
    max_rows=1,
    max_columns=1,
    max_line_bytes=1,
    max_unpacked_bytes=1,
    max_unpack_ratio=1,
    max_archive_files=1,
    max_archive_depth=1,
    max_pages=500,
    max_ocr_pages=0,
    max_image_pixels=50_000_000,
)
AIM, TABLE_AIM, TIMES = 100, 10, 4
RECEIPT = "textractor/receipt.jpg"


def run(*, quick: bool) -> list[Figure]:
    """Measure; --quick goes through the files once, and leaves OCR out."""
    if not SAMPLES.is_dir():
        return []
    rounds = 1 if quick else 3
    paths = sorted(SAMPLES.rglob("*.pdf"))
    _ours(paths)  # libraries are loaded, files are in memory
    all_pages, with_tables = _ours(paths), [path for path in paths if _has_table(path)]
    figures = [
        _figure("pages of text PDFs, text and zones", paths, rounds, AIM),
        _figure("pages of documents with tables", with_tables, rounds, TABLE_AIM),
    ]
    if not all_pages or quick:
        return figures
    took = median(_timed(lambda: _read(SAMPLES / RECEIPT, "image", ocr=1)) for _ in range(rounds))
    what = "a receipt's picture, words by OCR"
    return [*figures, Figure("pages", what, took, "s")]


def _figure(what: str, paths: Sequence[Path], rounds: int, aim: int) -> Figure:
    pages = _ours(paths)
    ours = pages / median(_timed(lambda: _ours(paths)) for _ in range(rounds))
    theirs = _theirs(paths) / _timed(lambda: _theirs(paths))
    return Figure(
        bench="pages",
        what=what,
        value=ours,
        unit="pages/s",
        beside=(Beside(theirs, "pdfplumber, words and tables"),),
        aim=f"at least {aim}, and {TIMES} times pdfplumber",
        met=ours >= aim and ours >= TIMES * theirs,
    )


def _timed(work: Callable[[], Any]) -> float:
    began_s = time.process_time()
    work()
    return time.process_time() - began_s


def _ours(paths: Sequence[Path]) -> int:
    return sum(_read(path, "pdf", ocr=0) for path in paths)


def _read(path: Path, kind: str, *, ocr: int, keep: list[str] | None = None) -> int:
    """Read one document like the step page_reading; return its pages, 0 when it is broken."""
    folder = tempfile.mkdtemp(prefix="livetrail-bench-")
    task = Task(
        job_id="bench",
        user_id="bench",
        filename=path.name,
        size=path.stat().st_size,
        sha256=hashlib.sha256(path.name.encode()).hexdigest(),
        path=str(path),
        work_dir=folder,
        records_path="",
        limits=Limits(**{**LIMITS, "max_ocr_pages": ocr}),
        options={},
        found={"initializing_streaming": {"kind": kind}},
        answers={},
    )
    try:
        pages = int(read_pages(task, _Deaf())["pages"])
        if keep is not None:
            keep += [zone.kind for page in load_pages(folder) for zone in page.zones]
        return pages
    except (AppError, Asking):
        return 0
    finally:
        shutil.rmtree(folder)


def _has_table(path: Path) -> bool:
    kinds: list[str] = []
    _read(path, "pdf", ocr=0, keep=kinds)
    return "table" in kinds


def _theirs(paths: Sequence[Path]) -> int:
    pages = 0
    for path in paths:
        try:
            with pdfplumber.open(path) as document:
                for page in document.pages:
                    page.extract_words()
                    page.extract_tables()
                    pages += 1
        except Exception:  # what it makes of broken files is not measured
            continue
    return pages


class _Deaf:
    """A Tell that nobody listens to."""

    def __call__(self, done: int, total: int | None = None, **context: Any) -> None: ...

    def warn(self, notice: Notice) -> None: ...

    def events(self, told: Sequence[Any]) -> None: ...
