"""Pictures of documents: their words, however they lie, and what is refused."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from app.core.unreadable import DamagedFile, ImageTooLarge
from app.reading.ocr import Ocr
from app.reading.page import Page, load_pages
from app.reading.pages import read_pages
from tests.documents import Line, Picture, pdf_of
from tests.readers import Heard, task_for
from tests.samples import sample

TEXT = ("Corner Shop", "Invoice number 4711", "Thank you very much", "Total EUR 12.50")


class Looked(Exception):
    """The engine was about to look at a picture."""


def photo(lines: tuple[str, ...] = TEXT) -> Image.Image:
    """A white sheet with some lines of text."""
    image = Image.new("RGB", (700, 120 + 70 * len(lines)), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=36)
    for at, line in enumerate(lines):
        draw.text((60, 60 + 70 * at), line, fill="black", font=font)
    return image


def seen(folder: Path, image: Image.Image, name: str = "photo.png", **saving: object) -> Page:
    path = folder / name
    image.save(path, **saving)  # type: ignore[arg-type]
    read_pages(task_for(path, "image"), Heard())
    (page,) = load_pages(folder)
    return page


def lines_of(page: Page) -> list[str]:
    return page.text.splitlines()


def test_a_picture_gives_words_with_boxes_and_confidence(tmp_path: Path) -> None:
    page = seen(tmp_path, photo())
    assert lines_of(page) == list(TEXT)
    assert page.source == "ocr"
    assert max(page.width, page.height) == 842
    total = page.lines[3][0]
    assert (total.text, total.size > 10) == ("Total", True)
    scale = page.width / 700
    assert 50 * scale < total.x0 < 70 * scale
    assert 260 * scale < total.y0 < 300 * scale < total.y1 < 330 * scale
    assert all(0.5 <= word.confidence <= 1 for line in page.lines for word in line)
    assert {zone.tool for zone in page.zones} == {"rapidocr"}


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_picture_that_lies_on_its_side_is_turned(tmp_path: Path, quarters: int) -> None:
    page = seen(tmp_path, photo().rotate(90 * quarters, expand=True))
    assert lines_of(page) == list(TEXT)
    assert page.turned == quarters
    assert page.width > page.height


def test_a_photo_is_turned_as_the_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    page = seen(tmp_path, photo().rotate(90, expand=True), "photo.jpg", exif=exif, quality=95)
    assert (lines_of(page), page.turned) == (list(TEXT), 0)
    assert page.width > page.height


def test_lines_of_a_sheet_that_lies_askew_stay_together(tmp_path: Path) -> None:
    lines = tuple(f"Row {n}     and its amount {n}.50" for n in range(1, 6))
    page = seen(tmp_path, photo(lines).rotate(4, expand=True, fillcolor="white"))
    assert [line.split()[-1] for line in lines_of(page)] == [f"{n}.50" for n in range(1, 6)]


def test_a_page_of_a_pdf_without_text_is_looked_at(tmp_path: Path) -> None:
    path = pdf_of(
        tmp_path, [[Picture(photo(), 0, 0, 595, 340)], [Line(72, 100, "Written as text it is")]]
    )
    heard = Heard()
    found = read_pages(task_for(path, "pdf", max_ocr_pages=1), heard)
    assert found["sources"] == {"none": 1, "text": 1}  # less than half the page: a logo
    (tmp_path / "pages.ndjson").unlink()
    path = pdf_of(tmp_path, [[Picture(photo(), 0, 0, 595, 800)]] * 2)
    found = read_pages(task_for(path, "pdf", max_ocr_pages=1), heard)
    assert found["sources"] == {"ocr": 1, "none": 1}
    assert found["unreadable"] == [2]
    assert "OCR" in heard.facts("unreadable_pages")["reason"]
    first, second = load_pages(tmp_path)
    assert lines_of(first) == list(TEXT)
    assert (second.lines, second.problem is not None) == ([], True)
    started = [event for event in heard.events_told if event["kind"] == "page"]
    assert [(event["type"], event["page"]) for event in started] == [("zone_processing", 1)]


def test_a_tiff_has_as_many_pages_as_frames(tmp_path: Path) -> None:
    path = tmp_path / "scan.tiff"
    photo(("Page one",)).save(path, save_all=True, append_images=[photo(("Page two",))])
    read_pages(task_for(path, "image"), Heard())
    assert [page.text for page in load_pages(tmp_path)] == ["Page one", "Page two"]


def test_more_pixels_than_the_limit_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (30_000, 30_000)).save(path)
    with pytest.raises(ImageTooLarge, match="30,000 x 30,000 pixels; the limit is 50 m"):
        read_pages(task_for(path, "image"), Heard())


def test_a_picture_that_was_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    photo().save(path, quality=95)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    heard = Heard()
    read_pages(task_for(path, "image"), heard)
    assert heard.codes == ["damaged_image"]
    (page,) = load_pages(tmp_path)
    assert lines_of(page)[0] == TEXT[0]


def test_bytes_that_are_no_image_are_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(DamagedFile):
        read_pages(task_for(path, "image"), Heard())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_any_kind_of_pixels_is_read(tmp_path: Path, mode: str) -> None:
    image = photo(("Total EUR 12.50",))
    if mode == "I;16":
        deep = image.convert("L").point(lambda value: value * 16, "I").convert("I;16")
        assert lines_of(seen(tmp_path, deep)) == ["Total EUR 12.50"]
    else:
        name = "photo.tiff" if mode == "CMYK" else "photo.png"
        assert lines_of(seen(tmp_path, image.convert(mode), name)) == ["Total EUR 12.50"]


def test_an_empty_picture_is_a_page_without_text(tmp_path: Path) -> None:
    page = seen(tmp_path, Image.new("RGB", (300, 400), "white"))
    assert (page.source, page.lines, page.zones, page.problem) == ("none", [], [], None)


def test_a_receipt_is_read(tmp_path: Path) -> None:
    task = task_for(sample("textractor/receipt.jpg"), "image")
    task["work_dir"] = str(tmp_path)
    read_pages(task, Heard())
    (page,) = load_pages(tmp_path)
    assert "MEGA MARKET PLUS" in page.text


def test_nobody_is_told_how_pictures_are_read(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import app.reading.ocr"]
    environ = {"HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    subprocess.run(command, env=environ, check=True)
    assert list(tmp_path.iterdir()) == []  # what would be told is gathered there


@pytest.mark.parametrize("size", [(1, 20_000), (20_000, 3), (40, 9000), (2, 100), (1, 1)])
def test_a_picture_that_can_be_no_page_has_no_words(tmp_path: Path, size: tuple[int, int]) -> None:
    assert seen(tmp_path, Image.new("RGB", size, "white")).text == ""


def test_a_till_roll_is_read_where_it_is_printed(tmp_path: Path) -> None:
    amounts = [f"{n}.50" for n in range(10, 30)]
    image = Image.new(
        "RGB", (100, 1200), "white"
    )  # the engine would make it as large as nine pages
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=24)
    for at, amount in enumerate(amounts):
        draw.text((4, 8 + 60 * at), amount, fill="black", font=font)
    page = seen(tmp_path, image)
    assert lines_of(page) == amounts
    assert all(0 <= word.x0 < word.x1 <= page.width for line in page.lines for word in line)


def test_the_engine_is_given_nothing_that_it_would_blow_up(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Ocr()
    # Imported here: what it tells of its use is turned off by ours, which comes first.
    preprocess_class = importlib.import_module("rapidocr.ch_ppocr_det.utils").DetPreProcess
    shapes = []

    def looked_at(preprocess: object, image: np.ndarray) -> None:
        shapes.append(real(preprocess, image).shape)
        raise Looked

    real = preprocess_class.resize
    monkeypatch.setattr(preprocess_class, "resize", looked_at)
    for size in [(2, 100), (100, 2), (40, 2000), (2000, 40), (300, 2400), (2000, 2000)]:
        with pytest.raises(Looked):
            engine.read(Image.new("RGB", size, "white"))
    assert max(height * width for height, width, _ in shapes) < 5_000_000, shapes
