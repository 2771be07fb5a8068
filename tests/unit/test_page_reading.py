"""Pages of PDFs: what is read, told, kept and resumed."""

from pathlib import Path

import pytest

from app.core.asking import Asking
from app.core.unreadable import DamagedFile
from app.reading.page import PageLog, load_pages
from app.reading.pages import read_pages
from tests.documents import Line, pdf_of
from tests.readers import Heard, task_for
from tests.samples import sample


def test_words_stand_where_the_page_shows_them(tmp_path: Path) -> None:
    path = pdf_of(tmp_path, [[Line(72, 100, "Invoice number 4711", size=12)]])
    read_pages(task_for(path, "pdf"), Heard())
    (page,) = load_pages(tmp_path)
    (line,) = page.lines
    assert [word.text for word in line] == ["Invoice", "number", "4711"]
    assert (page.width, page.height, page.source) == (595, 842, "text")
    assert 71 < line[0].x0 < 74
    assert line[0].y0 < 100 < line[0].y1 < 105  # the letters stand on the line at 100


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_turned_page_is_read_as_it_is_shown(tmp_path: Path, turned: int) -> None:
    path = pdf_of(tmp_path, [[Line(300, 300, "One two"), Line(300, 330, "three")]], turned=turned)
    read_pages(task_for(path, "pdf"), Heard())
    (page,) = load_pages(tmp_path)
    assert (page.width, page.height) == ((842, 595) if turned % 180 else (595, 842))
    words = [word for line in page.lines for word in line]
    assert {word.text for word in words} == {"One", "two", "three"}
    assert all(0 <= word.x0 < word.x1 <= page.width for word in words)
    assert all(0 <= word.y0 < word.y1 <= page.height for word in words)


def test_every_zone_is_told_when_it_begins_and_when_it_is_read(tmp_path: Path) -> None:
    path = pdf_of(tmp_path, [[Line(72, 100, "Total: 12.50")], [Line(72, 100, "Page two")]])
    heard = Heard()
    found = read_pages(task_for(path, "pdf"), heard)
    zones = [zone for page in load_pages(tmp_path) for zone in page.zones]
    told = [(event["type"], event["zone_id"]) for event in heard.events_told]
    assert told == [
        (kind, zone.id) for zone in zones for kind in ("zone_processing", "zone_completed")
    ]
    assert [zone.index for zone in zones] == list(range(found["zones"]))
    assert zones[0].data == {"key": "Total", "value": "12.50"}
    assert heard.events_told[-1]["zones_total"] == found["zones"]


def test_a_step_that_was_broken_off_goes_on_after_its_last_whole_page(tmp_path: Path) -> None:
    path = pdf_of(tmp_path, [[Line(72, 100, f"Page {number}")] for number in range(1, 5)])
    task = task_for(path, "pdf")
    whole = read_pages(task, Heard())
    pages = (tmp_path / "pages.ndjson").read_bytes().splitlines(keepends=True)
    (tmp_path / "pages.ndjson").unlink()
    (tmp_path / "pages.part").write_bytes(pages[0] + pages[1] + pages[2][:40])
    heard = Heard()
    assert read_pages(task, heard) == whole
    assert {event["page"] for event in heard.events_told} == {1, 2, 3, 4}, "nobody may have heard"
    texts = [page.text for page in load_pages(tmp_path)]
    assert texts == ["Page 1", "Page 2", "Page 3", "Page 4"]


def test_pages_beyond_the_limit_are_left_out_and_named(tmp_path: Path) -> None:
    path = pdf_of(tmp_path, [[Line(72, 100, "Text")]] * 4)
    heard = Heard()
    assert read_pages(task_for(path, "pdf", max_pages=3), heard)["pages"] == 3
    assert heard.facts("pages_left_out") == {"pages": 4, "limit": 3}


def test_bytes_that_are_no_pdf_are_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7\nnothing that follows makes sense")
    with pytest.raises(DamagedFile):
        read_pages(task_for(path, "pdf"), Heard())


def test_a_locked_pdf_is_asked_for_its_password_three_times_at_most(tmp_path: Path) -> None:
    task = task_for(sample("pdfplumber/password-example.pdf"), "pdf")
    task["work_dir"] = str(tmp_path)
    for key in ("password", "password:2", "password:3"):
        with pytest.raises(Asking) as asked:
            read_pages(task, Heard())
        (question,) = asked.value.questions
        assert (question.key, question.kind) == (key, "password")
        task["answers"][key] = "not this one"
    with pytest.raises(Exception, match="locked with a password"):
        read_pages(task, Heard())
    task["answers"]["password:3"] = "test"
    assert read_pages(task, Heard())["pages"] == 4


def test_a_page_log_forgets_nothing_that_was_added(tmp_path: Path) -> None:
    path = pdf_of(tmp_path, [[Line(72, 100, "Text")]])
    read_pages(task_for(path, "pdf"), Heard())
    (page,) = load_pages(tmp_path)
    log = PageLog(tmp_path)
    log.add(page)
    log.close()
    again = PageLog(tmp_path)
    assert (again.kept, list(again.pages())) == (1, [page])
    again.close()
