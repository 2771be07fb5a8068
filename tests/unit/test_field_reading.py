"""Claims about the step that reads fields: what it takes in, tells and leaves."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.core.unreadable import DamagedFile
from app.reading.document_kind import find_kind
from app.reading.field_reading import read_fields
from app.reading.page import Page, load_pages
from app.reading.pages import read_pages
from app.reading.pictures import PICTURE, draw
from tests.layouts import page_of
from tests.pages import save_pages
from tests.readers import Heard, task_for
from tests.samples import sample


def read(path: Path, work_dir: Path, heard: Heard) -> dict[str, Any]:
    task = task_for(path, "pdf")
    task["work_dir"] = str(work_dir)
    task["found"]["document_kind"] = find_kind(task, Heard())
    read_pages(task, Heard())
    return read_fields(task, heard)


def read_xml(path: Path, work_dir: Path) -> dict[str, Any]:
    task = task_for(path)
    task["work_dir"] = str(work_dir)
    task["found"]["document_kind"] = find_kind(task, Heard())
    read_pages(task, Heard())
    return read_fields(task, Heard())


def read_page(page: Page, work_dir: Path, document_type: str) -> dict[str, Any]:
    save_pages(work_dir, iter([page]))
    (work_dir / "a.png").touch()
    task = task_for(work_dir / "a.png", "image")
    task["found"]["document_kind"] = {"document_type": document_type, "einvoice": None}
    return read_fields(task, Heard())


def test_xml_and_layout_each_answer_and_exact_values_get_their_place(tmp_path: Path) -> None:
    heard = Heard()
    path = sample("zugferd-corpus/MustangGnuaccountingBeispielRE-20170509_505.pdf")
    found = read(path, tmp_path, heard)
    assert list(found["readings"]) == ["xml", "layout"]
    xml, layout = (found["readings"][name]["fields"] for name in ("xml", "layout"))
    assert xml["total_amount"]["value"] == layout["total_amount"]["value"] == "571.04"
    assert (xml["total_amount"]["confidence"], xml["total_amount"]["page"]) == (1.0, 1)
    assert found["payable"] == "571.04"
    assert [event["model_name"] for event in heard.events_told] == ["xml", "layout"]


def test_a_damaged_e_invoice_leaves_the_layout_alone(tmp_path: Path) -> None:
    path = sample("zugferd-corpus/factur-x-invalid-xml-encoding-attribute.pdf")
    found = read(path, tmp_path, Heard())
    assert list(found["readings"]) == ["layout"]
    fields = found["readings"]["layout"]["fields"]
    assert fields["invoice_number"]["value"] == "RE-20190610/507"


def test_what_an_image_is_shows_once_it_is_read(tmp_path: Path) -> None:
    page = page_of("Receipt\nCash 5.00\nTotal 4.20\nChange due 0.80", source="ocr")
    assert read_page(page, tmp_path, "image")["document_type"] == "receipt"


def test_an_image_of_something_else_has_no_fields(tmp_path: Path) -> None:
    page = page_of("Earnings Statement\nGross pay 452.43\nNet pay 291.90\nDeductions 3.00")
    found = read_page(page, tmp_path, "image")
    assert (found["document_type"], found["readings"]) == ("payslip", {})


def test_an_image_without_text_has_absent_fields_only(tmp_path: Path) -> None:
    found = read_page(Page(1, 100.0, 100.0, "none"), tmp_path, "image")
    fields = found["readings"]["layout"]["fields"].values()
    assert {field["status"] for field in fields} == {"absent"}


@pytest.mark.parametrize("name", ["EN16931_Rabatte.cii.xml", "EN16931_Einfach.ubl.xml"])
def test_an_e_invoice_without_a_pdf_is_read_and_makes_a_page_of_its_own(
    tmp_path: Path, name: str
) -> None:
    path = sample(f"zugferd-corpus/{name}")
    assert task_for(path)["found"]["initializing_streaming"]["plan"] == "invoice"
    found = read_xml(path, tmp_path)
    assert list(found["readings"]) == ["xml"]
    number = found["readings"]["xml"]["fields"]["invoice_number"]
    assert (number["value"], number["page"]) == ("471102", 1)
    (page,) = load_pages(tmp_path)
    assert "Lieferant GmbH" in page.text
    assert all(word.x1 <= page.width and word.y1 <= page.height for word in page.lines[-1])


def test_an_e_invoice_that_is_cut_off_is_damaged(tmp_path: Path) -> None:
    xml = sample("zugferd-corpus/EN16931_Einfach.cii.xml").read_bytes()
    (tmp_path / "cut.xml").write_bytes(xml[: len(xml) // 2])
    with pytest.raises(DamagedFile):
        find_kind(task_for(tmp_path / "cut.xml"), Heard())


def test_the_page_of_an_e_invoice_is_drawn(tmp_path: Path) -> None:
    task = task_for(sample("zugferd-corpus/EN16931_Einfach.ubl.xml"))
    task["work_dir"] = str(tmp_path)
    task["options"] = {"page": 1, "turned": 0, "kind": "einvoice"}
    size = draw(task, Heard())
    with Image.open(tmp_path / PICTURE) as picture:
        assert picture.size == (size["width"], size["height"])
        assert picture.convert("L").getextrema() == (0, 255)  # black on white
