"""A person corrects what rows are said to be; rules are made on a click, and later files know."""

from pathlib import Path
from typing import Any

import pytest

from app.core.errors import InvalidRequest, NotFound
from app.reading.corrections import (
    alter_rule,
    correct_row,
    make_rule,
    preview_rule,
    remove_rule,
)
from app.reading.learning import refit
from app.store import records_rules
from app.store.records import REVIEW_BELOW
from app.store.records_memory import forget
from app.store.records_schema import writing_records
from tests.desk import Desk

HEADER = "Date,Description,Amount\n"
KRONE = "2026-01-02,Zur Goldenen Krone,-20.00\n"
TANNE = "2026-01-03,Zimmerei Tanne,-300.00\n"
RULE = {"field": "vendor", "operator": "is", "value": "Zimmerei Tanne", "category": "Housing"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def rows(desk: Desk, job: str) -> list[dict[str, Any]]:
    return desk.page(job).rows


def categories(desk: Desk, job: str) -> list[str | None]:
    return [row["category"] for row in rows(desk, job)]


def test_a_correction_changes_that_row_alone(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE + TANNE.replace("300", "400")))
    before = categories(desk, "job-1")

    desk.errand(correct_row, job_id="job-1", row=2, category="Housing")

    assert categories(desk, "job-1") == [before[0], "Housing"]
    assert [row["amount"] for row in rows(desk, "job-1")] == ["-300.00", "-400.00"]
    assert rows(desk, "job-1")[1]["category_reason"] == "You said so"


def test_a_corrected_row_no_longer_waits_for_a_look(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE * 3))
    review = desk.page("job-1").counts["review"]

    desk.errand(correct_row, job_id="job-1", row=1, category="Housing")

    assert (review, desk.page("job-1").counts["review"]) == (3, 2)


def test_the_next_file_knows_the_correction_at_once(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE))
    desk.errand(correct_row, job_id="job-1", row=1, category="Housing")

    desk.bring_whole(desk.file(HEADER + TANNE.replace("300", "7"), "b.csv"), job="job-2")

    row = rows(desk, "job-2")[0]
    assert row["category"] == "Housing"
    assert row["category_reason"] == "You said so for Zimmerei Tanne"
    assert row["confidence"] > REVIEW_BELOW


def test_a_name_spelled_almost_like_a_corrected_one_is_taken_for_it(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE))
    desk.errand(correct_row, job_id="job-1", row=1, category="Housing")

    desk.bring_whole(desk.file(HEADER + TANNE.replace("Tanne", "Tane"), "b.csv"), job="job-2")

    row = rows(desk, "job-2")[0]
    assert (row["category"], row["category_reason"]) == (
        "Housing",
        "Spelled almost like Zimmerei Tanne",
    )


def test_corrections_that_disagree_are_only_a_suggestion(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE + TANNE.replace("300", "400")))
    desk.errand(correct_row, job_id="job-1", row=1, category="Housing")
    desk.errand(correct_row, job_id="job-1", row=2, category="Home & garden")

    desk.bring_whole(desk.file(HEADER + TANNE.replace("300", "7"), "b.csv"), job="job-2")

    row = rows(desk, "job-2")[0]
    assert row["category"] == "Home & garden"
    assert row["confidence"] < REVIEW_BELOW
    assert "Housing" in row["category_reason"]


def test_what_is_forgotten_is_not_known_any_more(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE))
    desk.errand(correct_row, job_id="job-1", row=1, category="Housing")
    with writing_records(desk.records) as connection:
        assert forget(connection, "anna", "category", "zimmerei tanne")

    desk.bring_whole(desk.file(HEADER + TANNE.replace("300", "7"), "b.csv"), job="job-2")

    assert categories(desk, "job-2") != ["Housing"]


def test_nobody_learns_from_anothers_corrections(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE))
    desk.errand(correct_row, job_id="job-1", row=1, category="Housing")
    with pytest.raises(NotFound):
        desk.errand(correct_row, user="bert", job_id="job-1", row=1, category="Fuel")

    desk.bring_whole(desk.file(HEADER + TANNE, "b.csv"), job="his", user="bert")

    assert categories(desk, "his") != ["Housing"]


def test_a_row_that_is_not_there_can_not_be_corrected(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE))
    with pytest.raises(NotFound):
        desk.errand(correct_row, job_id="job-1", row=2, category="Housing")


def test_a_corrected_vendor_is_called_that_in_later_files(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE))
    desk.errand(correct_row, job_id="job-1", row=1, vendor="Holzbau Tanne")

    desk.bring_whole(desk.file(HEADER + TANNE.replace("300", "7"), "b.csv"), job="job-2")

    assert [rows(desk, job)[0]["vendor"] for job in ("job-1", "job-2")] == ["Holzbau Tanne"] * 2


def test_a_correction_offers_a_rule_with_the_rows_it_would_change(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE + TANNE.replace("300", "400") + KRONE))

    found = desk.errand(correct_row, job_id="job-1", row=1, category="Housing")

    assert found["rule"] == {**RULE, "sign": -1, "rows": 1, "files": 1}
    assert categories(desk, "job-1")[1] != "Housing"


def test_a_preview_changes_nothing(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE + KRONE))
    before = categories(desk, "job-1")

    found = desk.errand(preview_rule, **RULE)

    assert (found["rows"], found["changes"], found["edited"]) == (1, 1, 0)
    assert found["jobs"] == [{"job_id": "job-1", "rows": 1}]
    assert found["examples"][0]["text"] == "Zimmerei Tanne"
    assert categories(desk, "job-1") == before


def test_a_rule_that_is_applied_changes_what_its_preview_said(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE + KRONE))
    said = desk.errand(preview_rule, **RULE)["changes"]

    assert desk.errand(make_rule, **RULE, apply=True)["changed"] == said == 1

    row = rows(desk, "job-1")[0]
    assert (row["category"], row["category_reason"]) == (
        "Housing",
        "Your rule: vendor is 'Zimmerei Tanne'",
    )
    assert desk.errand(preview_rule, **RULE)["changes"] == 0


def test_a_rule_that_is_not_applied_counts_for_later_files_only(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE))
    desk.errand(make_rule, **RULE)
    desk.bring_whole(desk.file(HEADER + TANNE.replace("300", "7"), "b.csv"), job="job-2")

    assert categories(desk, "job-1") != ["Housing"]
    assert categories(desk, "job-2") == ["Housing"]


def test_a_rule_leaves_alone_what_a_person_said(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE + TANNE.replace("300", "400")))
    desk.errand(correct_row, job_id="job-1", row=2, category="Fuel")

    assert desk.errand(preview_rule, **RULE)["edited"] == 1
    assert desk.errand(make_rule, **RULE, apply=True)["changed"] == 1
    assert categories(desk, "job-1") == ["Housing", "Fuel"]


def test_of_the_rules_that_fit_the_first_decides(desk: Desk) -> None:
    desk.errand(make_rule, **RULE)
    second = desk.errand(
        make_rule, field="description", operator="contains", value="tanne", category="Fuel"
    )
    desk.bring_whole(desk.file(HEADER + TANNE))
    assert categories(desk, "job-1") == ["Housing"]

    desk.errand(alter_rule, id=second["rule"]["id"], place=1)
    desk.bring_whole(desk.file(HEADER + TANNE.replace("300", "7"), "b.csv"), job="job-2")

    assert categories(desk, "job-2") == ["Fuel"]


def test_a_rule_about_descriptions_takes_only_the_rows_it_fits(desk: Desk) -> None:
    text = "Date,Payee,Description,Amount\n" + "".join(
        f"2026-01-0{day},Zimmerei Tanne,{what},-{day}.00\n"
        for day, what in enumerate(("Invoice 17", "Party snacks", "Invoice 18"), 1)
    )
    wish = {"field": "description", "operator": "begins", "value": "INVOICE"}
    desk.errand(make_rule, **wish, category="Housing")

    desk.bring_whole(desk.file(text))

    assert [found == "Housing" for found in categories(desk, "job-1")] == [True, False, True]
    assert [row["amount"] for row in rows(desk, "job-1")] == ["-1.00", "-2.00", "-3.00"]
    again = desk.errand(make_rule, **wish, category="Home & garden", apply=True)
    assert again["changed"] == 0  # the first rule still decides
    desk.errand(alter_rule, id=again["rule"]["id"], place=1, apply=True)
    assert [found == "Home & garden" for found in categories(desk, "job-1")] == [True, False, True]


def test_a_rule_about_money_out_says_nothing_of_money_in(desk: Desk) -> None:
    desk.errand(make_rule, **RULE, sign=-1)
    desk.bring_whole(desk.file(HEADER + TANNE + TANNE.replace("-300", "300")))
    assert [found == "Housing" for found in categories(desk, "job-1")] == [True, False]


def test_a_rule_that_is_gone_decides_nothing(desk: Desk) -> None:
    rule = desk.errand(make_rule, **RULE)["rule"]
    with pytest.raises(NotFound):
        desk.errand(remove_rule, user="bert", id=rule["id"])
    desk.errand(remove_rule, id=rule["id"])
    desk.bring_whole(desk.file(HEADER + TANNE))
    assert categories(desk, "job-1") != ["Housing"]


def test_there_is_an_end_to_rules(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_rules, "MOST_RULES", 1)
    desk.errand(make_rule, **RULE)
    desk.errand(make_rule, **RULE)  # the same again is no other one
    with pytest.raises(InvalidRequest):
        desk.errand(make_rule, **{**RULE, "category": "Fuel"})


def test_undo_takes_back_rows_that_were_corrected(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE + TANNE.replace("300", "400")))
    desk.errand(correct_row, job_id="job-1", row=2, category="Housing")
    assert desk.take_back("job-1") == 2
    assert desk.page("job-1").total == 0


WORKSHOPS = [
    f"{name} Holzwerk" for name in ["Adler", "Birke", "Buche", "Eiche", "Erle", "Fichte", "Linde"]
]
KENNELS = [
    f"{name} Hundesalon" for name in ["Anna", "Bello", "Cora", "Dina", "Emil", "Fips", "Gina"]
]


def test_what_corrections_have_in_common_is_learned(desk: Desk) -> None:
    names = [name for pair in zip(WORKSHOPS, KENNELS, strict=True) for name in pair]
    text = "".join(f"2026-01-05,{name},-{at}.00\n" for at, name in enumerate(names, 1))
    desk.bring_whole(desk.file(HEADER + text))
    for row, name in enumerate(names, 1):
        category = "Workshop" if name in WORKSHOPS else "Dog care"
        desk.errand(correct_row, job_id="job-1", row=row, category=category)

    assert desk.errand(refit) == {"examples": len(names), "learned": True}

    new = "2026-02-01,Ulme Holzwerk,-9.00\n2026-02-01,Hugo Hundesalon,-9.00\n"
    desk.bring_whole(desk.file(HEADER + new, "b.csv"), job="job-2")
    assert categories(desk, "job-2") == ["Workshop", "Dog care"]
    assert all(0.6 <= row["confidence"] <= 0.9 for row in rows(desk, "job-2"))


def test_too_few_corrections_teach_nothing_by_likeness(desk: Desk) -> None:
    desk.bring_whole(desk.file(HEADER + TANNE))
    desk.errand(correct_row, job_id="job-1", row=1, category="Housing")
    assert desk.errand(refit) == {"examples": 1, "learned": False}
