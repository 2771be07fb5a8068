"""What stands on a page: tables, pairs, headings, lists, margins, and the order of reading."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from app.reading.page import Page, Zone, load_pages
from app.reading.pages import read_pages
from tests.documents import Line, Mark, Picture, Rule, grid, pdf_of
from tests.readers import Heard, task_for


def pages(folder: Path, *marks: Sequence[Mark]) -> list[Page]:
    read_pages(task_for(pdf_of(folder, marks), "pdf"), Heard())
    return list(load_pages(folder))


def zones(folder: Path, *marks: Mark) -> list[Zone]:
    (page,) = pages(folder, marks)
    return page.zones


def rows(zone: Zone) -> list[list[str]]:
    assert zone.data is not None
    found: list[list[str]] = zone.data["rows"]
    return found


def table_at(x: Sequence[float], y: float, cells: Sequence[Sequence[str]]) -> list[Line]:
    return [
        Line(left, y + 16 * at, text)
        for at, row in enumerate(cells)
        for left, text in zip(x, row, strict=True)
        if text
    ]


CELLS = [["Item", "Count", "Price"], ["Paper", "2", "4.00"], ["Pens", "10", "12.50"]]


def test_a_ruled_table_has_the_words_of_each_cell(tmp_path: Path) -> None:
    words = table_at((74, 204, 304), 112, CELLS)
    (zone,) = zones(tmp_path, *grid((70, 200, 300, 400), (100, 116, 132, 148)), *words)
    assert (zone.kind, zone.tool, rows(zone)) == ("table", "rulings", CELLS)
    assert zone.bbox == pytest.approx((70, 100, 400, 148), abs=0.5)


def test_a_wide_cell_stands_where_it_begins(tmp_path: Path) -> None:
    lines = [rule for rule in grid((70, 200, 300), (100, 116, 132)) if rule.x0 != 200]
    lines.append(Rule(200, 116, 200, 132))  # the first row is one cell
    words = table_at((74, 204), 112, [["All of it", ""], ["a", "b"]])
    (zone,) = zones(tmp_path, *lines, *words)
    assert rows(zone) == [["All of it", ""], ["a", "b"]]


def test_text_that_runs_into_the_next_cell_is_parted_there(tmp_path: Path) -> None:
    words = [
        Line(74, 112, "Elizabethville"),
        Line(110, 112, "2165"),
        *table_at((74, 114), 128, ["ab"]),
    ]
    (zone,) = zones(tmp_path, *grid((70, 109, 300), (100, 116, 132)), *words)
    assert rows(zone)[0][1].endswith("2165")
    assert not rows(zone)[0][0].endswith("2165")


def test_columns_without_rulings_are_a_table(tmp_path: Path) -> None:
    words = table_at((74, 204, 304), 112, [*CELLS, ["Stamps", "", "3.00"]])
    (zone,) = zones(tmp_path, *words)
    assert (zone.kind, zone.tool) == ("table", "alignment")
    assert rows(zone) == [*CELLS, ["Stamps", "", "3.00"]]
    assert zone.confidence < 1


def test_further_lines_of_a_cell_belong_to_its_row(tmp_path: Path) -> None:
    cells = [["Item", "Count", "Price"], ["Paper,", "2", "4.00"], ["white", "", ""]]
    words = table_at((74, 204, 304), 112, [*cells, ["Pens", "10", "12.50"]])
    (zone,) = zones(tmp_path, *words)
    assert rows(zone)[1] == ["Paper,\nwhite", "2", "4.00"]


def test_tables_side_by_side_are_two(tmp_path: Path) -> None:
    numbers = [[str(100 * column + n) for column in range(6)] for n in range(5)]
    left, right = zones(tmp_path, *table_at((70, 110, 150, 300, 340, 380), 100, numbers))
    assert rows(left) == [row[:3] for row in numbers]
    assert rows(right) == [row[3:] for row in numbers]


TEXT = "words of a long sentence that goes on and on"


def test_columns_of_prose_are_read_one_after_another(tmp_path: Path) -> None:
    left = [Line(60, 100 + 14 * n, f"left {n} {TEXT}", size=9) for n in range(6)]
    right = [Line(320, 100 + 14 * n, f"right {n} {TEXT}", size=9) for n in range(6)]
    (page,) = pages(tmp_path, [*left, *right])
    assert [line.split()[:2] for line in page.text.splitlines()] == [
        *(["left", str(n)] for n in range(6)),
        *(["right", str(n)] for n in range(6)),
    ]
    assert [zone.kind for zone in page.zones] == ["text", "text"]


def test_a_label_and_what_stands_far_on_its_right_stay_on_one_line(tmp_path: Path) -> None:
    (page,) = pages(tmp_path, [Line(60, 100, "Total due"), Line(450, 100, "12.50")])
    assert page.text == "Total due 12.50"
    (zone,) = page.zones
    assert (zone.kind, zone.data) == ("key_value", {"key": "Total due", "value": "12.50"})


def test_headings_are_larger_or_bold(tmp_path: Path) -> None:
    found = zones(
        tmp_path,
        Line(60, 100, "A large heading", size=16),
        *(Line(60, 140 + 13 * n, TEXT) for n in range(4)),
        Line(60, 220, "A bold heading", bold=True),
        *(Line(60, 240 + 13 * n, TEXT) for n in range(4)),
    )
    assert [zone.kind for zone in found] == ["heading", "text", "heading", "text"]


def test_lines_with_marks_in_front_are_a_list(tmp_path: Path) -> None:
    found = zones(tmp_path, *(Line(60, 100 + 13 * n, f"{n}. point of the list") for n in (1, 2, 3)))
    assert [zone.kind for zone in found] == ["list"]


def test_what_returns_on_every_page_is_its_header_and_footer(tmp_path: Path) -> None:
    def page(number: int) -> list[Mark]:
        return [
            Line(60, 40, f"Report {2020 + number} of the company"),
            *(Line(60, 300 + 13 * n, f"{TEXT} {number} {n}") for n in range(3)),
            Line(280, 820, f"{number} / 3"),
        ]

    for one in pages(tmp_path, page(1), page(2), page(3)):
        assert [zone.kind for zone in one.zones] == ["header", "text", "footer"]


def test_the_head_of_a_letter_is_no_header(tmp_path: Path) -> None:
    found = zones(tmp_path, Line(60, 40, "Muster GmbH in Berlin"), Line(60, 300, TEXT))
    assert [zone.kind for zone in found] == ["text", "text"]


def test_a_picture_is_a_figure(tmp_path: Path) -> None:
    image = Image.effect_noise((40, 40), 60)
    found = zones(tmp_path, Line(60, 100, TEXT), Picture(image, 60, 200, 260, 400))
    assert [(zone.kind, zone.tool) for zone in found] == [("text", "pdfium"), ("figure", "pdfium")]
    assert found[1].bbox == pytest.approx((60, 200, 260, 400), abs=1)


def test_a_frame_around_a_page_is_no_table(tmp_path: Path) -> None:
    found = zones(tmp_path, *grid((20, 570), (20, 820)), Line(60, 100, TEXT), Line(60, 300, TEXT))
    assert {zone.kind for zone in found} == {"text"}


def test_a_page_that_means_nothing_is_read_in_bounds(tmp_path: Path) -> None:
    """Thousands of words and edges all over the page: what takes long is given up on."""
    luck = random.Random(1)
    words = [
        Line(luck.uniform(0, 560), luck.uniform(20, 820), luck.choice(["abc", "12.50", "Total:"]))
        for _ in range(2000)
    ]
    across = [Rule(0, y, 590, y) for y in (luck.uniform(0, 840) for _ in range(3000))]
    down = [Rule(x, 0, x, 840) for x in (luck.uniform(0, 590) for _ in range(3000))]
    leaning = [Rule(*(luck.uniform(0, 590) for _ in range(4))) for _ in range(3000)]
    (page,) = pages(tmp_path, [*words, *across, *down, *leaning])
    assert sum(map(len, page.lines)) > 1900
    assert len({zone.id for zone in page.zones}) == len(page.zones)
