"""Claims about how a table's delimiter and quotes are found."""

from pathlib import Path

import pytest

from app.reading.dialect import detect_dialect, rows_of, sample_lines
from app.reading.encoding import detect_encoding
from tests.samples import sample

# Measured: delimiter right for 75 of 80 files, quote for 80 of 80.
LEAST_DELIMITERS = 0.92
LEAST_QUOTES = 0.97
NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "vslash": "|", "nsign": "#"}
QUOTES = {"doublequote": '"', "singlequote": "'"}


def lines_of(path: Path) -> list[str]:
    data = path.read_bytes()[: 1024 * 1024]
    encoding = detect_encoding(data)
    text = data[encoding.bom :].decode(encoding.name, "replace")
    return sample_lines(text, whole=path.stat().st_size == len(data))


def test_the_dialects_of_annotated_files_are_found() -> None:
    folder = sample("csvsniffer/dialects")
    told = [
        line.split("|") for line in sample("csvsniffer/dialects.psv").read_text().splitlines()[1:]
    ]
    found = [detect_dialect(lines_of(folder / row[0])) for row in told]
    delimiters = [
        dialect.delimiter == NAMES[row[2]] for dialect, row in zip(found, told, strict=True)
    ]
    quotes = [dialect.quote == QUOTES[row[3]] for dialect, row in zip(found, told, strict=True)]
    assert sum(delimiters) / len(told) >= LEAST_DELIMITERS
    assert sum(quotes) / len(told) >= LEAST_QUOTES


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["2026-01-02;1,50;2,50", "2026-01-03;3,50;4,50"], ";"),
        (["a\tb,c\t1", "d\te,f\t2"], "\t"),
        (["01.02.2026|Shop, Berlin|-3,20", "02.02.2026|Bar, Köln|-5,00"], "|"),
        (["Date,Time,Amount", "2026-01-02,10:30:11,5"], ","),
        (['"a;b","1"', '"c;d","2"'], ","),
    ],
)
def test_characters_inside_cells_do_not_set_cells_apart(lines: list[str], delimiter: str) -> None:
    assert detect_dialect(lines).delimiter == delimiter


def test_backslashes_before_quotes_are_escapes() -> None:
    lines = [r'1,"a \"b\" c",2', r'3,"d \"e\" f",4']
    dialect = detect_dialect(lines)
    assert dialect.escape == "\\"
    assert next(iter(rows_of(lines, dialect))) == ["1", 'a "b" c', "2"]


def test_one_column_has_no_dialect_but_a_default() -> None:
    dialect = detect_dialect(["name", "Anna", "Bert"])
    assert (dialect.delimiter, dialect.score) == (",", 0.0)


def test_a_line_of_blanks_is_not_looked_at_again_and_again() -> None:
    assert detect_dialect([" " * 200_000 + "x", 'a "b"']).delimiter in ", "
