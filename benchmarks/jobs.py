"""One small document through the whole server: how long people wait for it, and for a cancel.

The clock runs from the last byte of the upload to the end of the job: every stage in its jail,
every event committed. A few bytes at a file's end make it another one each time, or it would be a
duplicate. Wall time: others who work on the machine make it longer.
"""

import asyncio
import io
import tempfile
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any

import pdfplumber
from PIL import Image

from app.reading.ocr import Ocr
from benchmarks.figures import Beside, Figure, median
from benchmarks.quality import SAMPLES
from benchmarks.served import Served, served, told

E_INVOICE, RECEIPT = "zugferd-corpus/python-factur-x.pdf", "textractor/receipt.jpg"
E_INVOICE_AIM_S, RECEIPT_AIM_S, START_AIM_MS, CANCEL_AIM_S = 0.3, 3.5, 50.0, 0.2

Told = list[tuple[float, dict[str, Any]]]


def run(*, quick: bool) -> list[Figure]:
    """Measure; --quick does each three times. Nothing where the samples are missing."""
    if not SAMPLES.is_dir():
        return []
    invoice, receipt = SAMPLES / E_INVOICE, SAMPLES / RECEIPT
    with tempfile.TemporaryDirectory(prefix="livetrail-bench-") as folder:
        invoices, receipts, cancels = asyncio.run(
            _measure(Path(folder), invoice, receipt, 3 if quick else 9)
        )
    words = _timed_s(lambda: _plumbed(invoice))
    ocr = Ocr()
    ocr.read(Image.open(receipt).convert("RGB"))  # its models are loaded
    bare = _timed_s(lambda: ocr.read(Image.open(receipt).convert("RGB")))
    return [
        _figure(
            "an e-invoice (PDF with XML), all stages",
            _ends_s(invoices),
            E_INVOICE_AIM_S,
            Beside(words, "pdfplumber, words and tables alone"),
        ),
        _figure(
            "a receipt's photo, all stages",
            _ends_s(receipts),
            RECEIPT_AIM_S,
            Beside(bare, "its OCR alone, engine warm"),
        ),
        _figure("a job's first step, after its upload", _starts_ms(invoices), START_AIM_MS),
        _figure("a cancel during OCR, until it is told", cancels, CANCEL_AIM_S),
    ]


def _figure(what: str, took: list[float], aim: float, *beside: Beside) -> Figure:
    unit = "ms" if aim == START_AIM_MS else "s"
    middle = median(took)
    return Figure("jobs", what, middle, unit, beside, f"at most {aim:g} {unit}", middle <= aim)


async def _measure(
    folder: Path, invoice: Path, receipt: Path, rounds: int
) -> tuple[list[Told], list[Told], list[float]]:
    async with served(folder) as server:
        await _through(server, invoice, 0)  # what the first job of a server loads is not measured
        invoices = [await _through(server, invoice, at + 1) for at in range(rounds)]
        receipts = [await _through(server, receipt, at) for at in range(rounds // 3 + 1)]
        cancels = [await _cancelled_s(server, receipt, -at - 1) for at in range(rounds)]
    return invoices, receipts, cancels


async def _through(server: Served, source: Path, number: int) -> Told:
    heard = [one async for one in told(server, *_another(source, number))]
    if heard[-1][1]["type"] != "processing_completed":
        raise RuntimeError(f"the plan failed: {heard[-1][1].get('error')}")
    return heard


async def _cancelled_s(server: Served, source: Path, number: int) -> float:
    """Cancel while its pages are read; return the seconds from then until that is told."""
    asked_s = 0.0
    async with aclosing(told(server, *_another(source, number))) as events:
        async for at_s, event in events:
            if (event["type"], event.get("step")) == ("step_started", "page_reading"):
                asked_s = at_s
                url = f"/api/v1/jobs/{event['job_id']}/cancel"
                async with server.client.post(url) as answer:
                    answer.raise_for_status()
            if event["type"] == "job_cancelled":
                return at_s - asked_s
    raise RuntimeError("the job ended before it was cancelled")


def _another(source: Path, number: int) -> tuple[io.BytesIO, str, str]:
    """Return the file's content, made another one by a comment at its end; its name and kind."""
    kind = "application/pdf" if source.suffix == ".pdf" else "image/jpeg"
    return io.BytesIO(source.read_bytes() + b"\n%%%d\n" % number), source.name, kind


def _ends_s(runs: list[Told]) -> list[float]:
    return [heard[-1][0] for heard in runs]


def _starts_ms(runs: list[Told]) -> list[float]:
    return [_start_ms([event for _, event in heard]) for heard in runs]


def _start_ms(events: list[dict[str, Any]]) -> float:
    """Return the time from the job's being there to its first step, by the log."""
    at = {event["type"]: event["timestamp"] for event in reversed(events) if "timestamp" in event}
    begun, made = (datetime.fromisoformat(at[name]) for name in ("step_started", "job_created"))
    return (begun - made).total_seconds() * 1000


def _timed_s(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _plumbed(path: Path) -> None:
    with pdfplumber.open(path) as document:
        for page in document.pages:
            page.extract_words()
            page.extract_tables()
