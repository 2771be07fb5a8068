"""What a table leaves open is asked, with what speaks for each answer; nothing else is."""

from pathlib import Path
from typing import Any

import pytest

from app.core.asking import Asking, checked_answer
from app.reading.fields import detect_fields
from tests.readers import Heard, task_for

BOTH_WAYS = "Date,Description,Amount\n03/04/2025,Tea,-2.50\n01/02/2025,Coffee,-3.40\n"
RUNS = "Date,Description,Amount\n" + "".join(f"{n:02}/11/2025,Tea,-2.50\n" for n in range(1, 8))


def found(folder: Path, text: str, **more: Any) -> dict[str, Any]:
    path = folder / "a.csv"
    path.write_text(text)
    task = task_for(path, kind="csv")
    task["answers"] = more.get("answers", {})
    task["options"] = more.get("options", {})
    return detect_fields(task, more.get("tell", Heard()))


def asked(folder: Path, text: str, **more: Any) -> list[Any]:
    with pytest.raises(Asking) as asking:
        found(folder, text, **more)
    return list(asking.value.questions)


def test_dates_that_fit_both_ways_are_asked_about_and_read_as_answered(tmp_path: Path) -> None:
    (question,) = asked(tmp_path, BOTH_WAYS)
    assert (question.key, question.kind) == ("date_order:Date", "date_order")
    assert {one.value: one.hint for one in question.choices} == {
        "dmy": "03/04/2025 is 2025-04-03",
        "mdy": "03/04/2025 is 2025-03-04",
    }
    assert question.evidence["rows"] == 2
    for order in ("dmy", "mdy"):
        answers = {question.key: checked_answer(question, order)}
        columns = found(tmp_path, BOTH_WAYS, answers=answers)["columns"]
        assert columns[0]["date_format"] == order.upper()


def test_a_default_is_what_is_read_when_nobody_may_be_asked(tmp_path: Path) -> None:
    (question,) = asked(tmp_path, BOTH_WAYS)
    heard = Heard()
    columns = found(tmp_path, BOTH_WAYS, options={"ask": False}, tell=heard)["columns"]
    assert columns[0]["date_format"] == question.default.upper()
    assert heard.codes == ["ambiguous_dates"]


def test_many_dates_that_run_one_way_are_not_asked_about(tmp_path: Path) -> None:
    heard = Heard()
    steps = [(3, 1), (7, 1), (11, 1), (2, 2), (9, 2), (1, 3), (12, 3)]
    text = "Date,Description,Amount\n" + "".join(
        f"{a:02}/{b:02}/2025,Tea,-2.50\n" for a, b in steps
    )
    assert found(tmp_path, text, tell=heard)["columns"][0]["date_format"] == "DMY"
    assert heard.codes == ["ambiguous_dates"]


def test_dates_that_run_either_way_are_asked_about(tmp_path: Path) -> None:
    assert [question.key for question in asked(tmp_path, RUNS)] == ["date_order:Date"]


def test_amounts_of_thousands_or_thousandths_are_asked_about(tmp_path: Path) -> None:
    text = "Date,Description,Amount\n2025-04-03,Tea,1.234\n2025-04-04,Tea,2.500\n"
    (question,) = asked(tmp_path, text)
    assert (question.key, question.kind, question.default) == (
        "decimal_mark:Amount",
        "decimal_mark",
        ",",
    )
    assert [one.hint for one in question.choices] == ["1.234 is 1.234", "1.234 is 1234.00"]
    for mark in (".", ","):
        columns = found(tmp_path, text, answers={question.key: mark})["columns"]
        assert columns[2]["decimal_mark"] == mark


def test_both_doubts_are_asked_at_once(tmp_path: Path) -> None:
    text = "Date,Description,Amount\n03/04/2025,Tea,1.234\n01/02/2025,Tea,2.500\n"
    assert [one.kind for one in asked(tmp_path, text)] == ["date_order", "decimal_mark"]


def test_nothing_is_told_before_it_is_known(tmp_path: Path) -> None:
    heard = Heard()
    asked(tmp_path, "Date,Tea,Tea,Amount\n03/04/2025,a,b,-1.00\n01/02/2025,a,b,-2.00\n", tell=heard)
    assert heard.codes == []


def test_files_with_the_same_names_share_what_was_answered(tmp_path: Path) -> None:
    first, other = asked(tmp_path, BOTH_WAYS)[0], asked(tmp_path, RUNS)[0]
    assert first.remember == other.remember != ""
    (third,) = asked(tmp_path, RUNS.replace("Description", "Text"))
    assert third.remember != first.remember


WORDS = "Ann,Berlin\nBob,Berlin\nAnn,Paris\nEve,Berlin\nAnn,Rome\n"


def test_a_table_of_words_may_have_names_where_only_a_person_knows(tmp_path: Path) -> None:
    (question,) = asked(tmp_path, WORDS)
    assert (question.key, question.default) == ("header_row", 0)
    none = found(tmp_path, WORDS, answers={"header_row": 0})
    assert (none["header_line"], len(none["sample"])) == (None, 5)
    second = found(tmp_path, WORDS, answers={"header_row": checked_answer(question, "2")})
    assert (second["header_line"], second["shape"]["header"]) == (2, ["Bob", "Berlin"])
    assert second["sample"] == [["Ann", "Paris"], ["Eve", "Berlin"], ["Ann", "Rome"]]


def test_a_table_that_begins_with_values_is_not_asked_about(tmp_path: Path) -> None:
    text = "2025-04-03,Tea,-2.50\n2025-05-20,Tea,-2.50\n"
    assert found(tmp_path, text)["header_line"] is None


MIXED = "Date;Text;Amount\n2025-04-13;{};-2.50\n2025-04-20;{};-3.50\n"


def test_letters_that_fit_no_language_are_asked_about_and_read_as_answered(tmp_path: Path) -> None:
    text = MIXED.format("xŁÐÞqþŒ ƒŠšþð", "ŽžŸÞð¤xÐ").encode("cp1252", "replace")
    path = tmp_path / "odd.csv"
    path.write_bytes(text)
    task = task_for(path, kind="csv")
    with pytest.raises(Asking) as asking:
        detect_fields(task, Heard())
    (question,) = asking.value.questions
    assert (question.key, question.kind) == ("encoding", "choice")
    assert len(question.choices) > 1
    for choice in question.choices:
        task["answers"] = {"encoding": checked_answer(question, choice.value)}
        assert detect_fields(task, Heard())["shape"]["encoding"] == choice.value


def test_letters_of_a_language_are_not_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "german.csv"
    path.write_bytes(MIXED.format("Bäckerei Müller Straße", "Überweisung für Öl").encode("cp1252"))
    heard = Heard()
    assert detect_fields(task_for(path, kind="csv"), heard)["shape"]["encoding"] == "cp1252"
    assert heard.codes == ["guessed_encoding"]
