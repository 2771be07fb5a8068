"""A locked workbook is asked about, opened with the right password, and read like any other."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from msoffcrypto.format.ooxml import OOXMLFile

from app.core.asking import Asking
from app.core.unreadable import PasswordProtected
from app.reading.fields import detect_fields
from app.reading.identify import identify
from tests.readers import Heard, task_for

PASSWORD = "open sesame"
ROWS = [["Date", "Description", "Amount"], ["2025-04-13", "Tea", "-2.50"]]


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A workbook that PASSWORD opens."""
    plain = tmp_path / "plain.xlsx"
    with xlsxwriter.Workbook(plain) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(ROWS):
            sheet.write_row(number, 0, row)
    path = tmp_path / "locked.xlsx"
    with plain.open("rb") as source, path.open("wb") as out:
        OOXMLFile(source).encrypt(PASSWORD, out)
    return path


def identified(path: Path, **answers: Any) -> dict[str, Any]:
    task = task_for(path, kind="none")
    task["found"] = {}
    task["answers"] = {key.replace("_", ":"): value for key, value in answers.items()}
    return identify(task, Heard())


def test_a_locked_workbook_asks_for_its_password(locked: Path) -> None:
    with pytest.raises(Asking) as asking:
        identified(locked)
    (question,) = asking.value.questions
    assert (question.key, question.kind, question.default) == ("password", "password", None)
    assert asking.value.unanswered == (PasswordProtected.code, {"filename": "locked.xlsx"})


def test_a_wrong_password_is_asked_about_again_and_not_for_ever(locked: Path) -> None:
    with pytest.raises(Asking) as asking:
        identified(locked, password="wrong")
    (question,) = asking.value.questions
    assert question.key == "password:2"
    assert "wrong" not in question.text
    with pytest.raises(PasswordProtected):
        identified(locked, password="a", password_2="b", password_3="c")


def test_the_right_password_opens_it_for_all_steps(locked: Path) -> None:
    found = identified(locked, password="wrong", password_2=PASSWORD)
    assert (found["kind"], found["locked"]) == ("xlsx", True)
    task = task_for(locked, kind="none")
    task["found"] = {"initializing_streaming": found}
    assert detect_fields(task, Heard())["sample"] == ROWS[1:]
    (locked.parent / "unlocked").unlink()
    with pytest.raises(Asking):
        detect_fields(task, Heard())
