"""A page laid out: whatever stands on it, no word is lost, and none is there twice."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reading.margins import Margins
from app.reading.page import Word
from app.reading.pdf_marks import Marks
from app.reading.sources import Sheet
from app.reading.zones import Draft
from app.reading.zoning import in_order, lay_out

WIDTH, HEIGHT = 595.0, 842.0
TEXTS = ("Total:", "12.50", "1,299.00", "•", "1.", "Paper", "and", "Invoice", "No", "Date:", "7")


def line(x: float, y: float, texts: list[str], size: float = 10.0) -> list[Word]:
    """Return words beside each other, from `x` on."""
    words = []
    for text in texts:
        width = 0.5 * size * len(text)
        words.append(Word(x, y, x + width, y + size, text, size))
        x += width + 0.3 * size
    return words


def upwards(x: float, y: float, text: str) -> list[Word]:
    """Return a word that goes up the page."""
    return [Word(x, y, x + 10, y + 60, text, 10.0)]


def columns(y: float, lines: int) -> list[Word]:
    """Return prose in two columns; the second one begins half a line lower."""
    left = [line(40, y + 13 * n, ["many", "words", "of", "prose", "here"]) for n in range(lines)]
    right = [line(320, y + 7 + 13 * n, ["other", "words", "in", "it", "too"]) for n in range(lines)]
    return [word for one in (*left, *right) for word in one]


x, y = st.integers(20, 500), st.integers(10, 800)
texts = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6)
parts = st.one_of(
    st.builds(line, x, y, texts, st.sampled_from([8.0, 10.0, 18.0])),
    st.builds(upwards, x, y, st.sampled_from(["Sideways", "margin"])),
    st.builds(columns, y, st.integers(3, 6)),
    st.builds(  # a column of figures beside a column of names
        lambda x, y, rows: [
            word
            for n in range(rows)
            for at, text in ((0, f"Item{n}"), (120, "2"), (200, "12.50"))
            for word in line(x + at, y + 16 * n, [text])
        ],
        st.integers(20, 300), y, st.integers(2, 6),
    ),
)  # fmt: skip
grids = st.builds(
    lambda x, y: Marks(
        across=[(x, y + 20 * n, x + 240, y + 20 * n) for n in range(4)],
        down=[(x + 80 * n, y, x + 80 * n, y + 60) for n in range(4)],
    ),
    x, y,
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(parts, max_size=8), st.just(Marks()) | grids, st.sampled_from([0.0, 0.02]))
def test_every_word_is_in_one_line_and_in_one_zone(
    found: list[list[Word]], marks: Marks, slope: float
) -> None:
    words = [word for part in found for word in part]
    layout = lay_out(Sheet(1, WIDTH, HEIGHT, words, marks, "text", slope), Margins())
    lined = [id(word) for some in layout.lines for word in some]
    assert Counter(lined) == Counter(map(id, words))
    zoned = [text for draft in layout.drafts for text in draft.text.split()]
    assert Counter(zoned) == Counter(word.text for word in words)
    assert all(draft.box[0] <= draft.box[2] and draft.box[1] <= draft.box[3]
               for draft in layout.drafts)  # fmt: skip


def test_a_table_is_as_sure_as_its_words() -> None:
    marks = Marks(
        across=[(60, 100 + 20 * n, 220, 100 + 20 * n) for n in range(3)],
        down=[(60 + 80 * n, 100, 60 + 80 * n, 140) for n in range(3)],
    )
    words = [
        replace(word, confidence=0.5)
        for at in range(4)
        for word in line(64 + 80 * (at % 2), 104 + 20 * (at // 2), ["cell"])
    ]
    (table,) = lay_out(Sheet(1, WIDTH, HEIGHT, words, marks, "ocr"), Margins()).drafts
    assert (table.kind, table.confidence) == ("table", 0.5)


def test_columns_are_read_one_after_the_other() -> None:
    sheet = Sheet(1, WIDTH, HEIGHT, columns(200, 5), source="text")
    lines = [" ".join(word.text for word in some) for some in lay_out(sheet, Margins()).lines]
    assert lines == ["many words of prose here"] * 5 + ["other words in it too"] * 5


def test_a_word_that_goes_up_the_page_is_a_zone_of_its_own() -> None:
    words = [*line(60, 300, ["Plain", "text"]), *upwards(60, 280, "Sideways")]
    layout = lay_out(Sheet(1, WIDTH, HEIGHT, words, source="text"), Margins())
    assert sorted(draft.text for draft in layout.drafts) == ["Plain text", "Sideways"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_header_and_footer_stand_at_the_ends_wherever_they_are(order: tuple[int, ...]) -> None:
    drafts = [
        Draft("footer", (40, 20, 90, 30), "footer", tool="pdfium"),
        Draft("text", (40, 400, 90, 410), "text", tool="pdfium"),
        Draft("header", (40, 800, 90, 810), "header", tool="pdfium"),
    ]
    found = in_order([drafts[place] for place in order])
    assert [draft.kind for draft in found] == ["header", "text", "footer"]


def test_a_picture_behind_a_table_is_no_figure_beside_it() -> None:
    marks = Marks(
        across=[(60, 100 + 20 * n, 300, 100 + 20 * n) for n in range(4)],
        down=[(60 + 80 * n, 100, 60 + 80 * n, 160) for n in range(4)],
        pictures=[(60, 100, 300, 160), (60, 400, 300, 560)],
    )
    words = [
        word
        for row in range(3)
        for column in range(3)
        for word in line(64 + 80 * column, 104 + 20 * row, ["cell"])
    ]
    layout = lay_out(Sheet(1, WIDTH, HEIGHT, words, marks, "text"), Margins())
    figures = [draft.box for draft in layout.drafts if draft.kind == "figure"]
    assert [draft.kind for draft in layout.drafts] == ["table", "figure"]
    assert figures == [(60, 400, 300, 560)]
