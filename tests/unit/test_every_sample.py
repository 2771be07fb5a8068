"""Every file that others wrote has a stated result; those that are broken have this one."""

from pathlib import Path
from typing import Any

import pytest

from app.core.asking import Asking
from app.core.errors import AppError
from app.reading.extract import extract
from app.reading.fields import detect_fields
from app.reading.magic import READABLE
from app.reading.scan import scan
from tests.readers import Heard, task_for
from tests.samples import ROOT, sample


def outcome(path: Path, folder: Path) -> tuple[Any, ...]:
    """Return (code) of a refusal, ("asks"), (plan) of no table, or (kind, rows, set aside)."""
    try:
        task = task_for(path)
        kind = task["found"]["initializing_streaming"]
        task["work_dir"] = str(folder)
        scan(task, Heard())
        if kind["plan"] != "transactions":
            return (kind["plan"],)
        task["found"]["field_detection"] = detect_fields(task, Heard())
        found = extract(task, Heard())
    except Asking:
        return ("asks",)
    except AppError as refused:
        sentences = refused.body()
        assert "?" not in sentences["title"] + sentences["detail"] + sentences["hint"]
        return (refused.code,)
    return kind["kind"], found["rows"], found["rejected"]


BROKEN: dict[str, tuple[Any, ...]] = {
    "beanhub-extract/empty.csv": ("empty_file",),
    "calamine/issue252.xlsx": ("damaged_file",),
    "calamine/pass_protected.ods": ("password_protected",),
    "calamine/pass_protected.xlsx": ("asks",),
    "calamine/too_small.xls": ("disguised_file",),
    "csvkit/bad.csv": ("csv", 1, 2),
    "csvkit/empty.csv": ("empty_file",),
    "csvkit/null_byte.csv": ("csv", 1, 0),
    "frictionless/ascii-notvalid.csv": ("csv", 1, 0),
    "frictionless/blank-headers.csv": ("csv", 2, 0),
    "frictionless/blank-rows.csv": ("csv", 2, 0),
    "frictionless/defective-rows.csv": ("csv", 2, 0),
    "frictionless/duplicate-headers.csv": ("csv", 2, 0),
    "frictionless/encoding-issue-274.csv": ("csv", 507, 0),
    "mt940/amount_formats.sta": ("no_transactions",),
    "mt940/sepa_snippet_broken.sta": ("mt940", 1, 0),
    "ofxparse/bank_small.ofx": ("no_transactions",),
    "ofxparse/date_missing.ofx": ("ofx", 0, 3),
    "ofxparse/decimal_error.ofx": ("ofx", 0, 1),
    "ofxparse/multiple_accounts.ofx": ("no_transactions",),
    "ofxparse/ofx-v102-empty-tags.ofx": ("ofx", 1, 0),
    "ofxparse/signon_fail.ofx": ("bank_refused",),
    "pdfplumber/empty.pdf": ("empty_file",),
    "qpdf/bad1.pdf": ("disguised_file",),
}


@pytest.mark.parametrize(("name", "expected"), BROKEN.items())
def test_a_broken_file_has_its_result(tmp_path: Path, name: str, expected: tuple[Any, ...]) -> None:
    assert outcome(sample(name), tmp_path) == expected


FOLDERS = (
    *("bank2ynab", "beanhub-extract", "calamine", "csv-spectrum", "csvkit", "csvsniffer"),
    *("frictionless", "mt940", "ofxparse", "qpdf", "tabula-java", "zugferd-corpus"),
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_has_a_stated_result(tmp_path: Path, folder: str) -> None:
    files = sorted(path for path in sample(folder).rglob("*") if path.is_file())
    assert files
    for path in files:
        found = outcome(path, tmp_path)
        name = path.relative_to(ROOT)
        if len(found) == 3:
            assert found[0] in READABLE, name
            assert found[1] + found[2] > 0, name
        else:
            assert found[0] in ("asks", "document", "invoice", *AppError.by_code), name
