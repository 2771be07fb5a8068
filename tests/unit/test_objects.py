"""Claims about JSON and JSON lines: objects as rows."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import AppError
from app.core.unreadable import DamagedFile, LineTooLong, NotATable
from app.reading.fields import detect_fields
from app.reading.statements.objects import cell_text
from app.reading.tables import TableShape, detect_shape, read_rows
from tests.readers import LIMITS, Heard, task_for
from tests.samples import sample


def table_in(folder: Path, text: str | bytes, kind: str = "json") -> list[list[str]]:
    """Return the names of the columns, and all rows."""
    path = folder / "file"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    shape, _ = detect_shape(task_for(path, kind), Heard())
    again = TableShape.from_json(json.loads(json.dumps(shape.to_json())))
    return [list(shape.header), *(row for c in read_rows(path, again, LIMITS) for row in c.rows)]


def test_objects_are_rows_and_every_name_is_a_column(tmp_path: Path) -> None:
    text = '[{"date": "2026-01-02", "amount": -3.2}, {"amount": 5, "note": null, "ok": true}]'
    assert table_in(tmp_path, text) == [
        ["date", "amount", "note", "ok"],
        ["2026-01-02", "-3.2", "", ""],
        ["", "5", "", "true"],
    ]


def test_one_level_of_objects_becomes_columns_and_deeper_ones_stay_json(tmp_path: Path) -> None:
    text = '[{"id": 1, "card": {"last4": "42", "owner": {"name": "Ann"}}, "tags": ["a", "b"]}]'
    assert table_in(tmp_path, text) == [
        ["id", "card.last4", "card.owner", "tags"],
        ["1", "42", '{"name":"Ann"}', '["a","b"]'],
    ]


@pytest.mark.parametrize(
    "text",
    ['{"transactions": [{"a": 1}, {"a": 2}]}', '{"data": {"items": [{"a": 1}, {"a": 2}]}, "n": 2}',
     '{"errors": [{"b": 1}], "rows": [{"a": 1}, {"a": 2}]}'],
)  # fmt: skip
def test_the_longest_list_inside_an_object_is_the_table(tmp_path: Path, text: str) -> None:
    assert table_in(tmp_path, text) == [["a"], ["1"], ["2"]]


def test_json_lines_are_rows_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "file.ndjson"
    path.write_text('{"a": 1}\n\n{"a": 2, "b": "x"}\n')
    shape, rows = detect_shape(task_for(path), Heard())
    assert (shape.header, rows) == (("a", "b"), [["1", ""], ["2", "x"]])
    assert [list(c.lines) for c in read_rows(path, shape, LIMITS)] == [[1, 3]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_windows_writes_before_the_text_is_no_matter(tmp_path: Path, encoding: str) -> None:
    assert table_in(tmp_path, '[{"a": "é"}]'.encode(encoding)) == [["a"], ["é"]]


@pytest.mark.parametrize("text", ["[]", "[1, 2]", "{}", '{"a": 1}', '"text"', "[[1], [2]]", "null"])
def test_json_without_a_list_of_objects_is_no_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotATable):
        table_in(tmp_path, text)


@pytest.mark.parametrize(("text", "kind"), [('[{"a": 1', "json"), ('{"a": 1}\n{"a"\n', "ndjson"),
                                            ("[" * 100_000, "json")])  # fmt: skip
def test_json_that_is_cut_or_nests_without_end_is_damaged(
    tmp_path: Path, text: str, kind: str
) -> None:
    with pytest.raises(DamagedFile):
        table_in(tmp_path, text, kind)


def test_an_endless_line_is_refused_with_its_number(tmp_path: Path) -> None:
    with pytest.raises(LineTooLong) as caught:
        table_in(tmp_path, '{"a": 1}\n{"a": "' + "x" * LIMITS["max_line_bytes"] + '"}', "ndjson")
    assert caught.value.facts["line"] == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.234, "1.2340"), (12.0, "12"), (-3.2, "-3.2"), (1234, "1234"), (False, "false"), ([], ""),
     (1e-7, "1e-07"), ("a\nb", "a\nb")],
)  # fmt: skip
def test_values_become_cells_that_say_the_same(value: Any, text: str) -> None:
    assert cell_text(value) == text


def test_transactions_in_json_are_found_by_their_names(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    rows = [{"date": f"2026-01-{n:02}", "amount": n / 2, "merchant": {"name": "Shop"}}
            for n in range(1, 20)]  # fmt: skip
    path.write_text(json.dumps({"transactions": rows}))
    heard = Heard()
    found = detect_fields(task_for(path), heard)
    roles = {column["name"]: column["role"] for column in found["columns"]}
    assert (found["has_amounts"], heard.codes) == (True, [])
    assert (roles["date"], roles["amount"]) == ("date", "amount")
    assert roles["merchant.name"] == "counterparty"


@pytest.mark.parametrize("name", ["comma_in_quotes", "json", "newlines", "quotes_and_newlines"])
def test_real_json_reads_like_the_table_it_came_from(name: str) -> None:
    as_json = sample(f"csv-spectrum/{name}.json")
    as_csv = next(path for path in (as_json.with_suffix(".csv"),) if path.exists())
    read = []
    for path, kind in ((as_json, "json"), (as_csv, "csv")):
        shape, _ = detect_shape(task_for(path, kind), Heard())
        read.append([row for c in read_rows(path, shape, LIMITS) for row in c.rows])
    assert read[0] == read[1]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@given(value=values, cut=st.integers(0, 3), kind=st.sampled_from(["json", "ndjson"]))
def test_any_json_is_read_or_refused_with_a_code(
    tmp_path_factory: pytest.TempPathFactory, value: Any, cut: int, kind: str
) -> None:
    text = json.dumps(value)
    with suppress(AppError):  # nothing else may come out
        header, *rows = table_in(tmp_path_factory.getbasetemp(), text[: len(text) - cut], kind)
        assert all(len(row) == len(header) for row in rows)
