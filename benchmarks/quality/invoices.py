"""Invoices and receipts: fields without the e-invoice, e-invoices, kinds, and how sure is right.

The samples are few, and whoever wrote the rules has seen them all: the shares show what got worse,
rather than what to expect of other people's invoices. Rules are changed for the first half alone.
"""

import hashlib
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.asking import Asking
from app.core.documents import FIELDS, FieldValue
from app.core.errors import AppError
from app.core.field_values import same
from app.core.reading import Task
from app.reading.attachments import embedded_einvoice
from app.reading.document_kind import find_kind
from app.reading.einvoice import NotAnEInvoice
from app.reading.evidence import find
from app.reading.field_reading import read_fields
from app.reading.page import load_pages
from app.reading.pages import read_pages
from app.reading.pdf import open_pdf
from benchmarks.quality.scores import Score
from benchmarks.quality.truth import Sample, samples
from tests.readers import Heard, task_for

MAIN = {"invoice_number": 0.75, "invoice_date": 0.80, "total_amount": 0.85}
EXPECTED_S = 0.3  # of an e-invoice
SURE = ((0.9, 1.01), (0.75, 0.9), (0.0, 0.75))
OTHERS = ("pdfplumber", "tabula-java")  # folders without an invoice
PICTURES = (".png", ".jpg")


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of one sample by its pages alone."""

    sample: Sample
    fields: dict[str, FieldValue]

    @property
    def second_half(self) -> bool:
        """Whether the sample is of the half that rules are not to be changed for."""
        return hashlib.sha256(self.sample.name.encode()).digest()[0] % 2 == 1


def measure(root: Path, *, quick: bool) -> Iterator[Score]:
    """Yield every figure about invoices and receipts."""
    known = [*samples(root), *_with_xml(root)]
    if quick:
        known = [sample for sample in known if not sample.name.endswith(PICTURES)]
    reads = [_read(root, sample) for sample in known]
    invoices = [read for read in reads if not read.sample.receipt]
    for name in FIELDS:
        yield _share(f"invoices, XML removed: {name}", invoices, name, MAIN.get(name))
    for half, text in ((False, "first half"), (True, "second half")):
        some = [read for read in invoices if read.second_half is half]
        for name, aim in MAIN.items():
            yield _share(f"invoices, {text}: {name}", some, name, aim)
    receipts = [read for read in reads if read.sample.receipt]
    for name in ("invoice_date", "total_amount", "vendor_name") if receipts else ():
        yield _share(f"receipts: {name}", receipts, name, 0.9 if name in MAIN else None)
    yield from _sureness(reads)
    yield from _einvoices(root)
    yield from _kinds(root, known)


def _share(what: str, reads: Sequence[Read], name: str, aim: float | None) -> Score:
    score = Score(what, aim)
    for read in reads:
        wanted = read.sample.values.get(name)
        if wanted is not None:
            found = read.fields[name]["value"]
            right = found is not None and same(name, found, wanted)
            score.count(right, f"{read.sample.name}: {found or 'nothing'} instead of {wanted}")
    return score


def _sureness(reads: Sequence[Read]) -> Iterator[Score]:
    """Yield how often values of each confidence are right: it should be about as much."""
    for least, below in SURE:
        score = Score(f"values read with a confidence of {least} to {min(below, 1.0):g}")
        for read in reads:
            for name, field in read.fields.items():
                wanted, value = read.sample.values.get(name), field["value"]
                if wanted and value and least <= field["confidence"] < below:
                    told = f"{read.sample.name} {name}: {value} at {field['confidence']}"
                    score.count(same(name, value, wanted), f"{told}, wanted {wanted}")
        yield score


def _einvoices(root: Path) -> Iterator[Score]:
    """Yield whether e-invoices are read exactly, held against their XML as text, and how fast."""
    exact = Score("e-invoices: fields as in the XML", 1.0)
    quick = Score(f"e-invoices: kind and exact fields within {EXPECTED_S:g} s", 1.0)
    for path in _pdfs(root, "zugferd-corpus"):
        task = task_for(path, "pdf")
        with tempfile.TemporaryDirectory() as folder:
            task["work_dir"] = folder
            read_pages(task, Heard())
            began_s = time.perf_counter()
            task["found"]["document_kind"] = find_kind(task, Heard())
            found = read_fields(task, Heard())
            took_s = time.perf_counter() - began_s
        if "xml" not in found["readings"]:
            continue
        quick.count(took_s <= EXPECTED_S, f"{path.name}: {took_s:.2f} s")
        fields = found["readings"]["xml"]["fields"]
        for name, wanted in _plainly(_xml(path)).items():
            value = fields[name]["value"]
            right = value is not None and same(name, value, wanted)
            exact.count(right, f"{path.name} {name}: {value} instead of {wanted}")
    yield exact
    yield quick


def _plainly(xml: str) -> dict[str, str]:
    """Return fields of CII by looking for their elements alone, without the reader's code."""
    patterns = {
        "invoice_number": r"ExchangedDocument>.*?<ram:ID>\s*(.*?)\s*<",
        "invoice_date": r"<ram:IssueDateTime>.*?format=.102.*?>\s*(\d{8})",
        "vendor_name": r"<ram:SellerTradeParty>.*?<ram:Name>\s*(.*?)\s*<",
        "currency": r"<ram:InvoiceCurrencyCode>\s*(\w+)",
        "net_amount": r"<ram:TaxBasisTotalAmount[^>]*>\s*([-\d.]+)",
        "tax_amount": r"<ram:TaxTotalAmount[^>]*>\s*([-\d.]+)",
        "total_amount": r"<ram:GrandTotalAmount[^>]*>\s*([-\d.]+)",
        "iban": r"<ram:IBANID>\s*([\w ]+?)\s*<",
        "vendor_vat_id": r"<ram:SellerTradeParty>.*?schemeID=.VA.>\s*(\w+)",
    }
    found = {}
    for name, pattern in patterns.items():
        if match := re.search(pattern, xml, re.S):
            value = match[1].replace(" ", "") if name == "iban" else match[1]
            found[name] = f"{value[:4]}-{value[4:6]}-{value[6:]}" if "date" in name else value
    return found


def _kinds(root: Path, known: Sequence[Sample]) -> Iterator[Score]:
    """Yield whether invoices are told from other documents."""
    score = Score("PDFs: invoice or another document")
    invoices = [sample.name for sample in known if sample.name.endswith(".pdf")]
    others = [str(path.relative_to(root)) for name in OTHERS for path in _pdfs(root, name)]
    for name in [*invoices, *others]:
        task = task_for(root / name, "pdf")
        try:
            plan = find_kind(task, Heard())["plan"]
        except (AppError, Asking):
            continue  # it can not be opened
        wanted = "invoice" if name in invoices else "document"
        score.count(plan == wanted, f"{name}: {plan}")
    yield score


def _with_xml(root: Path) -> list[Sample]:
    """Return the samples whose e-invoice is the truth, as far as their pages show its values."""
    found = []
    for path in _pdfs(root, "zugferd-corpus"):
        task = task_for(path, "pdf")
        with open_pdf(task) as pdf, tempfile.TemporaryDirectory() as folder:
            try:
                einvoice = embedded_einvoice(pdf.document)
            except NotAnEInvoice:
                continue
            if einvoice is None:
                continue
            task["work_dir"] = folder
            read_pages(task, Heard())
            pages = list(load_pages(folder))
        fields = einvoice.reading["fields"].items()
        told = {name: value for name, field in fields if (value := field["value"])}
        shown = {name: value for name, value in told.items() if find(name, value, pages)}
        found.append(Sample(str(path.relative_to(root)), shown))
    return found


def _read(root: Path, sample: Sample) -> Read:
    """Read a sample's pages as the steps do, its e-invoice left out."""
    task: Task = task_for(root / sample.name)
    with tempfile.TemporaryDirectory() as folder:
        task["work_dir"] = folder
        kind = find_kind(task, Heard())
        task["found"]["document_kind"] = {**kind, "einvoice": None}
        read_pages(task, Heard())
        layout = read_fields(task, Heard())["readings"].get("layout")
    empty = FieldValue(value=None, confidence=0.0, source="", page=None, bbox=None, status="absent")
    return Read(sample, layout["fields"] if layout else dict.fromkeys(FIELDS, empty))


def _xml(path: Path) -> str:
    with open_pdf(task_for(path, "pdf")) as pdf:
        document = pdf.document
        for index in range(document.count_attachments()):
            attachment = document.get_attachment(index)
            if attachment.get_name().lower().endswith(".xml"):
                return bytes(attachment.get_data()).decode("utf-8", "replace")
    return ""


def _pdfs(root: Path, folder: str) -> list[Path]:
    return sorted((root / folder).glob("*.pdf"))
